"""What becomes of a request of SNS: taken in once, confirmed through the API, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from publisher.errors import DatabaseError, ServiceError
from publisher.feedback.intake import Received, believe, keep
from publisher.providers.ses.sns import Certificates, SnsWebhook, TopicArn
from tests.feedback import shapes
from tests.feedback.conftest import Room, uncertain
from tests.feedback.test_sns import ARN, NOW, Sns

ANN = "ann@example.com"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def sns(key: rsa.RSAPrivateKey) -> Sns:
    return Sns(key, [])


def post(room: Room, sns: Sns, message: dict[str, Any], confirmed: list[tuple[str, str]] | None = None) -> Received:
    def confirm(topic: TopicArn, token: str) -> None:
        if confirmed is None:
            raise ServiceError("the subscription could not be confirmed: AccessDenied")
        confirmed.append((topic.arn, token))

    webhook = SnsWebhook([ARN], Certificates(sns.fetch), confirm=confirm, now=NOW)
    found = believe(webhook, json.dumps(message).encode(), {})
    return found if isinstance(found, Received) else keep(found, database=room.database, config=room.config)


def bounce(room: Room) -> str:
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing, uncertain)
    recipient = room.recipients(mailing)[ANN]
    return shapes.event("Bounce", shapes.mail("m-1", ANN, recipient=recipient), shapes.bounce(ANN))


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_notification_settles_and_suppresses(room: Room, sns: Sns, version: str) -> None:
    got = post(room, sns, sns.message(Message=bounce(room), SignatureVersion=version))
    assert (got.status, got.reason) == (200, "taken in")
    assert (room.account().bounced, room.account().uncertain, room.suppressed()) == (1, 0, {ANN: "bounce"})


def test_a_replay_changes_nothing_and_is_answered_as_before(room: Room, sns: Sns) -> None:
    message = sns.message(Message=bounce(room))
    assert post(room, sns, message).reason == "taken in"
    again = post(room, sns, message)
    assert (again.status, again.reason, again.applied and again.applied.events.total()) == (200, "taken in before", 0)


def test_an_altered_body_is_refused_and_nothing_is_kept(room: Room, sns: Sns) -> None:
    message = sns.message(Message=bounce(room))
    message["Message"] = message["Message"].replace(ANN, "ben@example.org")
    assert post(room, sns, message).status == 403
    assert room.suppressed() == {}


def test_a_subscription_is_confirmed_through_the_api(room: Room, sns: Sns) -> None:
    message = sns.message(
        Type="SubscriptionConfirmation", Token="t0ken", SubscribeURL="https://sns.eu-west-1.amazonaws.com/?x"
    )
    confirmed: list[tuple[str, str]] = []
    assert post(room, sns, message, confirmed).status == 200
    assert confirmed == [(ARN, "t0ken")]
    assert len(sns.fetched) == 1  # the certificate, and not the SubscribeURL
    assert post(room, sns, message).status == 503


def test_the_end_of_a_subscription_is_reported_and_not_undone(room: Room, sns: Sns) -> None:
    confirmed: list[tuple[str, str]] = []
    message = sns.message(Type="UnsubscribeConfirmation", Token="t", SubscribeURL="https://example.com/")
    got = post(room, sns, message, confirmed)
    assert (got.status, confirmed) == (200, [])
    assert ARN in got.reason


def test_a_greeting_is_no_event(room: Room, sns: Sns) -> None:
    got = post(room, sns, sns.message(Message="Successfully validated SNS topic for Amazon SES event publishing."))
    assert (got.status, got.applied and got.applied.faults) == (200, 0)


def test_a_signed_message_that_is_no_event_is_kept_and_not_asked_for_again(room: Room, sns: Sns) -> None:
    got = post(room, sns, sns.message(Message="hello ann@example.com"))
    assert got.status == 200
    assert got.applied is not None
    assert dict(got.applied.unknown) == {"unreadable": 1}


def test_when_the_certificate_or_the_database_fails_sns_is_to_try_again(
    room: Room, sns: Sns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise ServiceError("the certificate of SNS was not served: status 302")

    monkeypatch.setattr(sns, "fetch", fail)
    assert post(room, sns, sns.message()).status == 503
    monkeypatch.undo()

    def broken() -> Any:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(room.database, "begin", broken)
    assert post(room, sns, sns.message(Message=shapes.event("Send", shapes.mail("m", ANN)))).status == 503


def test_confirming_asks_the_api_of_the_topics_region(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.server import ThreadedMotoServer

    from publisher.providers.ses.sns import confirm_subscription

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL_SNS": f"http://{host}:{port}",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    import boto3

    boto3.client("sns", region_name="eu-west-1").create_topic(Name=ARN.rpartition(":")[2])
    topic = TopicArn.read(ARN)
    assert topic is not None
    confirm_subscription(topic, "t0ken")
    server.stop()
    with pytest.raises(ServiceError, match="could not be confirmed"):
        confirm_subscription(topic, "t0ken")
