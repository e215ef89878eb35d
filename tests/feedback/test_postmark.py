"""Postmark's events: read, and taken in by ``/webhooks/postmark`` of the real service on a loopback port."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from publisher.audience.tables import subscribers
from publisher.errors import UsageError
from publisher.providers import read_events
from publisher.providers.events import BounceType, EventError, EventKind
from publisher.web.app import create_app
from publisher.web.service import Service
from tests.feedback.conftest import Room, uncertain

ANN, SECRET = "ann@example.com", ("user", "päss:word")
ID = "883953f4-6105-42a2-a16a-77a8eac79483"


def body(kind: str, **more: Any) -> dict[str, Any]:
    """A webhook's body, as Postmark's documentation shows them."""
    common = {"RecordType": kind, "MessageID": ID, "MessageStream": "broadcast", "ServerID": 23, "Tag": "weekly"}
    own: dict[str, Any] = {
        "Delivery": {"Recipient": ANN, "DeliveredAt": "2026-05-05T16:33:54.9070259Z", "Details": "ok"},
        "Bounce": {
            "ID": 4323372036854775807, "Type": "HardBounce", "TypeCode": 1, "Email": ANN, "Inactive": True,
            "BouncedAt": "2026-05-05T13:28:10.2735393-04:00", "Details": f"smtp;550 5.1.1 {ANN} unknown",
        },
        "SpamComplaint": {"ID": 42, "Type": "SpamComplaint", "Email": ANN, "BouncedAt": "2026-05-05T16:33:54Z"},
        "SubscriptionChange": {
            "Recipient": ANN, "ChangedAt": "2026-05-05T10:53:34.416071Z", "Origin": "Recipient",
            "SuppressSending": True, "SuppressionReason": "ManualSuppression",
        },
    }  # fmt: skip
    return common | own.get(kind, {}) | more


@pytest.mark.parametrize(
    ("type_", "kind", "bounce"),
    [
        ("HardBounce", EventKind.BOUNCE, BounceType.PERMANENT),
        ("BadEmailAddress", EventKind.BOUNCE, BounceType.PERMANENT),
        ("SoftBounce", EventKind.BOUNCE, BounceType.TRANSIENT),
        ("Blocked", EventKind.BOUNCE, BounceType.TRANSIENT),
        ("Unknown", EventKind.BOUNCE, BounceType.UNDETERMINED),
        ("Transient", EventKind.DELIVERY_DELAY, None),
        ("SpamComplaint", EventKind.COMPLAINT, None),
        ("Unsubscribe", EventKind.SUBSCRIPTION, None),
        ("AutoResponder", EventKind.SEND, None),
    ],
)
def test_the_types_of_bounces(type_: str, kind: EventKind, bounce: BounceType | None) -> None:
    (event,) = read_events(
        json.dumps(
            body("Bounce", Type=type_, Metadata={"mailing": "0a1b2c3d", "recipient": "0a1b2c3d-7", "attempt": "2"})
        )
    )
    assert event.kind is kind
    assert bounce in {None, event.type}
    assert (event.message_id, event.recipient, event.attempt, event.address) == (ID, "0a1b2c3d-7", 2, ANN)
    assert event.mailing == "0a1b2c3d"
    assert event.at is not None
    assert ANN not in repr(event)


def test_a_bounce_says_what_the_receiver_said_or_else_what_postmark_says_of_its_type() -> None:
    general = {"Description": "The server was unable to deliver your message"}
    told = [
        event.detail
        for details in ({"Details": f"smtp;550 {ANN} unknown"}, {"Details": ""}, {"Details": None})
        for event in read_events(json.dumps(body("Bounce", **general, **details)))
    ]
    assert told == ["smtp;550 (address) unknown", general["Description"], general["Description"]]


def test_what_was_refused_for_its_content_is_not_the_address_s_fault() -> None:
    (event,) = read_events(json.dumps(body("Bounce", Type="SpamNotification")))
    assert event.is_content_fault


def test_what_says_nothing_of_our_mail() -> None:
    assert read_events(json.dumps(body("SubscriptionChange", SuppressSending=False, MessageID=None))) == ()
    (by_hand,) = read_events(json.dumps(body("SubscriptionChange", MessageID=None, Origin="Customer")))
    assert not by_hand.unsubscribed
    (unknown,) = read_events(json.dumps(body("Teleported", To=ANN)))
    assert (unknown.kind, ANN in repr(unknown)) == (EventKind.UNKNOWN, False)
    with pytest.raises(EventError, match="neither a MessageID nor metadata"):
        read_events(json.dumps(body("Delivery", MessageID=None)))


@pytest.fixture
def site(room: Room, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("PUBLISHER_POSTMARK_WEBHOOK", ":".join(SECRET))
    return TestClient(create_app(Service.open(room.config)), client=("127.0.0.1", 1))


def test_only_whoever_knows_the_password_is_believed(room: Room, site: TestClient) -> None:
    bounce = body("Bounce")
    with site as client:
        for auth in (None, ("user", "wrong"), ("other", SECRET[1]), ("user", "")):
            assert client.post("/webhooks/postmark", json=bounce, auth=auth).status_code == 401
        for header in ("Basic", "Basic %%%", "Bearer x", "Basic dXNlcg=="):
            answer = client.post("/webhooks/postmark", json=bounce, headers={"authorization": header})
            assert (answer.status_code, SECRET[1] in answer.text) == (401, False)
        assert room.suppressed() == {}
        assert client.post("/webhooks/postmark", json=bounce, auth=_utf8(SECRET)).status_code == 200
        assert client.post("/webhooks/postmark", content=b"nonsense", auth=_utf8(SECRET)).status_code == 200
        assert client.post("/webhooks/sns", json={}).status_code == 404
        assert client.get("/webhooks/postmark").status_code == 405
    assert room.suppressed() == {ANN: "bounce"}


def test_events_settle_the_ledger_once(room: Room, site: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "publisher.web")
    room.subscribe(ANN, "ben@example.com", "eve@example.com", "dan@example.com")
    mailing = room.freeze()
    room.send(mailing, uncertain)
    tagged = {address: {"Metadata": {"recipient": who}} for address, who in room.recipients(mailing).items()}
    posts = [
        body("Delivery", **tagged[ANN]),
        body("Bounce", Email="ben@example.com", MessageID="m-2", **tagged["ben@example.com"]),
        body("SpamComplaint", Email="eve@example.com", MessageID="m-3", **tagged["eve@example.com"]),
        body("SubscriptionChange", Recipient="dan@example.com", MessageID="m-4", **tagged["dan@example.com"]),
    ]
    with site as client:
        for post in (*posts, *reversed(posts)):
            assert client.post("/webhooks/postmark", json=post, auth=_utf8(SECRET)).status_code == 200
    told = [record.getMessage() for record in caplog.records if record.name == "publisher.web"]
    kinds = ["delivery", "bounce", "complaint", "subscription"]
    assert told == [f"postmark: 200 taken in, 1 {kind}" for kind in (*kinds, *reversed(kinds))]
    account = room.account()
    assert (account.uncertain, account.submitted) == (0, 4)
    assert (account.delivered, account.bounced, account.complained, account.second_copies) == (1, 1, 1, 0)
    assert room.suppressed() == {"ben@example.com": "bounce", "eve@example.com": "complaint"}
    with room.database.connect() as connection:
        left = connection.execute(select(subscribers.c.address).where(subscribers.c.state == "unsubscribed")).scalars()
        assert set(left) == {"eve@example.com", "dan@example.com"}


@pytest.mark.parametrize("secret", ["word", ":word", "user:"])
def test_a_secret_that_is_none_is_reported(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("PUBLISHER_POSTMARK_WEBHOOK", secret)
    with pytest.raises(UsageError, match="has to be user:password"):
        create_app(Service.open(room.config.model_copy(update={"root": tmp_path})))


def _utf8(secret: tuple[str, str]) -> tuple[bytes, bytes]:
    return secret[0].encode(), secret[1].encode()
