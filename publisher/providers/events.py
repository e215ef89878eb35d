"""One vocabulary for what providers tell us after a message has left.

An :class:`Event` is about one destination of one message; ``kind`` says what happened to it. A provider's line with
several destinations becomes several events. Nothing here knows a provider's JSON: that is each provider's ``events``.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html, "Bounce types"
CONTENT_FAULTS = frozenset({"messagetoolarge", "contentrejected", "attachmentrejected"})
"""Subtypes of a bounce, in lower case, that blame the message and not the address."""


class EventError(ValueError):
    """This is no event. The message says why, without any address."""


class EventKind(StrEnum):
    """What happened, by the name that the database and reports write."""

    SEND = "send"  # the provider accepted the message and will try to deliver it
    DELIVERY = "delivery"  # the receiving server accepted the message
    BOUNCE = "bounce"  # the receiving server refused the message for good, as far as this message goes
    COMPLAINT = "complaint"  # the reader called it spam
    REJECT = "reject"  # the provider accepted the message, found malware in it and did not send it
    RENDERING_FAILURE = "rendering-failure"  # the provider accepted it, could not fill its template, did not send it
    DELIVERY_DELAY = "delivery-delay"  # a temporary trouble; the provider keeps trying
    SUBSCRIPTION = "subscription"  # the reader left, or changed topics, through the provider's own list management
    OPEN = "open"  # a tracking picture was fetched, perhaps by a machine
    CLICK = "click"  # a tracked link was followed, perhaps by a machine
    UNKNOWN = "unknown"  # a kind this version has no word for


class BounceType(StrEnum):
    """Whether trying again can help: ``permanent`` never, ``transient`` perhaps, ``undetermined`` nobody knows."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to one destination of one message.

    ``mailing``, ``recipient`` and ``attempt`` are our own tags, opaque; an event without tags has them ``None`` and is
    known by ``message_id`` alone (empty when the provider gave none). ``address`` never shows in a ``repr``.

    The rest depends on the kind, holds no address, and is empty where the provider says nothing:

    - ``type`` is a :class:`BounceType`; a complaint's feedback type (RFC 5965: ``abuse``, ``not-spam``…); the reason of
      a delay; the source of a subscription's change; the provider's name of an unknown kind.
    - ``subtype`` is the provider's own word for a bounce (``General``, ``MailboxFull``…) or a complaint.
    - ``detail`` is a bounce's status (RFC 3463) and the server's words; the reason of a failure; a click's link; an
      unknown's JSON.
    - ``machine`` is whether the provider says that a machine opened or clicked; None where it does not say.
    - ``user_agent`` is that of an open or click; ``unsubscribed`` says that a subscription's change ended all of it.
    """

    kind: EventKind
    message_id: str
    at: datetime | None
    address: str | None = field(default=None, repr=False)
    mailing: str | None = None
    recipient: str | None = None
    attempt: int | None = None
    type: str = ""
    subtype: str = ""
    detail: str = ""
    user_agent: str = ""
    machine: bool | None = None
    unsubscribed: bool = False

    @property
    def is_content_fault(self) -> bool:
        """A bounce for what is in the message, so the address is not to blame: an alarm, no suppression."""
        return self.kind is EventKind.BOUNCE and self.subtype.lower() in CONTENT_FAULTS

    @property
    def is_permanent(self) -> bool:
        """A bounce that says the address is no good: never mail it again."""
        return self.kind is EventKind.BOUNCE and self.type == BounceType.PERMANENT and not self.is_content_fault

    @property
    def is_transient(self) -> bool:
        """A bounce that may have another cause than the address: many in a row make a suppression."""
        return self.kind is EventKind.BOUNCE and self.type != BounceType.PERMANENT and not self.is_content_fault

    @property
    def is_complaint(self) -> bool:
        """``not-spam`` is the opposite of a complaint: a reader took the message out of the spam folder."""
        return self.kind is EventKind.COMPLAINT and self.type.lower() != "not-spam"

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
        match self.kind:
            case EventKind.BOUNCE:
                own = f"{self.type}/{self.subtype}"
            case EventKind.COMPLAINT:
                own = self.type
            case EventKind.CLICK | EventKind.UNKNOWN:
                own = self.detail
            case _:
                own = ""
        at = self.at.isoformat() if self.at else ""
        parts = (self.kind, self.message_id, (self.address or "").lower(), self.mailing, self.recipient, at, own)
        return hashlib.sha256("\0".join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()
