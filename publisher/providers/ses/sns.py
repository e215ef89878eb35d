"""Amazon SNS over HTTPS: check that a request comes from a configured topic, unaltered and recent.

Follows https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html with stricter rules: the
topic is in ``service.sns_topics``, the certificate comes from SNS in the topic's own region, and a subscription is
confirmed through the API, never by opening a URL from the message. There is no network or database access before
the cheap checks have passed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from publisher.config.values import TOPIC_ARN
from publisher.errors import ServiceError
from publisher.providers.events import EventError
from publisher.providers.provider import Notice, WebhookRefusedError
from publisher.providers.reading import moment_of, object_of, unreadable
from publisher.providers.ses.events import events_of, is_greeting

BODY_LIMIT = 1_000_000
"""Bytes. SNS carries 256 KiB, which JSON escapes can make nearly four times as long."""
WINDOW = timedelta(hours=24)
"""Maximum age of a message. SNS keeps the time of publication in retries, by default for hours."""
AHEAD = timedelta(minutes=15)
"""Maximum time by which a message's clock may be ahead of ours."""

_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_OPTIONAL = frozenset({"Subject"})
_HASHES: dict[str, Callable[[], HashAlgorithm]] = {"1": SHA1, "2": SHA256}


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """Message with a valid SNS signature. ``token`` is set only in confirmations."""

    type: str
    id: str
    topic: TopicArn
    at: datetime
    body: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def verify(
    body: bytes, *, topics: Collection[str], certificates: Certificates, now: datetime | None = None
) -> SnsMessage:
    """Return the message in ``body`` after checking that one of ``topics`` sent it.

    Raises WebhookRefusedError: 413 too large, 400 not an SNS message, 403 failed check; and ServiceError if the
    certificate could not be fetched, in which case SNS should try again.
    """
    fields = _fields(body)
    topic = TopicArn.read(fields["TopicArn"])
    if topic is None or topic.arn not in topics:
        raise WebhookRefusedError(403, "the topic is not in service.sns_topics")
    at = moment_of(fields["Timestamp"])
    if at is None:
        raise WebhookRefusedError(400, "the timestamp cannot be read")
    now = now or datetime.now(UTC)
    if not now - WINDOW <= at <= now + AHEAD:
        raise WebhookRefusedError(403, "the message is too old, or from the future")
    if not topic.vouches_for(fields["SigningCertURL"]):
        raise WebhookRefusedError(403, "the certificate is not one of SNS in the topic's region")
    _check_signature(fields, certificates)
    return SnsMessage(fields["Type"], fields["MessageId"], topic, at, fields["Message"], fields.get("Token"))


def string_to_sign(fields: dict[str, str]) -> bytes:
    """Return the text that SNS signs: the signed fields present, in alphabetical order, as name and value lines."""
    signed = (name for name in _SIGNED[fields["Type"]] if name in fields)
    return "".join(f"{name}\n{fields[name]}\n" for name in signed).encode()


def _fields(body: bytes) -> dict[str, str]:
    """Return the message's text fields; those that the checks need are present."""
    if len(body) > BODY_LIMIT:
        raise WebhookRefusedError(413, "the body is too large")
    try:
        found: Any = json.loads(body)
        json.dumps(found, ensure_ascii=False).encode()  # a lone surrogate cannot be signed or stored
    except (ValueError, RecursionError):
        raise WebhookRefusedError(400, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise WebhookRefusedError(400, "the body is not a JSON object")
    fields = {name: value for name, value in found.items() if isinstance(value, str)}
    if fields.get("Type") not in _SIGNED:
        raise WebhookRefusedError(400, "this is no message of SNS; raw delivery is for queues, switch it off for HTTPS")
    needed = {*_SIGNED[fields["Type"]], "SignatureVersion", "Signature", "SigningCertURL"} - _OPTIONAL
    if missing := sorted(needed - fields.keys()):
        raise WebhookRefusedError(400, f"the message lacks {', '.join(missing)}")
    # A line break could make one signed field look like two. Only Message may contain one.
    if any("\n" in fields[name] for name in _SIGNED[fields["Type"]] if name in fields and name != "Message"):
        raise WebhookRefusedError(400, "a field other than Message has a line break")
    if len(fields["MessageId"]) > 100:
        raise WebhookRefusedError(400, "the message id is too long")
    return fields


def _check_signature(fields: dict[str, str], certificates: Certificates) -> None:
    algorithm = _HASHES.get(fields["SignatureVersion"])
    if algorithm is None:
        raise WebhookRefusedError(403, "the signature's version is neither 1 nor 2")
    try:
        signature = base64.b64decode(fields["Signature"], validate=True)
    except (binascii.Error, ValueError):
        raise WebhookRefusedError(400, "the signature is not base64") from None
    key = certificates.key(fields["SigningCertURL"])
    try:
        key.verify(signature, string_to_sign(fields), PKCS1v15(), algorithm())
    except InvalidSignature:
        raise WebhookRefusedError(403, "the signature does not fit the message") from None
    certificates.proved(fields["SigningCertURL"])


def confirm_subscription(topic: TopicArn, token: str) -> None:
    """Confirm a subscription through the API, so that only its owner can end it. Raises ServiceError."""
    from publisher.providers.ses.aws import call, client

    sns = client("sns", topic.region)
    message = "the subscription could not be confirmed"
    call(message, lambda: sns.confirm_subscription(TopicArn=topic.arn, Token=token, AuthenticateOnUnsubscribe="true"))


class SnsWebhook:
    """``/webhooks/sns``. ``confirm`` confirms a subscription; ``now`` is a fixed time for tests."""

    name = "sns"
    limit = BODY_LIMIT

    def __init__(
        self,
        topics: Collection[str],
        certificates: Certificates | None = None,
        *,
        confirm: Callable[[TopicArn, str], None] = confirm_subscription,
        now: datetime | None = None,
    ) -> None:
        self._topics, self._certificates = topics, certificates or Certificates()
        self._confirm, self._now = confirm, now

    def believe(self, body: bytes, headers: Mapping[str, str]) -> Notice:  # noqa: ARG002
        """See :class:`~publisher.providers.provider.Webhook`. The headers are ignored, because they are not signed."""
        message = verify(body, topics=self._topics, certificates=self._certificates, now=self._now)
        if message.type == "SubscriptionConfirmation":
            self._confirm(message.topic, message.token or "")
            return Notice(note=f"the subscription to {message.topic.arn} is confirmed")
        if message.type == "UnsubscribeConfirmation":
            arn = message.topic.arn
            return Notice(note=f"SNS ended the subscription to {arn}: subscribe again if that is wrong")
        if is_greeting(message.body):
            return Notice(id=message.id)
        try:
            return Notice(events_of(object_of(message.body)), message.id)
        except EventError as error:
            return Notice((unreadable(message.body),), message.id, str(error))


Fetcher = Callable[[str], bytes]
"""Returns the body of a URL or raises ServiceError. Follows no redirect, reads at most :data:`LIMIT` bytes."""

LIMIT = 32_768
SECONDS = 5.0
KEEP = 86_400.0
"""Lifetime of a key in seconds."""
FETCHES_A_MINUTE = 10
_PARTITIONS = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}


@dataclass(frozen=True, slots=True)
class TopicArn:
    """ARN of a topic, parsed."""

    arn: str
    partition: str
    region: str

    @classmethod
    def read(cls, arn: str) -> TopicArn | None:
        """Parse an ARN; ``None`` if it is invalid."""
        found = TOPIC_ARN.fullmatch(arn)
        return cls(arn, found[1], found[2]) if found else None

    def vouches_for(self, url: str) -> bool:
        """Whether ``url`` is a certificate URL of SNS in this topic's region.

        One pattern matches the whole text, so that differences between URL parsers do not matter: scheme, host, no
        user, no port, one path segment of hexadecimal digits, no query, no fragment.
        """
        host = re.escape(f"sns.{self.region}.{_PARTITIONS[self.partition]}")
        return re.fullmatch(rf"https://{host}/SimpleNotificationService-[0-9a-f]{{8,128}}\.pem", url) is not None


def fetch(url: str) -> bytes:
    """Fetch with httpx: no redirects, no proxy from the environment, limited time and size. The default fetcher."""
    import httpx

    body = bytearray()
    deadline = time.monotonic() + SECONDS
    try:
        with (
            httpx.Client(follow_redirects=False, trust_env=False, timeout=SECONDS) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != 200:
                raise ServiceError(f"the certificate of SNS was not served: status {answer.status_code}")
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > LIMIT or time.monotonic() > deadline:
                    raise ServiceError("the certificate of SNS is too large or too slow")
    except httpx.HTTPError as error:
        raise ServiceError(f"the certificate of SNS could not be fetched: {type(error).__name__}") from error
    return bytes(body)


class Certificates:
    """Public keys by URL, each fetched once and kept for a day; a failure is kept for a minute.

    At most :data:`FETCHES_A_MINUTE` fetches are made, so that forged messages cannot cause a flood of requests. A
    key that has verified a message is proven: URLs in forged messages cannot evict it, or delay its fetch.
    """

    def __init__(
        self, fetcher: Fetcher = fetch, *, clock: Callable[[], float] = time.monotonic, entries: int = 16
    ) -> None:
        self._fetcher, self._clock, self._entries = fetcher, clock, entries
        self._known: OrderedDict[str, tuple[float, RSAPublicKey | ServiceError]] = OrderedDict()
        self._proven: set[str] = set()
        self._fetched: list[float] = []
        self._lock = threading.Lock()

    def key(self, url: str) -> RSAPublicKey:
        """Return the public key of the certificate at ``url``, which the caller has checked. Raises ServiceError."""
        known = self._known.get(url)
        if known is None or known[0] <= self._clock():
            with self._lock:  # held during a fetch; callers with a known key do not get here
                now = self._clock()
                known = self._known.get(url)
                if known is None or known[0] <= now:
                    known = self._learn(url, now)
        if isinstance(known[1], ServiceError):
            raise known[1]
        return known[1]

    def proved(self, url: str) -> None:
        """Record that the key at ``url`` has verified a message."""
        self._proven.add(url)

    def _learn(self, url: str, now: float) -> tuple[float, RSAPublicKey | ServiceError]:
        self._fetched = [at for at in self._fetched if at > now - 60]
        if url not in self._proven:
            if len(self._fetched) >= FETCHES_A_MINUTE:
                raise ServiceError("too many certificates asked for in a minute")
            self._fetched.append(now)
        entry: tuple[float, RSAPublicKey | ServiceError]
        try:
            entry = (now + KEEP, _public_key(self._fetcher(url)))
        except ServiceError as error:
            entry = (now + 60, error)
        self._known[url] = entry
        self._known.move_to_end(url)
        for stranger in [name for name in self._known if name not in self._proven][: -self._entries]:
            del self._known[stranger]
        return entry


def _public_key(pem: bytes) -> RSAPublicKey:
    try:
        certificate = x509.load_pem_x509_certificate(pem[:LIMIT])
        key = certificate.public_key()
    except Exception as error:  # the parser raises several types for untrusted bytes
        raise ServiceError("the certificate of SNS cannot be read") from error
    if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
        raise ServiceError("the certificate of SNS is not valid today")
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise ServiceError("the certificate of SNS has no RSA key of 2048 bits or more")
    return key
