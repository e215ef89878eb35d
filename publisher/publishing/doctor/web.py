"""The archive, the readers' service, and the clock."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from publisher.audience.tokens import Tokens
from publisher.errors import ServiceError
from publisher.providers.findings import PATIENCE, Finding, fault, ok, skipped, warning
from publisher.publishing.doctor.probes import Probes

EXPIRES_SOON = 14  # days
CLOCK_WARNING, CLOCK_FAULT = 30.0, 240.0  # seconds; AWS refuses signatures that are 5 minutes off


def archive(probes: Probes) -> Finding:
    """Is the archive live, over TLS?"""
    url = probes.config.newsletter.url
    answer = _ask(probes, "GET", url)
    if answer.status_code != 200:
        return fault("archive", f"{url} answers {answer.status_code}", "publisher publish, or look at the web server")
    parts = urlsplit(url)
    if parts.scheme != "https":
        if _is_loopback(parts.hostname or ""):
            return ok("archive", f"{url} is live (loopback, no TLS needed)")
        return fault("archive", f"{url} is live without TLS", "serve it over https and write so in newsletter.url")
    days = _certificate_days(parts.hostname or "", parts.port or 443)
    if days < EXPIRES_SOON:
        return warning("archive", f"{url} is live; its certificate ends in {days} days", "renew the certificate")
    return ok("archive", f"{url} is live; its certificate is good for {days} days")


def unsubscribe(probes: Probes) -> Finding:
    """Does the service take a one-click POST (RFC 8058)? Asked with a link of ours that belongs to nobody."""
    if not probes.config.service.url:
        return fault(
            "unsubscribe", "service.url is not set: nobody could unsubscribe", "set service.url in config.yaml"
        )
    # A reference of this form is never given out, so the POST is understood, and unsubscribes no one.
    url = Tokens.open(probes.config).unsubscribe_url("doctor" + secrets.token_hex(8))
    answer = _ask(probes, "POST", url, content=b"List-Unsubscribe=One-Click")
    where = probes.config.service.url
    if answer.is_redirect:
        return fault("unsubscribe", f"{where} redirects a one-click POST, which RFC 8058 forbids", "serve it there")
    if "set-cookie" in answer.headers:
        return warning("unsubscribe", f"{where} sets a cookie on a one-click POST", "switch cookies off before it")
    if answer.status_code in {200, 202, 204}:
        return ok("unsubscribe", f"{where} takes a one-click POST")
    return fault(
        "unsubscribe",
        f"{where} answers {answer.status_code} to a one-click POST with a link of ours",
        "run publisher serve there, with the same PUBLISHER_SECRET_KEYS as here",
    )


def clock(probes: Probes) -> Finding:
    """Is this machine's clock right, by the clocks of those who answered?"""
    if not probes.clocks:
        return skipped("clock", "nobody answered who could tell the time")
    who, theirs, ours = probes.clocks[0]
    off = (ours - theirs).total_seconds()
    if abs(off) < CLOCK_WARNING:
        return ok("clock", f"agrees with {who} to within {max(abs(off), 1):.0f} s")
    says = f"this clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} {who}"
    make = fault if abs(off) > CLOCK_FAULT else warning
    return make("clock", says, "switch time synchronisation on: timedatectl set-ntp true")


def _ask(probes: Probes, method: str, url: str, content: bytes | None = None) -> httpx.Response:
    headers = {"user-agent": "publisher-doctor"}
    if content is not None:
        headers["content-type"] = "application/x-www-form-urlencoded"
    try:
        with httpx.Client(timeout=PATIENCE, follow_redirects=False) as client:
            answer = client.request(method, url, headers=headers, content=content)
    except httpx.HTTPError as error:
        raise ServiceError(
            f"{_origin(url)} does not answer: {_reason(error)}", help="is the network up, and the name in DNS?"
        ) from error
    ours = datetime.now(UTC)
    if told := answer.headers.get("date"):
        with suppress(ValueError):
            probes.saw_clock(_origin(url), parsedate_to_datetime(told), ours)
    return answer


def _reason(error: httpx.HTTPError) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate is not trusted"
    return {"ConnectError": "no connection", "ConnectTimeout": "time-out", "ReadTimeout": "time-out"}.get(
        type(error).__name__, type(error).__name__
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _certificate_days(host: str, port: int) -> int:
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, port), timeout=PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            certificate = wrapped.getpeercert() or {}
    except OSError as error:
        raise ServiceError(f"{host} has no good certificate: {type(error).__name__}") from error
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    return (ends - datetime.now(UTC)).days
