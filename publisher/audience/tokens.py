"""Signed links to the readers' service.

A token is ``reference[~mailing].signature``: it holds an opaque id and nothing about the person. Each purpose has its
own salt, so a link of one kind never serves as another. The keys come from ``PUBLISHER_SECRET_KEYS`` (newest first: the
first signs, all verify) or from ``.publisher/secret.key``, which is made on first use.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

from itsdangerous import BadSignature, Signer, TimestampSigner
from itsdangerous.signer import SigningAlgorithm

from publisher.config.model import Config
from publisher.config.values import ascii_url
from publisher.database.engine import keep_out_of_git
from publisher.diagnostics import reason_of, say
from publisher.errors import UsageError

LOCAL_SERVICE = "http://127.0.0.1:8080/"
"""URL of ``publisher serve`` if the config names none."""

CONFIRM_WITHIN = timedelta(days=14)
"""Life of a confirmation link. Other links never expire: a person may unsubscribe years later."""

LONGEST_TOKEN = 512

TEST = "test"
"""The mailing, and the reference, in links of a test mail."""


class Purpose(StrEnum):
    """Purpose of a token; also its salt and its path."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    CONFIRM = "confirm"
    KEEP = "keep"
    """Answer that the person still reads."""


@dataclass(frozen=True, slots=True)
class TokenPayload:
    """Contents of a valid token."""

    reference: str
    mailing: str | None
    issued_at: datetime | None
    """To the second; None except for confirmation links."""


class Tokens:
    """Signs and verifies tokens. Made once, with :meth:`open`."""

    def __init__(self, keys: list[str], base: str) -> None:
        """``keys``: newest first; ``base``: the service's URL, which ends in ``/``."""
        self.base = base
        self._signers = {purpose: _signer(purpose, keys) for purpose in Purpose}

    @classmethod
    def open(cls, config: Config) -> Tokens:
        """Use the keys of the environment, otherwise of the newsletter's key file. Raises UsageError."""
        keys = keys_of_environment()
        if any(len(key) < 16 for key in keys):
            message = say("a key in PUBLISHER_SECRET_KEYS is shorter than 16 characters")
            raise UsageError(message, help=say("make one with: openssl rand -hex 32"))
        base = ascii_url(config.service.url or LOCAL_SERVICE)  # the unsubscribe link is in a header
        return cls(keys or keys_in(_own_key(config.root / ".publisher")), base)

    def url(self, purpose: Purpose, reference: str, mailing: str | int | None = None) -> str:
        """Return a link to the readers' service; for UNSUBSCRIBE it is the one-click URL of RFC 8058."""
        return f"{self.base}{purpose}/{self.sign(purpose, reference, mailing)}"

    def sign(self, purpose: Purpose, reference: str, mailing: str | int | None = None) -> str:
        """Return a token."""
        value = reference if mailing is None else f"{reference}~{mailing}"
        return self._signers[purpose].sign(value).decode("ascii")

    def read(self, purpose: Purpose, token: str) -> TokenPayload | None:
        """Return the contents of a token; None if it is not ours, for another purpose, or expired."""
        if len(token) > LONGEST_TOKEN:
            return None
        signer = self._signers[purpose]
        issued_at: datetime | None = None
        try:
            if isinstance(signer, TimestampSigner):
                most = int(CONFIRM_WITHIN.total_seconds())
                raw, issued_at = signer.unsign(token, max_age=most, return_timestamp=True)
            else:
                raw = signer.unsign(token)
            reference, _, mailing = raw.decode("ascii").partition("~")
        except (BadSignature, ValueError):
            return None
        return TokenPayload(reference, mailing or None, issued_at.astimezone(UTC) if issued_at else None)


class _HmacSha256(SigningAlgorithm):
    _keyed = staticmethod(lru_cache(maxsize=64)(partial(hmac.new, digestmod=sha256)))

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        (signing := self._keyed(key).copy()).update(value)
        return signing.digest()


def _signer(purpose: Purpose, keys: list[str]) -> Signer:
    """Return a signer with derived keys: itsdangerous would derive them anew for each of a recipient's two links."""
    kind = TimestampSigner if purpose is Purpose.CONFIRM else Signer
    salt = f"publisher.{purpose.value}"
    derived = [kind(key, salt, key_derivation="hmac", digest_method=sha256).derive_key() for key in reversed(keys)]
    return kind(derived, salt, key_derivation="none", algorithm=_HmacSha256())


def keys_in(text: str) -> list[str]:
    """Split keys at commas."""
    return [key.strip() for key in text.split(",") if key.strip()]


def keys_of_environment() -> list[str]:
    """Return the keys of PUBLISHER_SECRET_KEYS."""
    return keys_in(os.environ.get("PUBLISHER_SECRET_KEYS", ""))


def _own_key(folder: Path) -> str:
    """Return the key in ``folder/secret.key``, made on first use; two concurrent processes get the same one."""
    path = folder / "secret.key"
    try:
        try:
            key = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            key = _make_key(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else say("it is not text")
        message = say("the signing key {path} cannot be used: {reason}", path=path, reason=reason)
        raise UsageError(message, help=say("make it readable, or set PUBLISHER_SECRET_KEYS")) from error
    if len(key) < 16:
        message = say("the signing key {path} is too short", path=path)
        raise UsageError(message, help=say("restore it from a backup: links already mailed need it"))
    return key


def _make_key(path: Path) -> str:
    keep_out_of_git(path.parent)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix="secret.")  # mode 600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: use its key
            os.link(draft, path)
    finally:
        Path(draft).unlink()
    return path.read_text(encoding="ascii").strip()
