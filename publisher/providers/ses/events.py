"""Amazon SES's events as JSON → :class:`~publisher.providers.events.Event`.

Two forms are in the wild and both are read: configuration-set events (``eventType``, with tags,
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html) and identity notifications
(``notificationType``, without tags, https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html). Either may
be wrapped by SNS (``Message``) or by EventBridge (``detail``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from email.utils import parseaddr
from typing import Any, NamedTuple

from publisher.providers.events import (
    RAW_LIMIT,
    BounceType,
    Event,
    EventError,
    EventKind,
    attempt_of,
    moment_of,
    plain,
    scrub,
    scrubbed_at,
    text_at,
)

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
    tags = _mapping(mail, "tags")
    message_id = text_at(mail, "messageId", 255)
    mailing, recipient, attempt = _tag(tags, "mailing"), _tag(tags, "recipient"), attempt_of(_tag(tags, "attempt"))
    kind = _KINDS.get("".join(name.split()).lower())
    if kind is None:
        at, raw = moment_of(text_at(mail, "timestamp")), scrub(json.dumps(value), RAW_LIMIT)
        type_ = plain(name, 64)
        yield Event(EventKind.UNKNOWN, message_id, at, None, mailing, recipient, attempt, type=type_, detail=raw)
        return
    if not message_id and not recipient:
        raise EventError(f"{plain(name, 40)} with neither a message id nor tags")
    body = _mapping(value, kind.body)
    at = moment_of(text_at(body, "timestamp")) or moment_of(text_at(mail, "timestamp"))
    for address, entry in _destinations(kind, body, mail):
        yield Event(kind.kind, message_id, at, address, mailing, recipient, attempt, **kind.says(body, entry))


def _bounce(body: Json, entry: Json) -> dict[str, Any]:
    try:
        type_ = BounceType(text_at(body, "bounceType").lower())
    except ValueError:
        type_ = BounceType.UNDETERMINED
    said = f"{text_at(entry, 'status', 16)} {scrubbed_at(entry, 'diagnosticCode')}".strip()
    return {"type": type_.value, "subtype": text_at(body, "bounceSubType", 64), "detail": said}


def _complaint(body: Json, _entry: Json) -> dict[str, Any]:
    return {"type": text_at(body, "complaintFeedbackType", 64), "subtype": text_at(body, "complaintSubType", 64)}


def _delay(body: Json, entry: Json) -> dict[str, Any]:
    return {"type": text_at(body, "delayType", 64), "detail": scrubbed_at(entry, "diagnosticCode")}


def _subscription(body: Json, _entry: Json) -> dict[str, Any]:
    left = _mapping(body, "newTopicPreferences").get("unsubscribeAll") is True
    return {"type": scrubbed_at(body, "source", 64), "unsubscribed": left}


def _opened(body: Json, _entry: Json) -> dict[str, Any]:
    link, agent = scrubbed_at(body, "link", 1000), text_at(body, "userAgent", 300)
    return {"detail": link, "user_agent": agent}


def _detail(key: str) -> Callable[[Json, Json], dict[str, Any]]:
    return lambda body, _entry: {"detail": scrubbed_at(body, key)}


class _SesKind(NamedTuple):
    """How a kind is read: the key of its body, the body's list of destinations, what each of them says."""

    kind: EventKind
    body: str
    destinations: str | None = None
    says: Callable[[Json, Json], dict[str, Any]] = lambda _body, _entry: {}


_KINDS = {
    "send": _SesKind(EventKind.SEND, "send"),
    "delivery": _SesKind(EventKind.DELIVERY, "delivery", "recipients"),
    "bounce": _SesKind(EventKind.BOUNCE, "bounce", "bouncedRecipients", _bounce),
    "complaint": _SesKind(EventKind.COMPLAINT, "complaint", "complainedRecipients", _complaint),
    "reject": _SesKind(EventKind.REJECT, "reject", None, _detail("reason")),
    "renderingfailure": _SesKind(EventKind.RENDERING_FAILURE, "failure", None, _detail("errorMessage")),
    "deliverydelay": _SesKind(EventKind.DELIVERY_DELAY, "deliveryDelay", "delayedRecipients", _delay),
    "subscription": _SesKind(EventKind.SUBSCRIPTION, "subscription", None, _subscription),
    "open": _SesKind(EventKind.OPEN, "open", None, _opened),
    "click": _SesKind(EventKind.CLICK, "click", None, _opened),
}


def _destinations(kind: _SesKind, body: Json, mail: Json) -> list[tuple[str | None, Json]]:
    """Every destination the event is about; one of nobody where it names none, for tags may still say whom."""
    nobody: list[tuple[str | None, Json]] = [(None, {})]
    sole = _named(mail, "destination")
    if kind.destinations is None:
        return sole or nobody
    return _named(body, kind.destinations) or (sole if len(sole) == 1 else nobody)


def _named(value: Json, key: str) -> list[tuple[str | None, Json]]:
    """The destinations in a list of addresses, or of mappings with ``emailAddress``."""
    found = value.get(key)
    if not isinstance(found, list):
        return []
    entries = [entry if isinstance(entry, dict) else {"emailAddress": entry} for entry in found]
    return [(_address(entry.get("emailAddress")), entry) for entry in entries]


def _mapping(value: Json, key: str) -> Json:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


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
