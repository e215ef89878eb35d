"""The people of the audience as values: a subscriber, and what happened between them and the newsletter."""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from publisher.diagnostics import say

MONTHLY = "monthly"
"""What ``digest`` of a subscriber says who wants the issues of a month as one edition."""


class ConsentState(StrEnum):
    """What a subscriber has agreed to. Only the confirmed are mailed."""

    PENDING = "pending"
    """Asked for the newsletter, or was entered by an operator, and has yet to confirm."""
    CONFIRMED = "confirmed"
    """Wants the newsletter: confirmed it, or an operator vouches for it."""
    UNSUBSCRIBED = "unsubscribed"
    """Does not want it; only the person can change that."""


class ConsentEvent(StrEnum):
    """What an entry of the history records."""

    SUBSCRIBED = "subscribed"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    CHANGED = "changed"
    ASKED = "asked"
    """Was mailed the question whether they still read."""
    KEPT = "kept"
    """Answered that they do."""
    LET_GO = "let-go"
    """Was silent to it and to its reminders, and is suppressed."""


class ConsentSource(StrEnum):
    """Through what a change came."""

    FORM = "form"
    IMPORT = "import"
    COMMAND = "command"
    ONE_CLICK = "one-click"
    LINK = "link"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person with a consent state."""

    id: int
    reference: str
    """Opaque and random: what tokens, tags and logs may name."""
    address: str
    """As given."""
    address_key: str
    """What goes on the envelope: the domain in lower-case A-labels."""
    mailbox_key: str
    state: ConsentState
    name: str
    language: str | None
    timezone: str | None
    """IANA name; None is the newsletter's."""
    topics: tuple[str, ...]
    attributes: Mapping[str, str]
    paused_until: datetime | None
    """No issue comes until then."""
    digest: str | None
    """``monthly``: wants the issues of a month as one edition."""
    asked_at: datetime | None
    preferred_at: datetime | None
    created_at: datetime
    changed_at: datetime


def value_of(name: str, own_name: str, attributes: Mapping[str, Any]) -> str | None:
    """What is known of a subscriber under ``name``, which may be ``name`` itself; None where it is white space."""
    held = own_name if name == "name" else attributes.get(name)
    return None if held is None else str(held).strip() or None


@dataclass(frozen=True, slots=True)
class Consent:
    """An entry of the history: never changed once written."""

    at: datetime
    change: str
    how: str
    evidence: Mapping[str, Any]


_SPAN = re.compile(r"([0-9]{1,3})([dwmy])")


def shifted(at: datetime, span: str, sign: int = 1) -> datetime:
    """``at`` and a ``span`` later, or earlier where ``sign`` is -1; on the last day of a month that is too short.

    A span is a length of time by the calendar: ``2w``, ``1m`` (a month), ``1y``. Raises ValueError where it is none.
    """
    match = _SPAN.fullmatch(span)
    if match is None:
        raise ValueError(say("{span!r} is no length of time", span=span))
    number, unit = sign * int(match[1]), match[2]
    if unit in "dw":
        return at + timedelta(days=number * (7 if unit == "w" else 1))
    year, month = divmod(at.year * 12 + at.month - 1 + number * (12 if unit == "y" else 1), 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
