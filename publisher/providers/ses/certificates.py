"""Where SNS's signing certificates may come from, and the fetching of them: one host, one form of path, no redirect."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from publisher.errors import ServiceError

Fetcher = Callable[[str], bytes]
"""The body behind a URL, or ServiceError. Follows no redirect, reads at most :data:`LIMIT` bytes."""

LIMIT = 32_768
SECONDS = 5.0
KEEP = 86_400.0
"""Seconds that a key is good for."""
FETCHES_A_MINUTE = 10
_PARTITIONS = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
_ARN = re.compile(r"arn:(aws|aws-us-gov|aws-cn):sns:([a-z]{2}(?:-[a-z]+)+-\d{1,2}):(\d{12}):([A-Za-z0-9_-]{1,256})")


@dataclass(frozen=True, slots=True)
class TopicArn:
    """A topic's ARN in its parts."""

    arn: str
    partition: str
    region: str

    @classmethod
    def read(cls, arn: str) -> TopicArn | None:
        """The topic of an ARN, or ``None`` where it is none."""
        found = _ARN.fullmatch(arn)
        return cls(arn, found[1], found[2]) if found else None

    def vouches_for(self, url: str) -> bool:
        """Whether SNS of this topic's region serves its certificates at ``url``.

        One pattern over the whole text, so that no two URL parsers can differ over it: scheme, host, no user, no
        port, one path segment of hexadecimal digits, no query, no fragment.
        """
        host = re.escape(f"sns.{self.region}.{_PARTITIONS[self.partition]}")
        return re.fullmatch(rf"https://{host}/SimpleNotificationService-[0-9a-f]{{8,128}}\.pem", url) is not None


def fetch(url: str) -> bytes:
    """The default fetcher: httpx, no redirect, no proxy from the environment, bounded in time and size."""
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
    """Public keys by URL: fetched once, kept for a day; a failure is remembered for a minute.

    At most :data:`FETCHES_A_MINUTE` fetches leave this machine, whoever asks: a forged message cannot make it a hammer.
    A key that has verified a message is proven: no forged name takes its place, uses up its fetch, or makes it wait.
    """

    def __init__(
        self,
        fetcher: Fetcher = fetch,
        *,
        clock: Callable[[], float] = time.monotonic,
        entries: int = 16,
    ) -> None:
        self._fetcher, self._clock, self._entries = fetcher, clock, entries
        self._known: OrderedDict[str, tuple[float, RSAPublicKey | ServiceError]] = OrderedDict()
        self._proven: set[str] = set()
        self._fetched: list[float] = []
        self._lock = threading.Lock()

    def key(self, url: str) -> RSAPublicKey:
        """The public key of the certificate at ``url``, which the caller has checked. Raises ServiceError."""
        known = self._known.get(url)
        if known is None or known[0] <= self._clock():
            with self._lock:  # held while something is fetched; whose key is known never comes here
                now = self._clock()
                known = self._known.get(url)
                if known is None or known[0] <= now:
                    known = self._learn(url, now)
        if isinstance(known[1], ServiceError):
            raise known[1]
        return known[1]

    def proved(self, url: str) -> None:
        """The key at ``url`` has verified a message."""
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
    except Exception as error:  # the parser of bytes from outside raises several kinds
        raise ServiceError("the certificate of SNS cannot be read") from error
    if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
        raise ServiceError("the certificate of SNS is not valid today")
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise ServiceError("the certificate of SNS has no RSA key of 2048 bits or more")
    return key
