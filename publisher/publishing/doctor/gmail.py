"""Gmail's view of the sender's domain, from version 2 of the Google Postmaster Tools API, which has no reputations.

https://developers.google.com/workspace/gmail/postmaster/reference/rest/v2; rules for bulk senders and limits of the
spam rate: https://support.google.com/a/answer/81126.
"""

import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from publisher.diagnostics import listed, say
from publisher.providers.provider import PATIENCE, Finding, fault, ok, warning
from publisher.publishing.doctor.questions import Probes

TOKEN, URL = "PUBLISHER_POSTMASTER_TOKEN", "PUBLISHER_POSTMASTER_URL"
NOT_ASKED = say("Google Postmaster Tools is asked where {name} holds a token (docs/providers.md)", name=TOKEN)
SPAM_WARNING, SPAM_FAULT = 0.001, 0.003  # share of the messages in inboxes
_SITE = "https://postmaster.google.com/"
_DAY = ("year", "month", "day")
_LESS_SPAM = say("mail only who asked for it, and less often: publisher audience shows what lost readers")
_LINES = say("see the lines spf, dkim, dmarc and unsubscribe; other bulk mail of this domain counts too")
_CURES = {
    "DNS_RECORDS": say("give the sending host a name in DNS that leads back to its address, or ask who runs it"),
    "ENCRYPTION": say("let the relay use TLS towards Gmail"),
    "USER_REPORTED_SPAM_RATE": _LESS_SPAM,
    "HONOR_UNSUBSCRIBE": say("who left is mailed again: is another list sent from this domain?"),
}


def gmail(probes: Probes) -> Finding:
    """Check the spam rate at Gmail and its rules for bulk senders."""
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
            advice = say("make another (docs/providers.md)")
            return warning(say("the token in {name} has expired, or is none", name=TOKEN), advice)
        if statuses & {403, 404}:
            advice = say("verify {domain} at {site} with the account that the token is of", domain=domain, site=_SITE)
            return warning(say("Google shows nothing of {domain} to this token", domain=domain), advice)
        stats, rules = (answer.raise_for_status().json() for answer in answers)
        return _weighed(domain, _rates(stats), _unmet(rules))
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        advice = say("ask again later")
        return warning(say("Google Postmaster Tools gives no answer: {kind}", kind=type(error).__name__), advice)


def _weighed(domain: str, rates: dict[date, float], unmet: list[str]) -> Finding:
    told, newest = say("too little mail of {domain} reaches Gmail for a spam rate", domain=domain), 0.0
    if rates:
        newest, day, most = rates[max(rates)], max(rates), max(rates.values())
        spam = say("{n:.2%} of the mail of {domain} was called spam at Gmail on {day} (30 days: {most:.2%})")
        told = say(spam, n=newest, domain=domain, day=day, most=most)
    if newest >= SPAM_WARNING:
        return (fault if newest >= SPAM_FAULT else warning)(told, _LESS_SPAM)
    if unmet:
        named = listed(name.lower().replace("_", " ") for name in unmet)
        advice = listed(dict.fromkeys(_CURES.get(n, _LINES) for n in unmet), say("{one}; {other}"))
        return warning(say("{told}; not met: {named}", told=told, named=named), advice)
    return ok(say("{told}; the rules for bulk senders are met", told=told))


def _rates(stats: Any) -> dict[date, float]:
    """Return the spam rate by day, without days for which Google reports none."""
    values = [(one.get("value") or {}, one["date"]) for one in stats.get("domainStats", ())]
    rates = [(value.get("floatValue", value.get("doubleValue")), day) for value, day in values]
    return {date(*(day[part] for part in _DAY)): float(rate) for rate, day in rates if rate is not None}


def _unmet(rules: Any) -> list[str]:
    """Return the rules that are not met by the domain itself, if Google reports it, otherwise by its parent."""
    data = rules.get("subdomainComplianceData") or rules.get("complianceData") or {}
    return [row["requirement"] for row in data.get("rowData", ()) if row["status"].get("status") == "NEEDS_WORK"]
