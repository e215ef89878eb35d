"""Postmark's webhook bodies → :class:`~publisher.providers.events.Event`; ``RecordType`` says of which kind one is.

https://postmarkapp.com/developer/webhooks/webhooks-overview; the types of bounces:
https://postmarkapp.com/developer/api/bounce-api#bounce-types.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from publisher.providers.events import (
    RAW_LIMIT,
    Bounce,
    BounceType,
    Click,
    Complaint,
    Delivery,
    DeliveryDelay,
    Event,
    EventError,
    Open,
    Send,
    Subscription,
    Unknown,
    What,
)
from publisher.providers.scrub import plain, scrub

Json = Mapping[str, Any]

_PERMANENT = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated"})
_TRANSIENT = frozenset({"SoftBounce", "DnsError", "Blocked"})
_CONTENT = frozenset({"SpamNotification", "VirusNotification", "DMARCPolicy"})
"""The message was refused for what it is: an alarm, and the address stays."""
_ANSWERS = frozenset({"AutoResponder", "Subscribe", "AddressChange", "ChallengeVerification"})
"""Somebody's mailbox answered: no bounce, and a proof that the message was sent."""


def events_of(value: Json) -> tuple[Event, ...]:
    """The event of a body; none where an address was made active again. Raises EventError."""
    kind = _text(value, "RecordType", 64)
    if kind == "SubscriptionChange" and value.get("SuppressSending") is not True:
        return ()
    what = _what(kind, value)
    metadata = value.get("Metadata")
    tags = metadata if isinstance(metadata, dict) else {}
    message_id, recipient = _text(value, "MessageID", 255), _text(tags, "recipient", 64)
    known = not isinstance(what, Unknown)
    # Somebody typed the address into Postmark's console: it is about no message of ours.
    by_hand = isinstance(what, Subscription)
    if known and not by_hand and not message_id and not recipient:
        raise EventError(f"{kind} with neither a MessageID nor metadata")
    attempt = _text(tags, "attempt", 7)
    return (
        Event(
            what=what,
            message_id=message_id,
            at=_instant(value),
            address=_text(value, "Email", 320) or _text(value, "Recipient", 320) or None,
            mailing=_text(tags, "mailing", 64) or None,
            recipient=recipient or None,
            attempt=int(attempt) if attempt.isascii() and attempt.isdigit() else None,
        ),
    )


def _what(kind: str, value: Json) -> What:
    match kind:
        case "Delivery":
            return Delivery()
        case "Bounce":
            return _bounce(value)
        case "SpamComplaint":
            return Complaint("abuse")
        case "SubscriptionChange":
            # Bounces and complaints come by themselves as well, with more to say.
            left = (value.get("SuppressionReason"), value.get("Origin")) == ("ManualSuppression", "Recipient")
            return Subscription(_text(value, "SuppressionReason", 64), unsubscribed_all=left)
        case "Open":
            return Open(_text(value, "UserAgent", 300))
        case "Click":
            return Click(scrub(_text(value, "OriginalLink", 2000), 1000), _text(value, "UserAgent", 300))
    return Unknown(kind, scrub(json.dumps(value), RAW_LIMIT))


def _bounce(value: Json) -> What:
    name, said = _text(value, "Type", 64), scrub(_text(value, "Details", 2000) or _text(value, "Description", 2000))
    if name == "Transient":
        return DeliveryDelay(name, said)
    if name == "SpamComplaint":
        return Complaint("abuse")
    if name == "Unsubscribe":
        return Subscription("mail", unsubscribed_all=True)
    if name in _ANSWERS:
        return Send()
    if name in _CONTENT:
        return Bounce(BounceType.TRANSIENT, "ContentRejected", diagnostic=f"{name}: {said}")
    kinds = {BounceType.PERMANENT: _PERMANENT, BounceType.TRANSIENT: _TRANSIENT}
    found = next((kind for kind, names in kinds.items() if name in names), BounceType.UNDETERMINED)
    return Bounce(found, name, diagnostic=said)


def _text(value: Json, key: str, limit: int) -> str:
    found = value.get(key)
    return plain(found, limit).strip() if isinstance(found, str) else ""


def _instant(value: Json) -> datetime | None:
    """The moment of the event, whichever key it has."""
    for key in ("DeliveredAt", "BouncedAt", "ChangedAt", "ReceivedAt"):
        try:
            found = datetime.fromisoformat(_text(value, key, 64))
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
