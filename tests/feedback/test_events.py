"""What SES says becomes one vocabulary: every destination, both forms, and nothing hostile gets further."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.providers import read_events
from publisher.providers.events import Event, EventError, EventKind
from publisher.providers.reading import scrub
from tests.feedback import shapes

TAGGED = shapes.mail("m-1", "ann@example.com", mailing="M1", recipient="R1", attempt="2")


def wrapped(line: str, times: int) -> str:
    """In envelopes of SNS, each in another."""
    for _ in range(times):
        line = json.dumps({"Type": "Notification", "TopicArn": "t", "Message": line})
    return line


NO_USER = "5.1.1 smtp; 550 5.1.1 <(address)>: user unknown"


def event(kind: str, **more: Any) -> Event:
    """The event of the message ``TAGGED``, without its moment."""
    return Event(EventKind(kind), "m-1", None, "ann@example.com", "M1", "R1", 2, **more)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (shapes.event("Send", TAGGED), event("send")),
        (shapes.event("Delivery", TAGGED, shapes.delivery("ann@example.com")), event("delivery")),
        (
            shapes.event("Bounce", TAGGED, shapes.bounce("ann@example.com")),
            event("bounce", type="permanent", subtype="General", detail=NO_USER),
        ),
        (
            shapes.event(
                "Bounce", TAGGED, shapes.bounce("ann@example.com", type="Undetermined", subtype="Undetermined")
            ),
            event(
                "bounce",
                type="undetermined",
                subtype="Undetermined",
                detail=NO_USER,
            ),
        ),
        (shapes.event("Complaint", TAGGED, shapes.complaint("ann@example.com")), event("complaint", type="abuse")),
        (shapes.event("Complaint", TAGGED, shapes.complaint("ann@example.com", type=None)), event("complaint")),
        (shapes.event("Reject", TAGGED, {"reason": "Bad content"}), event("reject", detail="Bad content")),
        (
            shapes.event("Rendering Failure", TAGGED, {"errorMessage": "Attribute 'x' is not present"}, "failure"),
            event("rendering-failure", detail="Attribute 'x' is not present"),
        ),
        (
            shapes.event(
                "DeliveryDelay",
                TAGGED,
                {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": "ann@example.com"}]},
                "deliveryDelay",
            ),
            event("delivery-delay", type="MailboxFull"),
        ),
        (
            shapes.event(
                "Subscription", TAGGED, {"source": "UnsubscribeHeader", "newTopicPreferences": {"unsubscribeAll": True}}
            ),
            event("subscription", type="UnsubscribeHeader", unsubscribed=True),
        ),
        (
            shapes.event("Open", TAGGED, {"userAgent": "Mozilla/5.0", "ipAddress": "192.0.2.1"}),
            event("open", user_agent="Mozilla/5.0"),
        ),
        (
            shapes.event("Click", TAGGED, {"link": "https://example.com/?to=ann@example.com", "userAgent": "x"}),
            event("click", detail="https://example.com/?to=(address)", user_agent="x"),
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Event) else "",
)
def test_every_kind_is_read_with_its_tags(line: str, expected: Event) -> None:
    (found,) = read_events(line)
    assert replace(found, at=None) == expected
    assert found.domain == "example.com"
    assert found.at is not None
    assert found.at.tzinfo is UTC


def test_an_identity_notification_is_the_same_without_tags() -> None:
    (event,) = read_events(
        shapes.notification("Bounce", shapes.mail("m-1", "a@example.com"), shapes.bounce("a@example.com"))
    )
    assert event.kind is EventKind.BOUNCE
    assert (event.mailing, event.recipient, event.attempt) == (None, None, None)
    assert event.at == datetime(2026, 5, 4, 9, 0, 2, 669000, tzinfo=UTC)


THREE = ("a@example.com", "b@example.org", "c@example.net")


@pytest.mark.parametrize(
    "line",
    [
        shapes.event("Send", shapes.mail("m", "a@example.com", "B <b@example.org>", "c@example.net")),
        shapes.event("Delivery", shapes.mail("m"), shapes.delivery(*THREE)),
        shapes.event("Bounce", shapes.mail("m"), shapes.bounce(*THREE)),
        shapes.event("Complaint", shapes.mail("m"), shapes.complaint(*THREE)),
        shapes.event("Rendering Failure", shapes.mail("m", *THREE), {}, "failure"),
    ],
)
def test_every_destination_is_an_event_of_its_own(line: str) -> None:
    events = read_events(line)
    assert tuple(event.address for event in events) == THREE
    assert len({event.digest for event in events}) == 3


def test_a_bounce_that_names_nobody_still_says_whom_by_its_tags() -> None:
    (event,) = read_events(json.dumps({"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}, "mail": TAGGED}))
    assert (event.is_permanent, event.recipient, event.address) == (True, "R1", "ann@example.com")


def test_wrappings_are_taken_off() -> None:
    line = shapes.event("Send", TAGGED)
    sns = json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": line})
    bridge = json.dumps({"detail-type": "Email Sent", "source": "aws.ses", "detail": json.loads(line)})
    assert read_events(sns) == read_events(bridge) == read_events(line)


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully…"}),
        json.dumps({"Type": "Notification", "TopicArn": "t", "Message": "Successfully validated SNS topic for SES."}),
    ],
)
def test_a_topics_greeting_is_no_event_and_no_fault(line: str) -> None:
    assert read_events(line) == ()


def test_an_unknown_kind_is_kept_without_addresses() -> None:
    (event,) = read_events(shapes.event("Teleported", TAGGED, {"to": "Ann <ann@example.com>"}))
    assert (event.kind, event.type, event.message_id) == (EventKind.UNKNOWN, "Teleported", "m-1")
    assert "ann@" not in event.detail


def test_no_address_shows_in_a_repr() -> None:
    for line in (
        shapes.event("Bounce", TAGGED, shapes.bounce("ann@example.com")),
        shapes.event("Teleported", TAGGED, {"to": "ann@example.com"}),
    ):
        assert "ann@example.com" not in repr(read_events(line))


@pytest.mark.parametrize("subtype", ["MessageTooLarge", "ContentRejected", "AttachmentRejected"])
def test_a_content_fault_never_condemns_the_address(subtype: str) -> None:
    (event,) = read_events(shapes.event("Bounce", TAGGED, shapes.bounce("ann@example.com", subtype=subtype)))
    assert (event.is_content_fault, event.is_permanent, event.is_transient) == (True, False, False)


def test_not_spam_is_no_complaint() -> None:
    assert not event("complaint", type="not-spam").is_complaint
    assert event("complaint", type="abuse").is_complaint
    assert event("complaint").is_complaint


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "the keys of no provider"),
        ('{"eventType": "Send"}', "neither a message id nor tags"),
        ('{"eventType": "Send", "mail": {"destination": ["ann@example.com"]}}', "neither a message id nor tags"),
        ('{"Type": "SubscriptionConfirmation", "TopicArn": "t", "Message": "m"}', "SubscriptionConfirmation"),
        ('{"Type": "Notification", "TopicArn": "t", "Message": "hello"}', "not JSON"),
        ('{"Type": "Notification", "TopicArn": "t", "Message": "[1]"}', "not a JSON object"),
        (wrapped(shapes.event("Send", TAGGED), 4), "neither eventType"),
        ('{"detail-type": "d", "detail": ' * 4 + shapes.event("Send", TAGGED) + "}" * 4, "neither eventType"),
    ],
)
def test_what_is_no_event_is_refused_with_its_reason(line: str, reason: str) -> None:
    with pytest.raises(EventError, match=reason) as caught:
        read_events(line)
    assert "ann@" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("ann@example.com"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["mail", "bounce", "complaint", "delivery", "send", "failure", "open", "click", "Message", "TopicArn", "detail"]
)
KINDS = st.sampled_from(
    ["Send", "Bounce", "Complaint", "Delivery", "Open", "Click", "DeliveryDelay", "Rendering Failure"]
)
MAILS = st.fixed_dictionaries(
    {}, optional={"messageId": JSON | st.text(), "destination": JSON, "tags": JSON, "timestamp": JSON}
)


@given(st.dictionaries(KEYS, JSON, max_size=4), KINDS, MAILS)
def test_arbitrary_json_is_an_event_or_a_refusal_and_fit_to_keep(value: Any, kind: str, mail: Any) -> None:
    try:
        events = read_events(json.dumps({**value, "eventType": kind, "mail": mail}))
    except EventError:
        return
    for event in events:
        assert len(event.digest) == 64
        kept = [event.message_id, event.mailing or "", event.recipient or "", repr(event)]
        assert "\0" not in "".join(kept).encode().decode()


@pytest.mark.parametrize("odd", ["a\x00nn@example.com", "a\ud800nn@example.com", "ann\x1b@example.com"])
def test_an_address_with_a_character_that_cannot_be_kept_is_not_the_one_without_it(odd: str) -> None:
    (event,) = read_events(shapes.event("Bounce", shapes.mail("m", odd), shapes.bounce(odd)))
    assert event.address != "ann@example.com"
    assert (event.address or "").encode()


def test_text_from_outside_is_scrubbed() -> None:
    assert scrub("550 <Ann.O'Hara+x@mail.example.com> no; rfc822;bob@example.org \x1b[31m\0") == (
        "550 <(address)> no; rfc822;(address)  [31m"
    )
    assert scrub('"ann o"@example.com is gone') == "(address) is gone"
    assert len(scrub("x" * 10_000)) == 500
