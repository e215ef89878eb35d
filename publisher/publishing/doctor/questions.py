"""Checks that do not depend on the provider: config, database, DNS, archive, readers' service, clock."""

import ipaddress
import re
import secrets
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx

from publisher.audience.backup import last_backup
from publisher.audience.tables import subscribers
from publisher.audience.tokens import Purpose, Tokens
from publisher.config import Config
from publisher.config.load import unready
from publisher.database import open_database
from publisher.database.engine import clock as database_clock
from publisher.database.engine import database_url
from publisher.delivery import mailings
from publisher.delivery.states import word
from publisher.delivery.tripwires import withdrawn
from publisher.diagnostics import counted, listed, say
from publisher.errors import ServiceError, UsageError
from publisher.insights.store import answers_to
from publisher.providers import Provider, open_provider
from publisher.providers.provider import PATIENCE, Finding, fault, ok, skipped, warning
from publisher.publishing.history import other_newsletter

EXPIRES_SOON = 14  # days
CLOCK_WARNING, CLOCK_FAULT = 30.0, 240.0  # seconds; AWS rejects signatures more than 5 minutes off


@dataclass
class Probes:
    """Access to DNS, web and provider. ``nameserver`` is ``host`` or ``host:port``; None: the system's resolver."""

    config: Config
    nameserver: str | None = None
    clocks: list[tuple[str, datetime, datetime]] = field(default_factory=list)  # (server, its time, our time)

    def __post_init__(self) -> None:
        """Raise UsageError if ``nameserver`` is not an address."""
        if self.nameserver:
            _ = self._resolver

    @cached_property
    def provider(self) -> Provider:
        """The configured provider."""
        return open_provider(self.config)

    def dns(self, name: str, kind: str) -> list[str]:
        """Return the DNS records of a name, TXT pieces joined; empty if there are none. Raises ServiceError."""
        import dns.exception
        import dns.resolver

        try:
            found = self._resolver.resolve(name, kind, lifetime=PATIENCE)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, ValueError) as error:
            late = isinstance(error, dns.exception.Timeout)
            why = say("no server of it answered in time") if late else type(error).__name__
            advice = say("is the network up? --nameserver HOST asks another server")
            raise ServiceError(say("DNS does not answer for {name}: {why}", name=name, why=why), help=advice) from error
        if kind == "TXT":
            return [b"".join(record.strings).decode("utf-8", "replace") for record in found]
        return [record.to_text() for record in found]

    @cached_property
    def _resolver(self) -> Any:
        import dns.resolver

        if not self.nameserver:
            return dns.resolver.Resolver()
        resolver = dns.resolver.Resolver(configure=False)
        host, _, port = self.nameserver.partition(":")
        try:
            resolver.nameservers, resolver.port = [host], int(port or 53)
        except ValueError as error:
            advice = say("write the IPv4 address of a DNS server, and its port where it is not 53: 9.9.9.9:53")
            message = say("--nameserver: {name!r} is no address", name=self.nameserver)
            raise UsageError(message, help=advice) from error
        return resolver


def config(probes: Probes) -> Finding:
    """Check that config.yaml describes a real newsletter."""
    if found := [*unready(probes.config).values()]:
        return fault(listed((one.message for one in found), say("{one}; {other}")), found[0].help or "")
    leaves = probes.config.delivery.leaves
    return ok(say("names a real newsletter") if leaves else say("is read; the folder transport mails nobody"))


def database(probes: Probes) -> Finding:
    """Check that the database can be opened and written. Raises DatabaseError, whose message becomes the finding."""
    with closing(open_database(probes.config)) as opened, opened.begin() as connection:
        # An UPDATE of no rows finds a read-only database or a full disk now instead of during a mailing.
        connection.execute(subscribers.update().where(subscribers.c.id < 0).values(name=""))
        if opened.dialect == "postgresql":
            theirs = datetime.fromtimestamp(database_clock(connection), UTC)
            probes.clocks.append((say("the database"), theirs, datetime.now(UTC)))
        if strange := other_newsletter(probes.config, connection):
            return fault(*strange)
        for one in withdrawn(probes.config, connection, mailings.every_newest(connection)):
            return warning(one.message, one.help)
    return ok(say("{url} is open, writable and up to date", url=opened.url))


def backup(probes: Probes) -> Finding:
    """Check the age of the last backup made here."""
    if database_url(probes.config).get_backend_name() != "sqlite":
        return skipped(say("the database is PostgreSQL: pg_dump, or its host, backs it up (docs/backup.md)"))
    made = last_backup(probes.config)
    if made is None:
        found = say("no publisher backup has been made here")
    elif (age := datetime.now(UTC) - made) > timedelta(days=8):
        found = say("the last backup is {days} days old", days=age.days)
    else:
        return ok(say("the last was made {made}", made=made.isoformat(sep=" ", timespec="minutes")))
    with closing(open_database(probes.config)) as opened, opened.connect() as connection:
        mails = probes.config.delivery.leaves and bool(mailings.every_newest(connection))
    return warning(found, say("publisher backup FILE, after each issue")) if mails else ok(found)


def receivers(probes: Probes) -> Finding:
    """Check whether a receiver's answers to the last mailing ask for something that the sender can fix."""
    with closing(open_database(probes.config)) as opened:
        found = [answer for answer in answers_to(opened) if answer.asks]
    if not found:
        return ok(say("no receiver asks anything of the sender in its answers to the last mailing"))
    said, others = say("{who}: {n:,} {did}: {why}"), say("others")
    each = (say(said, who=a.receiver or others, n=a.recipients, did=word(a.did), why=a.reason) for a in found[:3])
    return warning(listed(each, say("{one}; {other}")), found[0].cure)


# SPF (RFC 7208) and DMARC (RFC 7489) of the sender's domain.


def spf(probes: Probes) -> Finding:
    """Check that the SPF record of the envelope's domain permits the provider."""
    provider = probes.provider
    domain = provider.envelope_domain(probes.config.newsletter.domain)
    if domain is None:
        return skipped(say("bounces go to a domain of {title}, which has its own SPF record", title=provider.title))
    records = [text for text in probes.dns(domain, "TXT") if re.match(r"v=spf1( |$)", text, re.IGNORECASE)]
    if not records:
        advice = say('publish {domain} TXT "v=spf1 {spf} ~all"', domain=domain, spf=provider.spf)
        return warning(say("{domain} has no SPF record", domain=domain), advice)
    if len(records) > 1:
        message = say("{domain} has {n} SPF records, which receivers treat as an error", domain=domain, n=len(records))
        return fault(message, say("keep one"))
    if provider.spf.startswith("include:") and provider.spf not in records[0].lower():
        message = say("the SPF record of {domain} does not name {title}", domain=domain, title=provider.title)
        return warning(message, say("add {spf} to it", spf=provider.spf))
    if records[0].rstrip().lower().endswith(("+all", " all")):
        return fault(say("the SPF record of {domain} lets anybody send", domain=domain), say("end it with ~all"))
    return ok(f"{domain}: {records[0]}")


def dmarc(probes: Probes) -> Finding:
    """Check that there is a DMARC policy, which Gmail and Yahoo require of senders of 5,000 messages a day."""
    domain = probes.config.newsletter.domain
    labels = domain.split(".")
    for name in [".".join(labels[i:]) for i in range(max(len(labels) - 1, 1))]:
        records = [t for t in probes.dns(f"_dmarc.{name}", "TXT") if t.replace(" ", "").lower().startswith("v=dmarc1")]
        if len(records) > 1:
            advice = say("keep one")
            return fault(say("_dmarc.{name} has {n} records, which count as none", name=name, n=len(records)), advice)
        if records:
            return _policy(name, records[0], inherited=name != domain)
    advice = say('publish _dmarc.{domain} TXT "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"', domain=domain)
    message = say("{domain} has no DMARC policy: Gmail and Yahoo refuse bulk mail without one", domain=domain)
    return fault(message, advice)


def _policy(name: str, record: str, *, inherited: bool) -> Finding:
    tags = {key.strip().lower(): value.strip() for key, _, value in (t.partition("=") for t in record.split(";"))}
    policy = (tags.get("sp") if inherited else None) or tags.get("p", "")
    if policy.lower() not in {"none", "quarantine", "reject"}:
        advice = say("begin it with v=DMARC1; p=none")
        return fault(say("the DMARC record of {name} has no policy: {record}", name=name, record=record), advice)
    if policy.lower() == "none" and "rua" not in tags:
        advice = say("add rua=mailto:… to the DMARC record")
        return warning(say("{name}: p=none and nobody reads the reports", name=name), advice)
    return ok(f"{name}: p={policy}")


def archive(probes: Probes) -> Finding:
    """Check that the archive is live over TLS."""
    url = probes.config.newsletter.url
    answer = _ask(probes, "GET", url)
    if answer.status_code != 200:
        advice = say("publisher publish, or look at the web server")
        return fault(say("{url} answers {status_code}", url=url, status_code=answer.status_code), advice)
    parts = urlsplit(url)
    if parts.scheme != "https":
        if _is_loopback(parts.hostname or ""):
            return ok(say("{url} is live (loopback, no TLS needed)", url=url))
        advice = say("serve it over https and write so in newsletter.url")
        return fault(say("{url} is live without TLS", url=url), advice)
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(answer.extensions["certificate"]["notAfter"]), UTC)
    days = (ends - datetime.now(UTC)).days
    if days < EXPIRES_SOON:
        advice = say("renew the certificate")
        ends_soon = counted(
            "{url} is live; its certificate ends in {n} day", "{url} is live; its certificate ends in {n} days",
            days, url=url,
        )  # fmt: skip
        return warning(ends_soon, advice)
    return ok(say("{url} is live; its certificate is good for {days} days", url=url, days=days))


def unsubscribe(probes: Probes) -> Finding:
    """Check that the service accepts a one-click POST (RFC 8058), with a signed link of no subscriber."""
    if not probes.config.service.url:
        return fault(say("service.url is not set: nobody could unsubscribe"), say("set service.url in config.yaml"))
    # No subscriber has a reference of this form: the POST is valid, and unsubscribes nobody.
    url = Tokens.open(probes.config).url(Purpose.UNSUBSCRIBE, "doctor" + secrets.token_hex(8))
    answer = _ask(probes, "POST", url, content=b"List-Unsubscribe=One-Click")
    where = probes.config.service.url
    if answer.is_redirect:
        advice = say("serve it there")
        return fault(say("{where} redirects a one-click POST, which RFC 8058 forbids", where=where), advice)
    if "set-cookie" in answer.headers:
        advice = say("switch cookies off before it")
        return warning(say("{where} sets a cookie on a one-click POST", where=where), advice)
    if answer.status_code in {200, 202, 204}:
        return ok(say("{where} takes a one-click POST", where=where))
    about = {"where": where, "status": answer.status_code}
    message = say("{where} answers {status} to a one-click POST with a link of ours", **about)
    return fault(message, say("run publisher serve there, with the same PUBLISHER_SECRET_KEYS as here"))


def clock(probes: Probes) -> Finding:
    """Compare this machine's clock with those of the servers that answered."""
    if not probes.clocks:
        return skipped(say("nobody answered who could tell the time"))
    who, theirs, ours = probes.clocks[0]
    off = (ours - theirs).total_seconds()
    if abs(off) < CLOCK_WARNING:
        return ok(say("agrees with {who} to within {off:.0f} s", who=who, off=max(abs(off), 1)))
    ahead, behind = say("this clock is {off:.0f} s ahead of {who}"), say("this clock is {off:.0f} s behind {who}")
    make = fault if abs(off) > CLOCK_FAULT else warning
    advice = say("switch time synchronisation on: timedatectl set-ntp true")
    return make(say(ahead if off > 0 else behind, off=abs(off), who=who), advice)


def _ask(probes: Probes, method: str, url: str, content: bytes | None = None) -> httpx.Response:
    """Return the response without its body; over TLS the extensions hold the certificate. Raises ServiceError."""
    headers = {"user-agent": "publisher-doctor"}
    if content is not None:
        headers["content-type"] = "application/x-www-form-urlencoded"
    try:
        with httpx.stream(method, url, headers=headers, content=content, timeout=PATIENCE) as answer:
            if tls := answer.extensions["network_stream"].get_extra_info("ssl_object"):
                answer.extensions["certificate"] = tls.getpeercert()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        message = say("{origin} does not answer: {reason}", origin=_origin(url), reason=_reason(error))
        raise ServiceError(message, help=say("is the network up, and the name in DNS?")) from error
    ours = datetime.now(UTC)
    if told := answer.headers.get("date"):
        with suppress(ValueError):
            theirs = parsedate_to_datetime(told)  # without a zone if it says -0000
            probes.clocks.append((_origin(url), theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC), ours))
    return answer


def _reason(error: Exception) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return say("its certificate is not trusted")
    late = say("time-out")
    known = {"ConnectError": say("no connection"), "ConnectTimeout": late, "ReadTimeout": late}
    return known.get(type(error).__name__, type(error).__name__)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
