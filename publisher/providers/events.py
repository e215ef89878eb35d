"""One vocabulary for what providers tell us after a message has left.

An :class:`Event` is about one destination of one message; ``what`` says what happened to it. A provider's line with
several destinations becomes several events. Nothing here knows a provider's JSON: that is each provider's ``events``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

RAW_LIMIT = 16_000
"""Characters that are kept of an event nobody understands."""


class EventError(ValueError):
    """This is no event. The message says why, without any address."""


class EventKind(StrEnum):
    """The name of what happened, as the database and reports write it."""

    SEND = "send"
    DELIVERY = "delivery"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REJECT = "reject"
    RENDERING_FAILURE = "rendering-failure"
    DELIVERY_DELAY = "delivery-delay"
    SUBSCRIPTION = "subscription"
    OPEN = "open"
    CLICK = "click"
    UNKNOWN = "unknown"


class BounceType(StrEnum):
    """Whether trying again can help: ``permanent`` never, ``transient`` perhaps, ``undetermined`` nobody knows."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Send:
    """The provider accepted the message and will try to deliver it."""

    kind: ClassVar = EventKind.SEND


@dataclass(frozen=True, slots=True)
class Delivery:
    """The receiving server accepted the message."""

    kind: ClassVar = EventKind.DELIVERY


@dataclass(frozen=True, slots=True)
class Bounce:
    """The receiving server refused the message for good (as far as this message goes).

    ``subtype`` is the provider's own word (``General``, ``MailboxFull``…), ``status`` an RFC 3463 code such as
    ``5.1.1`` or nothing, ``diagnostic`` the server's words without any address.
    """

    kind: ClassVar = EventKind.BOUNCE
    type: BounceType
    subtype: str = ""
    status: str = ""
    diagnostic: str = ""

    # https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html, "Bounce types"
    CONTENT_FAULTS: ClassVar = frozenset({"messagetoolarge", "contentrejected", "attachmentrejected"})

    @property
    def is_content_fault(self) -> bool:
        """The message was refused for what is in it, so the address is not to blame: an alarm, no suppression."""
        return self.subtype.lower() in self.CONTENT_FAULTS

    @property
    def is_permanent(self) -> bool:
        """The address is no good: never mail it again."""
        return self.type is BounceType.PERMANENT and not self.is_content_fault


@dataclass(frozen=True, slots=True)
class Complaint:
    """The reader called it spam. ``feedback_type`` is RFC 5965's (``abuse``, ``not-spam``…) or nothing."""

    kind: ClassVar = EventKind.COMPLAINT
    feedback_type: str = ""
    subtype: str = ""

    @property
    def is_complaint(self) -> bool:
        """``not-spam`` is the opposite of a complaint: a reader took the message out of the spam folder."""
        return self.feedback_type.lower() != "not-spam"


@dataclass(frozen=True, slots=True)
class Reject:
    """The provider accepted the message, found malware in it and did not send it."""

    kind: ClassVar = EventKind.REJECT
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RenderingFailure:
    """The provider accepted the message and could not fill in its template: it was never sent."""

    kind: ClassVar = EventKind.RENDERING_FAILURE
    error: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryDelay:
    """A temporary trouble; the provider keeps trying."""

    kind: ClassVar = EventKind.DELIVERY_DELAY
    reason: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """The reader left, or changed topics, through the provider's own list management."""

    kind: ClassVar = EventKind.SUBSCRIPTION
    source: str = ""
    unsubscribed_all: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """A tracking picture was fetched, perhaps by a machine."""

    kind: ClassVar = EventKind.OPEN
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Click:
    """A tracked link was followed, perhaps by a machine."""

    kind: ClassVar = EventKind.CLICK
    link: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A kind this version has no word for. ``name`` is the provider's; ``raw`` is its JSON without any address."""

    kind: ClassVar = EventKind.UNKNOWN
    name: str
    raw: str


What = (
    Send
    | Delivery
    | Bounce
    | Complaint
    | Reject
    | RenderingFailure
    | DeliveryDelay
    | Subscription
    | Open
    | Click
    | Unknown
)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to one destination of one message.

    ``mailing``, ``recipient`` and ``attempt`` are our own tags, opaque; an event without tags has them ``None`` and is
    known by ``message_id`` alone (empty when the provider gave none). ``address`` never shows in a ``repr``.
    """

    what: What
    message_id: str
    at: datetime | None
    address: str | None = field(default=None, repr=False)
    mailing: str | None = None
    recipient: str | None = None
    attempt: int | None = None

    @property
    def kind(self) -> EventKind:
        """The name of what happened."""
        return self.what.kind

    @property
    def domain(self) -> str:
        """The part of the address after ``@``, in lower case; empty when there is no address."""
        return (self.address or "").rpartition("@")[2].lower()

    @property
    def digest(self) -> str:
        """64 hex digits, the same for every repeat of this event and for no other.

        The tags are part of it: the same bounce may come once with and once without them, and the one with tags can
        settle what the other cannot.
        """
        match self.what:
            case Bounce(type=type_, subtype=subtype):
                own = f"{type_}/{subtype}"
            case Complaint(feedback_type=own) | Click(link=own) | Unknown(raw=own):
                pass
            case _:
                own = ""
        at = self.at.isoformat() if self.at else ""
        parts = (self.kind, self.message_id, (self.address or "").lower(), self.mailing, self.recipient, at, own)
        return hashlib.sha256("\0".join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()
