"""Request input: sanitised fields of a form or of JSON, the origin of the request, and rate limits."""

import hashlib
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.requests import Request

from publisher.config.values import ascii_url, composed

MOST_FIELDS = 100
BY_NETWORK = "30/minute;200/hour"
BY_MAILBOX = "4/day"
LONGEST = 320
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of a request; every value is one line without control characters, at most ``LONGEST`` characters."""

    values: Mapping[str, tuple[str, ...]]
    is_json: bool = False

    def one(self, name: str) -> str:
        """Return the first value of a field, or the empty string."""
        return next(iter(self.values.get(name, ())), "")

    def many(self, name: str) -> tuple[str, ...]:
        """Return all values of a field."""
        return self.values.get(name, ())


async def read_fields(request: Request) -> Fields:
    """Read a form (urlencoded or multipart) or a JSON object. Raises HTTPException 400 for any other body."""
    is_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    try:
        if is_json:
            given = _pairs(json.loads(await request.body()))
        else:
            async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
                given = form.multi_items()
    except (ValueError, LookupError, AttributeError, RecursionError) as error:  # raised by parsers for hostile bodies
        raise HTTPException(400) from error
    values: dict[str, tuple[str, ...]] = {}
    for name, value in given:
        if type(value) in {str, int, float}:
            values[name] = (*values.get(name, ()), tidy(str(value)))
    return Fields(values, is_json)


def _pairs(found: Any) -> list[tuple[str, Any]]:
    """Return the fields of a JSON object; a list gives one pair per element. Raises ValueError: not an object."""
    if not isinstance(found, dict):
        raise ValueError("no object")
    lists = [(name, (value or [""]) if isinstance(value, list) else [value]) for name, value in found.items()]
    return [(name, value) for name, values in lists[:MOST_FIELDS] for value in values[:MOST_FIELDS]]


def tidy(text: str) -> str:
    """Return one line without control characters or lone surrogates, cut to ``LONGEST``."""
    return _CONTROL.sub(" ", composed(text[: 4 * LONGEST])).strip()[:LONGEST]


def evidence(request: Request, **more: str | None) -> dict[str, str]:
    """Return evidence for the history: remote address, user agent, and ``more``."""
    found = {
        "address": request.client.host if request.client else None,
        "agent": tidy(request.headers.get("user-agent", ""))[:200] or None,
        **more,
    }
    return {name: value for name, value in found.items() if value}


def network(request: Request) -> str:
    """Return the client network for rate limits: an IPv4 address, or an IPv6 /64, which is usually one household."""
    return asker(request.client.host if request.client else "")


def asker(host: str) -> str:
    """Return the network of an address, as in :func:`network`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:  # how a dual-stack listener reports IPv4
        address = address.ipv4_mapped
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def is_near(request: Request) -> bool:
    """Whether the request comes from this machine or a private network."""
    try:
        return ipaddress.ip_address(request.client.host if request.client else "").is_private  # includes loopback
    except ValueError:
        return False


def came_from_us(request: Request, welcome: Iterable[str]) -> bool:
    """Whether a form was sent from our own pages or from an origin in ``welcome``.

    Browsers send Origin, or at least Sec-Fetch-Site. A request without either comes from no browser, so it is no
    cross-site request forgery.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "none") in {"none", "same-origin", "same-site"}
    parts = _origin(origin)
    return parts is not None and (parts[1] == request.headers.get("host", "").lower() or parts in map(_origin, welcome))


def _origin(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(ascii_url(url))
    except ValueError:
        return None
    return (parts.scheme, parts.netloc.lower()) if parts.scheme in {"http", "https"} and parts.netloc else None


class Limiter:
    """Rate limits per network and per mailbox. Kept in memory: a restart resets them."""

    def __init__(self, by_network: str = BY_NETWORK, by_mailbox: str = BY_MAILBOX) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._network = parse_many(by_network)
        self._mailbox = parse_many(by_mailbox)

    def admits(self, network: str) -> bool:
        """Whether this network may send another subscribe form."""
        return self._hit(self._network, "network", network)

    def may_mail(self, mailbox_key: str) -> bool:
        """Whether this mailbox may get another confirmation mail today.

        ``ann+1@`` and, at some providers, ``a.nn@`` are the inbox ``ann@``: counted separately they would flood it.
        """
        local, _, domain = mailbox_key.rpartition("@")
        inbox = f"{local.partition('+')[0].replace('.', '')}@{domain}"
        return self._hit(self._mailbox, "mailbox", hashlib.sha256(inbox.encode()).hexdigest())

    def _hit(self, items: list[RateLimitItem], kind: str, key: str) -> bool:
        hits = [self._limiter.hit(item, kind, key) for item in items]  # no short circuit: every window counts the hit
        return all(hits)
