"""Bounded reading of untrusted input: JSON, text without addresses, times, our own tags."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from publisher.diagnostics import say
from publisher.providers.events import Event, EventError, EventKind

RAW_LIMIT = 16_000
"""Characters of an unknown event that are stored."""
# Broad on purpose: diagnostics quote addresses in every form, and hiding too much is harmless.
_ADDRESS = re.compile(r"[^\s<>\"(),:;\[\]=]{1,256}@[^\s<>\"'(),:;\[\]=\\]{1,255}|\"[^\"\n]{1,64}\"@[^\s<>\"']{1,255}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def object_of(text: str) -> dict[str, Any]:
    """Return the JSON object in a text. Raises EventError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise EventError(say("not JSON")) from None
    if not isinstance(found, dict):
        raise EventError(say("not a JSON object"))
    return found


def unreadable(body: str) -> Event:
    """Return an UNKNOWN event for a body that cannot be parsed, without addresses; repeats have the same digest."""
    return Event(EventKind.UNKNOWN, "", None, type="unreadable", detail=scrub(body, RAW_LIMIT))


def scrub(text: str, limit: int = 500) -> str:
    """Return at most ``limit`` characters of untrusted text, each address replaced by ``(address)``."""
    cut = text[: limit * 4]
    return _ADDRESS.sub("(address)", _CONTROL.sub(" ", cut))[:limit].strip()


def plain(text: str, limit: int = 200) -> str:
    """Return at most ``limit`` characters of ``text`` on one line. Control characters become U+FFFD instead of
    being removed, so that an address with one never equals the address without it.
    """
    return re.sub(r"[\t\n]", " ", _CONTROL.sub("\ufffd", text[:limit]))


def text_at(value: Mapping[str, Any], key: str, limit: int = 500) -> str:
    """Return the text under ``key`` of a JSON object after :func:`plain`; empty if there is none."""
    found = value.get(key)
    return plain(found, limit).strip() if isinstance(found, str) else ""


def scrubbed_at(value: Mapping[str, Any], key: str, limit: int = 500) -> str:
    """Return the text under ``key`` of a JSON object after :func:`scrub`; empty if there is none."""
    found = value.get(key)
    return scrub(found, limit) if isinstance(found, str) else ""


def moment_of(text: str) -> datetime | None:
    """Return the time of an ISO 8601 text in UTC, which is also the default time zone; None if it is invalid."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def attempt_of(text: str | None) -> int | None:
    """Return the number in our tag ``attempt``; None if it is invalid."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else None
