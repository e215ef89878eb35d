"""What strangers wrote, read within bounds: JSON, texts without their addresses, moments, our own tags."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from publisher.diagnostics import say
from publisher.providers.events import Event, EventError, EventKind

RAW_LIMIT = 16_000
"""Characters that are kept of an event nobody understands."""
# Wide on purpose: a server's diagnostic quotes addresses in every form, and a word too many hidden harms nobody.
_ADDRESS = re.compile(r"[^\s<>\"(),:;\[\]=]{1,256}@[^\s<>\"'(),:;\[\]=\\]{1,255}|\"[^\"\n]{1,64}\"@[^\s<>\"']{1,255}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def object_of(text: str) -> dict[str, Any]:
    """The JSON object in a text. Raises EventError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise EventError(say("not JSON")) from None
    if not isinstance(found, dict):
        raise EventError(say("not a JSON object"))
    return found


def unreadable(body: str) -> Event:
    """What a provider said and nobody understands, kept without its addresses; once, for a queue repeats itself."""
    return Event(EventKind.UNKNOWN, "", None, type="unreadable", detail=scrub(body, RAW_LIMIT))


def scrub(text: str, limit: int = 500) -> str:
    """At most ``limit`` characters of a text from outside, fit to keep: every address replaced by ``(address)``."""
    cut = text[: limit * 4]
    return _ADDRESS.sub("(address)", _CONTROL.sub(" ", cut))[:limit].strip()


def plain(text: str, limit: int = 200) -> str:
    """At most ``limit`` characters of ``text``, on one line; U+FFFD for what a database or a terminal chokes on: an
    address with such a character is not the one without.
    """
    return re.sub(r"[\t\n]", " ", _CONTROL.sub("\ufffd", text[:limit]))


def text_at(value: Mapping[str, Any], key: str, limit: int = 500) -> str:
    """The text under ``key`` of a JSON object, as :func:`plain`; empty where there is none."""
    found = value.get(key)
    return plain(found, limit).strip() if isinstance(found, str) else ""


def scrubbed_at(value: Mapping[str, Any], key: str, limit: int = 500) -> str:
    """The same, as :func:`scrub`."""
    found = value.get(key)
    return scrub(found, limit) if isinstance(found, str) else ""


def moment_of(text: str) -> datetime | None:
    """The moment in UTC of ISO 8601 text, which is in UTC where it names no zone; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def attempt_of(text: str | None) -> int | None:
    """The number in our tag ``attempt``; None for what is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else None
