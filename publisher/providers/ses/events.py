"""Amazon SES's events as JSON → :class:`~publisher.providers.events.Event`.

Two forms are in the wild and both are read: configuration-set events (``eventType``, with tags,
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html) and identity notifications
(``notificationType``, without tags, https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html). Either may
be wrapped by SNS (``Message``) or by EventBridge (``detail``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
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
    Reject,
    RenderingFailure,
    Send,
    Subscription,
    Unknown,
    What,
)
from publisher.providers.scrub import plain, scrub

Json = Mapping[str, Any]
# What SES says once when a topic is set up: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-sns.html
_GREETINGS = ("successfully validated sns topic", "you have successfully subscribed")


def events_of(value: Any) -> tuple[Event, ...]:
    """The events of a JSON value, one a destination; none for a topic's greeting. Raises EventError."""
    if not isinstance(value, dict):
        raise EventError("not a JSON object")
    return tuple(_events(value, depth=0))


def is_greeting(message: str) -> bool:
    """Whether an SNS message is the plain text that says a topic has been set up."""
    return message.lower().startswith(_GREETINGS)


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise EventError("not JSON") from None


def _events(value: Json, depth: int) -> Iterator[Event]:
    name = value.get("eventType") or value.get("notificationType")
    if isinstance(name, str):
        yield from _ses_events(name, value)
        return
    if depth < 3:
        message = value.get("Message")
        if isinstance(message, str) and "TopicArn" in value:
            if value.get("Type", "Notification") != "Notification":
                raise EventError(f"an SNS message of type {plain(str(value['Type']), 40)}, not a Notification")
            if not is_greeting(message):
                inner = _load(message)
                if not isinstance(inner, dict):
                    raise EventError("not a JSON object")
                yield from _events(inner, depth + 1)
            return
        if isinstance(detail := value.get("detail"), dict) and "detail-type" in value:
            yield from _events(detail, depth + 1)
            return
    raise EventError("neither eventType nor notificationType")


def _ses_events(name: str, value: Json) -> Iterator[Event]:
    if name == "AmazonSnsSubscriptionSucceeded":
        return
    mail = _mapping(value, "mail")
    reader = _READERS.get("".join(name.split()).lower())
    if reader is None:
        found: list[tuple[str | None, What]] = [(None, Unknown(plain(name, 64), scrub(json.dumps(value), RAW_LIMIT)))]
        body: Json = {}
    else:
        body = _mapping(value, reader.body)
        found = [(address, reader.what(body, entry)) for address, entry in _destinations(reader, body, mail)]
    tags = _mapping(mail, "tags")
    attempt = _tag(tags, "attempt")
    message_id = plain(_text(mail, "messageId"), 255)
    mailing, recipient = _tag(tags, "mailing"), _tag(tags, "recipient")
    if reader and not message_id and not recipient:
        raise EventError(f"{plain(name, 40)} with neither a message id nor tags")
    at = _instant(body.get("timestamp")) or _instant(mail.get("timestamp"))
    for address, what in found:
        yield Event(
            what=what,
            message_id=message_id,
            at=at,
            address=address,
            mailing=mailing,
            recipient=recipient,
            attempt=int(attempt) if attempt and attempt.isascii() and attempt.isdigit() and len(attempt) < 7 else None,
        )


@dataclass(frozen=True, slots=True)
class _EventReader:
    """How one kind is read: the key of its body, the body's list of destinations, and what each of them says."""

    body: str
    destinations: str | None
    what: Callable[[Json, Json], What]


def _bounce(body: Json, entry: Json) -> Bounce:
    return Bounce(
        _bounce_type(body),
        plain(_text(body, "bounceSubType"), 64),
        plain(_text(entry, "status"), 16),
        scrub(_text(entry, "diagnosticCode")),
    )


def _complaint(body: Json, _entry: Json) -> Complaint:
    return Complaint(plain(_text(body, "complaintFeedbackType"), 64), plain(_text(body, "complaintSubType"), 64))


def _delay(body: Json, entry: Json) -> DeliveryDelay:
    return DeliveryDelay(plain(_text(body, "delayType"), 64), scrub(_text(entry, "diagnosticCode")))


def _subscription(body: Json, _entry: Json) -> Subscription:
    left = _mapping(body, "newTopicPreferences").get("unsubscribeAll") is True
    return Subscription(scrub(_text(body, "source"), 64), left)


def _click(body: Json, _entry: Json) -> Click:
    return Click(scrub(_text(body, "link"), 1000), plain(_text(body, "userAgent"), 300))


_READERS = {
    "send": _EventReader("send", None, lambda _body, _entry: Send()),
    "delivery": _EventReader("delivery", "recipients", lambda _body, _entry: Delivery()),
    "bounce": _EventReader("bounce", "bouncedRecipients", _bounce),
    "complaint": _EventReader("complaint", "complainedRecipients", _complaint),
    "reject": _EventReader("reject", None, lambda body, _entry: Reject(scrub(_text(body, "reason")))),
    "renderingfailure": _EventReader(
        "failure", None, lambda body, _entry: RenderingFailure(scrub(_text(body, "errorMessage")))
    ),
    "deliverydelay": _EventReader("deliveryDelay", "delayedRecipients", _delay),
    "subscription": _EventReader("subscription", None, _subscription),
    "open": _EventReader("open", None, lambda body, _entry: Open(plain(_text(body, "userAgent"), 300))),
    "click": _EventReader("click", None, _click),
}


def _named(value: Json, key: str) -> list[tuple[str | None, Json]]:
    """The destinations in a list of addresses, or of mappings with ``emailAddress``."""
    found = value.get(key)
    if not isinstance(found, list):
        return []
    entries = [entry if isinstance(entry, dict) else {"emailAddress": entry} for entry in found]
    return [(_address(entry.get("emailAddress")), entry) for entry in entries]


def _destinations(reader: _EventReader, body: Json, mail: Json) -> list[tuple[str | None, Json]]:
    """Every destination the event is about; one of nobody where it names none, for tags may still say whom."""
    nobody: list[tuple[str | None, Json]] = [(None, {})]
    if reader.destinations is None:
        return _named(mail, "destination") or nobody
    sole = _named(mail, "destination")
    return _named(body, reader.destinations) or (sole if len(sole) == 1 else nobody)


def _bounce_type(body: Json) -> BounceType:
    try:
        return BounceType(_text(body, "bounceType").lower())
    except ValueError:
        return BounceType.UNDETERMINED


def _mapping(value: Json, key: str) -> Json:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: Json, key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _tag(tags: Json, name: str) -> str | None:
    """A tag's value; SES gives a list of them."""
    found = tags.get(name)
    if isinstance(found, list):
        found = found[0] if found else None
    return plain(found, 64) if isinstance(found, str) and found else None


def _address(value: Any) -> str | None:
    """The bare address of ``Name <address>``; ``None`` for what is none."""
    if not isinstance(value, str) or len(value) > 1000:
        return None
    address = plain(parseaddr(value)[1], 320)
    return address or None


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
