"""Postmark's webhook: bodies → :class:`~publisher.providers.events.Event`; ``RecordType`` gives the kind.

https://postmarkapp.com/developer/webhooks/webhooks-overview; the types of bounces:
https://postmarkapp.com/developer/api/bounce-api#bounce-types.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from typing import Any

from publisher.diagnostics import say
from publisher.errors import UsageError
from publisher.providers import read_events
from publisher.providers.events import BounceType, Event, EventError, EventKind
from publisher.providers.provider import Notice, WebhookRefusedError
from publisher.providers.reading import RAW_LIMIT, attempt_of, moment_of, scrub, scrubbed_at, text_at, unreadable

Json = Mapping[str, Any]
Says = tuple[EventKind, dict[str, Any]]
"""A kind, and the event's fields for that kind."""

_PERMANENT = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated"})
_TRANSIENT = frozenset({"SoftBounce", "DnsError", "Blocked"})
_CONTENT = frozenset({"SpamNotification", "VirusNotification", "DMARCPolicy"})
"""The message was refused for its content: an alarm, and the address is not suppressed."""
_ANSWERS = frozenset({"AutoResponder", "Subscribe", "AddressChange", "ChallengeVerification"})
"""An automatic answer of a mailbox: not a bounce, and a proof that the message was sent."""
_MOMENTS = ("DeliveredAt", "BouncedAt", "ChangedAt", "ReceivedAt")


def events_of(value: Json) -> tuple[Event, ...]:
    """Return the event in a body; none if an address was reactivated. Raises EventError."""
    if not (record := text_at(value, "RecordType", 64)):
        raise EventError(say("it has the keys of no provider's event"))
    if record == "SubscriptionChange" and value.get("SuppressSending") is not True:
        return ()
    kind, says = _what(record, value)
    metadata = value.get("Metadata")
    tags = metadata if isinstance(metadata, dict) else {}
    message_id, recipient = text_at(value, "MessageID", 255), text_at(tags, "recipient", 64)
    # A subscription change may come from Postmark's console, without a message of ours.
    if kind not in {EventKind.UNKNOWN, EventKind.SUBSCRIPTION} and not message_id and not recipient:
        raise EventError(say("{record} with neither a MessageID nor metadata", record=record))
    event = Event(
        kind, message_id, next((at for key in _MOMENTS if (at := moment_of(text_at(value, key, 64)))), None),
        address=text_at(value, "Email", 320) or text_at(value, "Recipient", 320) or None,
        mailing=text_at(tags, "mailing", 64) or None, recipient=recipient or None,
        attempt=attempt_of(text_at(tags, "attempt", 7)), **says,
    )  # fmt: skip
    return (event,)


def _what(record: str, value: Json) -> Says:
    match record:
        case "Delivery":
            return EventKind.DELIVERY, {}
        case "Bounce":
            return _bounce(value)
        case "SpamComplaint":
            return EventKind.COMPLAINT, {"type": "abuse"}
        case "SubscriptionChange":
            # Bounces and complaints also have records of their own, with more detail.
            left = (value.get("SuppressionReason"), value.get("Origin")) == ("ManualSuppression", "Recipient")
            return EventKind.SUBSCRIPTION, {"type": text_at(value, "SuppressionReason", 64), "unsubscribed": left}
        case "Open" | "Click":
            kind = EventKind.OPEN if record == "Open" else EventKind.CLICK
            link, agent = scrubbed_at(value, "OriginalLink", 1000), text_at(value, "UserAgent", 300)
            return kind, {"detail": link, "user_agent": agent}
    return EventKind.UNKNOWN, {"type": record, "detail": scrub(json.dumps(value), RAW_LIMIT)}


def _bounce(value: Json) -> Says:
    name, said = text_at(value, "Type", 64), scrubbed_at(value, "Details") or scrubbed_at(value, "Description")
    if name == "Transient":
        return EventKind.DELIVERY_DELAY, {"type": name, "detail": said}
    if name == "SpamComplaint":
        return EventKind.COMPLAINT, {"type": "abuse"}
    if name == "Unsubscribe":
        return EventKind.SUBSCRIPTION, {"type": "mail", "unsubscribed": True}
    if name in _ANSWERS:
        return EventKind.SEND, {}
    if name in _CONTENT:
        type_, name, said = BounceType.TRANSIENT, "ContentRejected", f"{name}: {said}"
    elif name in _PERMANENT:
        type_ = BounceType.PERMANENT
    else:
        type_ = BounceType.TRANSIENT if name in _TRANSIENT else BounceType.UNDETERMINED
    return EventKind.BOUNCE, {"type": type_.value, "subtype": name, "detail": said}


class PostmarkWebhook:
    """``/webhooks/postmark`` with basic authentication (RFC 7617); ``secret`` is ``user:password``.

    Postmark does not sign requests: a request with the right user and password is accepted.
    https://postmarkapp.com/developer/webhooks/webhooks-overview#protecting-your-webhook
    """

    name = "postmark"
    limit = 1_000_000

    def __init__(self, secret: str) -> None:
        user, colon, password = secret.partition(":")
        if not (user and colon and password):
            message = say("PUBLISHER_POSTMARK_WEBHOOK has to be user:password")
            raise UsageError(message, help=say("set it to those that the webhook's URL has in Postmark's console"))
        self._secret = secret.encode()

    def believe(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """See :class:`~publisher.providers.provider.Webhook`. No id is needed: a repeated event has no effect."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        try:
            told = base64.b64decode(given.strip(), validate=True) if scheme.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            told = b""
        if not hmac.compare_digest(told, self._secret):
            raise WebhookRefusedError(401, "user and password are not those of PUBLISHER_POSTMARK_WEBHOOK")
        text = body.decode("utf-8", "replace")
        try:
            return Notice(read_events(text))
        except EventError as error:
            return Notice((unreadable(text),), fault=str(error))
