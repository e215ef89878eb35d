"""Amazon SES's events as JSON → :class:`~publisher.providers.events.Event`.

Two forms exist and both are read: configuration-set events (``eventType``, with tags,
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html) and identity notifications
(``notificationType``, without tags, https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html). Either
may be wrapped by SNS (``Message``) or by EventBridge (``detail``).
"""

import json
import re
from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from typing import Any

from publisher.diagnostics import say
from publisher.providers.events import BounceType, Event, EventError, EventKind
from publisher.providers.reading import RAW_LIMIT, attempt_of, moment_of, object_of, plain, scrub, scrubbed_at, text_at

Json = Mapping[str, Any]
_FLAG = re.compile(r"[bB]ot(?![a-z])|[mM]achine|[aA]utomated")
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-sns.html


def events_of(value: Json) -> tuple[Event, ...]:
    """Return the events of a JSON object, one per destination; none for a topic's confirmation. Raises EventError."""
    return tuple(_events(value, depth=0))


def is_greeting(message: str) -> bool:
    """Whether an SNS message is the plain text that confirms a new topic."""
    return message.lower().startswith(("successfully validated sns topic", "you have successfully subscribed"))


def _events(value: Json, depth: int) -> Iterator[Event]:
    if name := text_at(value, "eventType", 64) or text_at(value, "notificationType", 64):
        yield from _ses_events(name, value)
        return
    if depth < 3:
        message = value.get("Message")
        if isinstance(message, str) and "TopicArn" in value:
            if value.get("Type", "Notification") != "Notification":
                kind = plain(str(value["Type"]), 40)
                raise EventError(say("an SNS message of type {kind}, not a Notification", kind=kind))
            if not is_greeting(message):
                yield from _events(object_of(message), depth + 1)
            return
        if isinstance(detail := value.get("detail"), dict) and "detail-type" in value:
            yield from _events(detail, depth + 1)
            return
    raise EventError(say("neither eventType nor notificationType"))


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
        yield Event(EventKind.UNKNOWN, message_id, at, None, mailing, recipient, attempt, type=name, detail=raw)
        return
    if not message_id and not recipient:
        raise EventError(say("{name} with neither a message id nor tags", name=name))
    body = _mapping(value, _BODIES.get(kind, kind.value))
    at = moment_of(text_at(body, "timestamp")) or moment_of(text_at(mail, "timestamp"))
    for address, entry in _destinations(kind, body, mail):
        yield Event(kind, message_id, at, address, mailing, recipient, attempt, **_says(kind, body, entry))


_KINDS = {kind.value.replace("-", ""): kind for kind in EventKind if kind is not EventKind.UNKNOWN}
_BODIES = {EventKind.RENDERING_FAILURE: "failure", EventKind.DELIVERY_DELAY: "deliveryDelay"}
"""The key of a kind's body if it is not the kind's own name."""
_LISTS = {
    EventKind.DELIVERY: "recipients",
    EventKind.BOUNCE: "bouncedRecipients",
    EventKind.COMPLAINT: "complainedRecipients",
    EventKind.DELIVERY_DELAY: "delayedRecipients",
}
"""The key of the list of destinations in a kind's body."""


def _says(kind: EventKind, body: Json, entry: Json) -> dict[str, Any]:
    """Return the fields of an event that depend on its kind, from the body and its entry for one destination."""
    match kind:
        case EventKind.BOUNCE:
            name = text_at(body, "bounceType").lower()
            type_ = name if name in {*BounceType} else BounceType.UNDETERMINED.value
            said = f"{text_at(entry, 'status', 16)} {scrubbed_at(entry, 'diagnosticCode')}".strip()
            return {"type": type_, "subtype": text_at(body, "bounceSubType", 64), "detail": said}
        case EventKind.COMPLAINT:
            subtype = text_at(body, "complaintSubType", 64)
            return {"type": text_at(body, "complaintFeedbackType", 64), "subtype": subtype}
        case EventKind.REJECT:
            return {"detail": scrubbed_at(body, "reason")}
        case EventKind.RENDERING_FAILURE:
            return {"detail": scrubbed_at(body, "errorMessage")}
        case EventKind.DELIVERY_DELAY:
            return {"type": text_at(body, "delayType", 64), "detail": scrubbed_at(entry, "diagnosticCode")}
        case EventKind.SUBSCRIPTION:
            left = _mapping(body, "newTopicPreferences").get("unsubscribeAll") is True
            return {"type": scrubbed_at(body, "source", 64), "unsubscribed": left}
        case EventKind.OPEN | EventKind.CLICK:
            return {
                "detail": scrubbed_at(body, "link", 1000),
                "user_agent": text_at(body, "userAgent", 300),
                "machine": _machine(body),
            }
    return {}


def _machine(body: Json) -> bool | None:
    """Return SES's own flag of automated opens and clicks; None if there is none.

    https://aws.amazon.com/about-aws/whats-new/2026/08/amazon-ses-automated-email-interactions/ mentions "automated"
    events; the field is not documented, so the flag is recognised by its name.
    """
    told = [value for key, value in body.items() if _FLAG.search(key) and isinstance(value, bool)]
    return any(told) if told else None


def _destinations(kind: EventKind, body: Json, mail: Json) -> list[tuple[str | None, Json]]:
    """Return every destination of the event, or one without an address, as tags may identify the recipient."""
    nobody: list[tuple[str | None, Json]] = [(None, {})]
    sole = _named(mail, "destination")
    if kind not in _LISTS:
        return sole or nobody
    return _named(body, _LISTS[kind]) or (sole if len(sole) == 1 else nobody)


def _named(value: Json, key: str) -> list[tuple[str | None, Json]]:
    """Return the destinations in a list of addresses, or of mappings with ``emailAddress``."""
    found = value.get(key)
    if not isinstance(found, list):
        return []
    entries = [entry if isinstance(entry, dict) else {"emailAddress": entry} for entry in found]
    return [(_address(entry.get("emailAddress")), entry) for entry in entries]


def _mapping(value: Json, key: str) -> Json:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _tag(tags: Json, name: str) -> str | None:
    """Return a tag's value; SES gives a list of values per tag."""
    found = tags.get(name)
    if isinstance(found, list):
        found = found[0] if found else None
    return plain(found, 64) if isinstance(found, str) and found else None


def _address(value: Any) -> str | None:
    """Return the bare address of ``Name <address>``; ``None`` if there is none."""
    if not isinstance(value, str) or len(value) > 1000:
        return None
    address = plain(parseaddr(value)[1], 320)
    return address or None
