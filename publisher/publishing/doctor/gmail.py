"""What Gmail says of the sender's domain: the API of Google Postmaster Tools, version 2, which has no reputations.

https://developers.google.com/workspace/gmail/postmaster/reference/rest/v2; the rules for bulk senders and the limits of
the spam rate: https://support.google.com/a/answer/81126.
"""

import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from publisher.providers.provider import PATIENCE, Finding, fault, ok, warning
from publisher.publishing.doctor.questions import Probes

TOKEN, URL = "PUBLISHER_POSTMASTER_TOKEN", "PUBLISHER_POSTMASTER_URL"
NOT_ASKED = f"Google Postmaster Tools is asked where {TOKEN} holds a token (docs/providers.md)"
SPAM_WARNING, SPAM_FAULT = 0.001, 0.003  # of the messages in inboxes
_DAY = ("year", "month", "day")
_LESS_SPAM = "mail only who asked for it, and less often: publisher audience shows what lost readers"
_LINES = "see the lines spf, dkim, dmarc and unsubscribe; other bulk mail of this domain counts too"
_CURES = {
    "DNS_RECORDS": "give the sending host a name in DNS that leads back to its address, or ask who runs it",
    "ENCRYPTION": "let the relay use TLS towards Gmail",
    "USER_REPORTED_SPAM_RATE": _LESS_SPAM,
    "HONOR_UNSUBSCRIBE": "who left is mailed again: is another list sent from this domain?",
}


def gmail(probes: Probes) -> Finding:
    """What do Gmail's readers, and its rules for bulk senders, say of the domain?"""
    token, domain = os.environ[TOKEN].strip(), probes.config.newsletter.domain
    where = f"{os.environ.get(URL) or 'https://gmailpostmastertools.googleapis.com'}/v2/domains/{domain}"
    today = datetime.now(UTC).date()
    start, end = (dict(zip(_DAY, day.timetuple(), strict=False)) for day in (today - timedelta(30), today))
    rate = {"name": "spam", "baseMetric": {"standardMetric": "SPAM_RATE"}}
    time = {"dateRanges": {"dateRanges": [{"start": start, "end": end}]}}
    query = {"metricDefinitions": [rate], "timeQuery": time, "pageSize": 200}
    try:
        with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE / 2) as client:
            answers = (client.post(f"{where}/domainStats:query", json=query), client.get(f"{where}/complianceStatus"))
        statuses = {answer.status_code for answer in answers}
        if 401 in statuses:
            return warning(f"the token in {TOKEN} has expired, or is none", "make another (docs/providers.md)")
        if statuses & {403, 404}:
            advice = f"verify {domain} at https://postmaster.google.com/ with the account that the token is of"
            return warning(f"Google shows nothing of {domain} to this token", advice)
        stats, rules = (answer.raise_for_status().json() for answer in answers)
        return _weighed(domain, _rates(stats), _unmet(rules))
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        return warning(f"Google Postmaster Tools gives no answer: {type(error).__name__}", "ask again later")


def _weighed(domain: str, rates: dict[date, float], unmet: list[str]) -> Finding:
    told, newest = f"too little mail of {domain} reaches Gmail for a spam rate", 0.0
    if rates:
        newest, day, most = rates[max(rates)], max(rates), max(rates.values())
        told = f"{newest:.2%} of the mail of {domain} was called spam at Gmail on {day} (30 days: {most:.2%})"
    if newest >= SPAM_WARNING:
        return (fault if newest >= SPAM_FAULT else warning)(told, _LESS_SPAM)
    if unmet:
        named = ", ".join(name.lower().replace("_", " ") for name in unmet)
        return warning(f"{told}; not met: {named}", "; ".join(dict.fromkeys(_CURES.get(n, _LINES) for n in unmet)))
    return ok(f"{told}; the rules for bulk senders are met")


def _rates(stats: Any) -> dict[date, float]:
    """The spam rate by day. A day of which Google says nothing is not there."""
    values = [(one.get("value") or {}, one["date"]) for one in stats.get("domainStats", ())]
    rates = [(value.get("floatValue", value.get("doubleValue")), day) for value, day in values]
    return {date(*(day[part] for part in _DAY)): float(rate) for rate, day in rates if rate is not None}


def _unmet(rules: Any) -> list[str]:
    """The rules that are not met: by the domain itself where Google tells it apart, else by the one above it."""
    data = rules.get("subdomainComplianceData") or rules.get("complianceData") or {}
    return [row["requirement"] for row in data.get("rowData", ()) if row["status"].get("status") == "NEEDS_WORK"]
