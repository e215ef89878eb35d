"""Value types of the audience: a subscriber, and an entry of their consent history."""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from publisher.diagnostics import say

MONTHLY = "monthly"
"""Value of ``Subscriber.digest`` for the month's edition: the issues of a month as one."""


class ConsentState(StrEnum):
    """Consent of a subscriber. Only confirmed subscribers are mailed."""

    PENDING = "pending"
    """Asked for the newsletter, or was added by an operator, and has not confirmed yet."""
    CONFIRMED = "confirmed"
    """Confirmed the newsletter, or an operator vouches for them."""
    UNSUBSCRIBED = "unsubscribed"
    """Does not want the newsletter; only the person can change that."""


class ConsentEvent(StrEnum):
    """Kind of an entry of the history."""

    SUBSCRIBED = "subscribed"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    CHANGED = "changed"
    ASKED = "asked"
    """Was mailed the question whether they still read the newsletter."""
    KEPT = "kept"
    """Answered that they do."""
    LET_GO = "let-go"
    """Answered neither the question nor its reminders, and is suppressed."""


class ConsentSource(StrEnum):
    """The way a change was made."""

    FORM = "form"
    IMPORT = "import"
    COMMAND = "command"
    ONE_CLICK = "one-click"
    LINK = "link"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Person with a consent state."""

    id: int
    reference: str
    """Opaque random id, the only one that may appear in tokens, tags and logs."""
    address: str
    """As given."""
    address_key: str
    """Goes on the envelope: the domain in lower-case A-labels."""
    mailbox_key: str
    state: ConsentState
    name: str
    language: str | None
    timezone: str | None
    """IANA name; None: the newsletter's."""
    topics: tuple[str, ...]
    attributes: Mapping[str, str]
    paused_until: datetime | None
    """No issue is sent to them until then."""
    digest: str | None
    """``monthly`` for the month's edition; None for each issue by itself."""
    asked_at: datetime | None
    preferred_at: datetime | None
    created_at: datetime
    changed_at: datetime


def value_of(name: str, own_name: str, attributes: Mapping[str, Any]) -> str | None:
    """Return the attribute ``name`` of a subscriber, or their name for ``"name"``; None if it is missing or blank."""
    held = own_name if name == "name" else attributes.get(name)
    return None if held is None else str(held).strip() or None


@dataclass(frozen=True, slots=True)
class Consent:
    """Entry of the consent history; never changed once written."""

    at: datetime
    change: str
    how: str
    evidence: Mapping[str, Any]


_SPAN = re.compile(r"([0-9]{1,3})([dwmy])")


def shifted(at: datetime, span: str, sign: int = 1) -> datetime:
    """Return ``at`` plus a ``span``, or minus if ``sign`` is -1; clipped to the last day of a shorter month.

    A span is a length of time by the calendar: ``2w``, ``1m`` (a month), ``1y``. Raises ValueError if it is not one.
    """
    match = _SPAN.fullmatch(span)
    if match is None:
        raise ValueError(say("{span!r} is not a length of time", span=span))
    number, unit = sign * int(match[1]), match[2]
    if unit in "dw":
        return at + timedelta(days=number * (7 if unit == "w" else 1))
    year, month = divmod(at.year * 12 + at.month - 1 + number * (12 if unit == "y" else 1), 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
