"""One vocabulary for the feedback of providers on submitted messages.

An :class:`Event` is about one destination of one message; ``kind`` says what happened to it. A provider's record
with several destinations becomes several events. Each provider's own ``events`` module parses its JSON.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html, "Bounce types"
CONTENT_FAULTS = frozenset({"messagetoolarge", "contentrejected", "attachmentrejected"})
"""Bounce subtypes, in lower case, that are caused by the message and not by the address."""


class EventError(ValueError):
    """Value that is not an event. The message gives the reason, without any address."""


class EventKind(StrEnum):
    """Kind of an event, by the name used in the database and in reports."""

    SEND = "send"  # the provider accepted the message and will try to deliver it
    DELIVERY = "delivery"  # the receiving server accepted the message
    BOUNCE = "bounce"  # the receiving server refused this message permanently
    COMPLAINT = "complaint"  # the reader called it spam
    REJECT = "reject"  # the provider accepted the message, found malware in it and did not send it
    RENDERING_FAILURE = "rendering-failure"  # accepted, but the template could not be filled; not sent
    DELIVERY_DELAY = "delivery-delay"  # a temporary failure; the provider keeps trying
    SUBSCRIPTION = "subscription"  # the reader unsubscribed, or changed topics, in the provider's own pages
    OPEN = "open"  # a tracking picture was fetched, perhaps by a machine
    CLICK = "click"  # a tracked link was followed, perhaps by a machine
    UNKNOWN = "unknown"  # a kind unknown to this version


class BounceType(StrEnum):
    """Whether a later attempt may succeed: ``permanent`` no, ``transient`` perhaps, ``undetermined`` unknown."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Event:
    """Event of one destination of one message.

    ``mailing``, ``recipient`` and ``attempt`` are our own opaque tags; an event without tags has ``None`` there and
    is identified by ``message_id`` alone (empty if the provider gives none). ``address`` is never in the ``repr``.

    The other fields depend on the kind, contain no address, and are empty if the provider does not give them:

    - ``type`` is a :class:`BounceType`; a complaint's feedback type (RFC 5965: ``abuse``, ``not-spam``…); the reason of
      a delay; the source of a subscription change; the provider's name of an unknown kind.
    - ``subtype`` is the provider's own term for a bounce (``General``, ``MailboxFull``…) or a complaint.
    - ``detail`` is a bounce's status (RFC 3463) and the server's text; the reason of a failure; a click's link; the
      JSON of an unknown event.
    - ``machine`` is whether the provider says that a machine opened or clicked; None if it does not say.
    - ``user_agent`` is that of an open or click; ``unsubscribed`` is whether a subscription change ended all of it.
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
        """Whether the bounce is caused by the message and not by the address: an alarm, but no suppression."""
        return self.kind is EventKind.BOUNCE and self.subtype.lower() in CONTENT_FAULTS

    @property
    def is_permanent(self) -> bool:
        """Whether the bounce means that the address is invalid and must not be mailed again."""
        return self.kind is EventKind.BOUNCE and self.type == BounceType.PERMANENT and not self.is_content_fault

    @property
    def is_transient(self) -> bool:
        """Whether the bounce may have another cause than the address; many in a row lead to a suppression."""
        return self.kind is EventKind.BOUNCE and self.type != BounceType.PERMANENT and not self.is_content_fault

    @property
    def is_complaint(self) -> bool:
        """Whether the reader reported spam; ``not-spam`` means that the message was moved out of the spam folder."""
        return self.kind is EventKind.COMPLAINT and self.type.lower() != "not-spam"

    @property
    def domain(self) -> str:
        """The part of the address after ``@``, in lower case; empty if there is no address."""
        return (self.address or "").rpartition("@")[2].lower()

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that are equal for repeats of this event and for no other event.

        The tags are included: the same bounce may arrive once with and once without them, and only the one with
        tags can settle a recipient.
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
