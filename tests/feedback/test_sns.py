"""A message of SNS is believed only when everything about it is right."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from publisher.errors import ServiceError
from publisher.providers.provider import WebhookRefusedError
from publisher.providers.ses import sns as fetching
from publisher.providers.ses.sns import BODY_LIMIT, Certificates, TopicArn, string_to_sign, verify

ARN = "arn:aws:sns:eu-west-1:123456789012:newsletter-events"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


def certificate(key: Any, *, days: int = 3650) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime.now(UTC) - timedelta(days=10)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )


@dataclass
class Sns:
    """A topic with a key of its own, and a certificate server in place of Amazon's."""

    key: rsa.RSAPrivateKey
    fetched: list[str]

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        return certificate(self.key)

    def message(self, *, sign: bool = True, **fields: Any) -> dict[str, Any]:
        found = {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": ARN,
            "Message": '{"eventType": "Send"}\nwith "quotes" and 汉字',
            "Timestamp": "2026-05-04T07:59:58.123Z",
            "SignatureVersion": "2",
            "SigningCertURL": CERTIFICATE_URL,
            "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        } | fields
        found = {name: value for name, value in found.items() if value is not None}
        if sign:
            algorithm = {"1": SHA1, "2": SHA256}.get(found["SignatureVersion"], SHA256)()
            found["Signature"] = base64.b64encode(self.key.sign(string_to_sign(found), PKCS1v15(), algorithm)).decode()
        return found

    def verify(self, message: dict[str, Any] | bytes, **more: Any) -> Any:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return verify(body, **{"topics": {ARN}, "certificates": Certificates(self.fetch), "now": NOW} | more)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def sns(key: rsa.RSAPrivateKey) -> Sns:
    return Sns(key, [])


def test_what_is_signed_is_what_amazon_documents() -> None:
    # The worked example of the page on verifying signatures, in its order and with its newlines.
    fields = {
        "Type": "Notification",
        "TopicArn": "arn:aws:sns:us-east-2:123456789012:MyTopic",
        "Message": "Test Message",
        "MessageId": "4d4dc071-ddbf-465d-bba8-08f81c89da64",
        "Subject": "My subject",
        "Timestamp": "2019-01-31T04:37:04.321Z",
    }
    expected = (
        b"Message\nTest Message\nMessageId\n4d4dc071-ddbf-465d-bba8-08f81c89da64\nSubject\nMy subject\n"
        b"Timestamp\n2019-01-31T04:37:04.321Z\nTopicArn\narn:aws:sns:us-east-2:123456789012:MyTopic\nType\nNotification\n"
    )
    assert string_to_sign(fields) == expected
    del fields["Subject"]
    assert string_to_sign(fields) == expected.replace(b"Subject\nMy subject\n", b"")


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [None, "Amazon SES Email Event Notification", ""])
def test_a_signed_notification_is_believed(sns: Sns, version: str, subject: str | None) -> None:
    message = sns.verify(sns.message(SignatureVersion=version, Subject=subject))
    assert (message.type, message.topic.arn, message.topic.region) == ("Notification", ARN, "eu-west-1")
    assert message.body.startswith('{"eventType"')


def test_a_confirmation_carries_its_token(sns: Sns) -> None:
    message = sns.message(
        Type="SubscriptionConfirmation", Token="t" * 64, SubscribeURL="https://sns.eu-west-1.amazonaws.com/?x"
    )
    assert sns.verify(message).token == "t" * 64


def test_china_has_its_own_host(sns: Sns) -> None:
    arn = "arn:aws-cn:sns:cn-north-1:123456789012:t"
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0123456789abcdef.pem"
    message = sns.message(TopicArn=arn, SigningCertURL=url)
    assert sns.verify(message, topics={arn}).topic.region == "cn-north-1"
    with pytest.raises(WebhookRefusedError, match="certificate"):
        sns.verify(sns.message(TopicArn=arn, SigningCertURL=url.replace(".com.cn", ".com")), topics={arn})


PATH = "/SimpleNotificationService-0123456789abcdef.pem"


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.eu-west-1.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com:443{PATH}",
        f"https://sns.eu-west-1.amazonaws.com:8443{PATH}",
        f"https://user@sns.eu-west-1.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com@evil.example{PATH}",
        f"https://sns.eu-west-1.amazonaws.com:pw@evil.example{PATH}",
        f"https://evil.example{PATH}",
        f"https://sns.eu-west-1.amazonaws.com.evil.example{PATH}",
        f"https://sns-eu-west-1.amazonaws.com{PATH}",
        f"https://snsXeu-west-1.amazonaws.com{PATH}",
        f"https://evil.s3.eu-west-1.amazonaws.com{PATH}",
        f"https://sns.us-east-1.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com.cn{PATH}",
        f"https://sns.eu-west-1.amazonaws.com.{PATH}",
        f"https://sns.eu-west-1.amazonaws.com\\@evil.example{PATH}",
        f"https://sns.eu-west-1.amazonaws.com/x{PATH}",
        f"https://sns.eu-west-1.amazonaws.com/..{PATH}",
        f"https://sns.eu-west-1.amazonaws.com/{PATH}",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-../../evil.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-%2e%2e%2fevil.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdeg.pem",
        "https://sns.eu-west-1.amazonaws.com/evil.pem",
        "https://sns.eu-west-1.amazonaws.com/",
        f"https://sns.eu-west-1.amazonaws.com{PATH}?Action=ConfirmSubscription",
        f"https://sns.eu-west-1.amazonaws.com{PATH}#.pem",
        f"https://sns.eu-west-1.amazonaws.com{PATH}\n",
        f" https://sns.eu-west-1.amazonaws.com{PATH}",
        f"HTTPS://SNS.EU-WEST-1.AMAZONAWS.COM{PATH}",
        "file:///etc/ssl/certs/x.pem",
        "",
    ],
)
def test_a_certificate_from_anywhere_else_is_never_fetched(sns: Sns, url: str) -> None:
    with pytest.raises(WebhookRefusedError, match="certificate"):
        sns.verify(sns.message(SigningCertURL=url))
    assert sns.fetched == []


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:eu-west-1:210987654321:newsletter-events",
        "arn:aws:sns:eu-west-1:123456789012:other",
        "arn:aws:sns:us-east-1:123456789012:newsletter-events",
        ARN.upper(),
        "",
    ],
)
def test_another_topic_is_refused_before_anything_is_fetched(sns: Sns, arn: str) -> None:
    with pytest.raises(WebhookRefusedError, match="topic") as caught:
        sns.verify(sns.message(TopicArn=arn))
    assert (caught.value.status, sns.fetched) == (403, [])


def test_without_a_list_no_topic_is_believed(sns: Sns) -> None:
    with pytest.raises(WebhookRefusedError, match="sns_topics"):
        sns.verify(sns.message(), topics=())


@pytest.mark.parametrize("field", ["Message", "MessageId", "Timestamp", "Subject"])
@pytest.mark.parametrize("version", ["1", "2"])
def test_an_altered_field_breaks_the_signature(sns: Sns, field: str, version: str) -> None:
    message = sns.message(Subject="s", SignatureVersion=version)
    message[field] = "2026-05-04T07:59:59.123Z" if field == "Timestamp" else message[field] + "x"
    with pytest.raises(WebhookRefusedError, match="signature does not fit"):
        sns.verify(message)


def test_a_subject_slipped_in_or_out_breaks_the_signature(sns: Sns) -> None:
    with pytest.raises(WebhookRefusedError, match="signature"):
        sns.verify(sns.message() | {"Subject": "s"})
    without = sns.message(Subject="s")
    del without["Subject"]
    with pytest.raises(WebhookRefusedError, match="signature"):
        sns.verify(without)


def test_fields_cannot_be_shifted_into_each_other(sns: Sns) -> None:
    # "Message\na\nMessageId\nb\n…" must not pass for another split of the same bytes.
    message = sns.message(Message="a\nMessageId\nb", MessageId="c")
    message |= {"Message": "a", "MessageId": "b\nMessageId\nc"}
    assert string_to_sign(message) == string_to_sign(sns.message(Message="a\nMessageId\nb", MessageId="c"))
    with pytest.raises(WebhookRefusedError, match="line break"):
        sns.verify(message)


def test_a_signature_by_another_key_is_refused(sns: Sns) -> None:
    other = Sns(rsa.generate_private_key(public_exponent=65537, key_size=2048), [])
    with pytest.raises(WebhookRefusedError, match="signature"):
        sns.verify(other.message())


def test_the_versions_cannot_be_swapped(sns: Sns) -> None:
    for before, after in (("2", "1"), ("1", "2")):
        with pytest.raises(WebhookRefusedError, match="signature"):
            sns.verify(sns.message(SignatureVersion=before) | {"SignatureVersion": after})


@pytest.mark.parametrize("version", ["0", "3", "", "2 "])
def test_an_unknown_version_is_refused(sns: Sns, version: str) -> None:
    with pytest.raises(WebhookRefusedError, match="neither 1 nor 2"):
        sns.verify(sns.message(SignatureVersion=version))


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("2026-05-03T07:59:00.000Z", "too old"),
        ("2026-05-04T08:16:00.000Z", "future"),
        ("2026-05-04T09:00:00.000+02:00", None),
        ("yesterday", "timestamp"),
        ("0001-01-01T00:00:00+23:59", "timestamp"),
    ],
)
def test_a_message_is_believed_for_a_day(sns: Sns, stamp: str, reason: str | None) -> None:
    if reason is None:
        assert sns.verify(sns.message(Timestamp=stamp)).at == datetime(2026, 5, 4, 7, tzinfo=UTC)
        return
    with pytest.raises(WebhookRefusedError, match=reason):
        sns.verify(sns.message(Timestamp=stamp))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (BODY_LIMIT + 1), 413),
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"[" * 200_000, 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"eventType": "Send"}', 400),
        (b'{"Type": "Notification"}', 400),
        (b'{"Type": ["Notification"]}', 400),
        (b'{"Type": "Notification", "Message": "\\ud800"}', 400),
    ],
)
def test_a_body_that_is_no_message_is_refused(sns: Sns, body: bytes, status: int) -> None:
    with pytest.raises(WebhookRefusedError) as caught:
        sns.verify(body)
    assert caught.value.status == status


def test_a_signature_that_is_not_base64_is_refused(sns: Sns) -> None:
    with pytest.raises(WebhookRefusedError, match="base64"):
        sns.verify(sns.message() | {"Signature": "not base64!"})


def test_a_certificate_is_fetched_once_and_kept_for_a_day(sns: Sns) -> None:
    now = [0.0]
    keys = Certificates(sns.fetch, clock=lambda: now[0])
    for at, fetches in ((0.0, 1), (86_399.0, 1), (86_401.0, 2)):
        now[0] = at
        sns.verify(sns.message(), certificates=keys)
        assert len(sns.fetched) == fetches


def test_forged_certificate_names_cannot_make_us_a_hammer(sns: Sns) -> None:
    now = [0.0]

    def fail(url: str) -> bytes:
        sns.fetched.append(url)
        raise ServiceError("status 404")

    keys = Certificates(fail, clock=lambda: now[0])
    for i in range(50):
        url = f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{i:08x}.pem"
        with pytest.raises(ServiceError):
            sns.verify(sns.message(SigningCertURL=url), certificates=keys)
    assert len(sns.fetched) == 10
    now[0] = 30.0
    with pytest.raises(ServiceError):
        sns.verify(sns.message(SigningCertURL=sns.fetched[0]), certificates=keys)
    assert len(sns.fetched) == 10


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (lambda key: b"<html>", "cannot be read"),
        (lambda key: certificate(key, days=5), "not valid today"),
        (lambda key: certificate(ec.generate_private_key(ec.SECP256R1())), "RSA"),
        (lambda key: certificate(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "2048"),
    ],
    ids=["no certificate", "expired", "elliptic", "short"],
)
def test_a_certificate_must_be_sound(sns: Sns, pem: Callable[[Any], bytes], reason: str) -> None:
    with pytest.raises(ServiceError, match=reason):
        Certificates(lambda url: pem(sns.key)).key(CERTIFICATE_URL)


def test_a_topic_is_an_arn_of_sns_in_full() -> None:
    assert TopicArn.read(ARN) == TopicArn(ARN, "aws", "eu-west-1")
    for arn in ("arn:aws:sqs:eu-west-1:123456789012:q", "arn:aws:sns:evil.example/:123456789012:t", ARN + ":sub"):
        assert TopicArn.read(arn) is None


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/fine")
            self.end_headers()
            return
        self.send_response(404 if self.path == "/gone" else 200)
        self.end_headers()
        self.wfile.write(b"x" * (fetching.LIMIT + 1 if self.path == "/large" else 10))

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_the_fetcher_follows_no_redirect_and_reads_little(pages: str) -> None:
    assert fetching.fetch(f"{pages}/fine") == b"x" * 10
    for path, reason in (("moved", "status 302"), ("gone", "status 404"), ("large", "too large")):
        with pytest.raises(ServiceError, match=reason):
            fetching.fetch(f"{pages}/{path}")
    with pytest.raises(ServiceError, match="ConnectError"):
        fetching.fetch("http://127.0.0.1:1/x")


def test_forged_names_never_cost_us_a_key_that_has_verified_a_message(sns: Sns) -> None:
    now = [0.0]

    def only_the_true_one(url: str) -> bytes:
        if url != CERTIFICATE_URL:
            sns.fetched.append(url)
            raise ServiceError("status 404")
        return sns.fetch(url)

    keys = Certificates(only_the_true_one, clock=lambda: now[0], entries=4)
    sns.verify(sns.message(), certificates=keys)

    def forge(minute: int) -> None:
        for i in range(12):
            url = f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{minute:04x}{i:04x}.pem"
            with pytest.raises(ServiceError):
                sns.verify(sns.message(SigningCertURL=url), certificates=keys)

    for minute in range(3):
        now[0] += 60
        forge(minute)
        sns.verify(sns.message(), certificates=keys)
    now[0] = 86_460.0  # a day later the key is asked for anew, in the middle of the flood
    forge(99)
    sns.verify(sns.message(), certificates=keys)
    assert sns.fetched.count(CERTIFICATE_URL) == 2


def test_a_key_that_is_known_does_not_wait_for_a_forged_one(sns: Sns) -> None:
    slow, asked = threading.Event(), threading.Event()

    def hang(url: str) -> bytes:
        if url == CERTIFICATE_URL:
            return sns.fetch(url)
        asked.set()
        slow.wait()
        raise ServiceError("status 404")

    keys = Certificates(hang)
    sns.verify(sns.message(), certificates=keys)

    def forge() -> None:
        with contextlib.suppress(ServiceError):
            keys.key("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0badcafe.pem")

    forger = threading.Thread(target=forge)
    forger.start()
    try:
        assert asked.wait(60)
        sns.verify(sns.message(), certificates=keys)  # would wait for ever
    finally:
        slow.set()
        forger.join()
