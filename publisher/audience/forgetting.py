"""Forget a person. What remains is a salted hash of the mailbox, so that an import does not bring them back."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from publisher.audience.address import Address
from publisher.audience.store import drop, now
from publisher.audience.suppressions import release
from publisher.audience.tables import forgotten, salts, subscribers
from publisher.database.bulk import among

_PURPOSE = "forgotten"


def erase(connection: Connection, address: Address) -> list[int]:
    """Delete every subscriber of this mailbox with their history and suppression; keep the hash. The ids that went."""
    ids = list(connection.scalars(select(subscribers.c.id).where(subscribers.c.mailbox_key == address.mailbox_key)))
    for subscriber_id in ids:
        drop(connection, subscriber_id)
    release(connection, address.mailbox_key)
    digest = _digest(_salt(connection), address.mailbox_key)
    if connection.scalar(select(forgotten.c.digest).where(forgotten.c.digest == digest)) is None:
        connection.execute(insert(forgotten).values(digest=digest, at=now()))
    return ids


def welcome_back(connection: Connection, mailbox_key: str) -> None:
    """A forgotten person has subscribed anew, by their own hand."""
    if _anyone(connection):
        digest = _digest(_salt(connection), mailbox_key)
        connection.execute(delete(forgotten).where(forgotten.c.digest == digest))


def forgotten_among(connection: Connection, mailbox_keys: Iterable[str]) -> set[str]:
    """Which of these mailboxes have asked to be forgotten."""
    if not _anyone(connection):
        return set()
    salt = _salt(connection)
    by_digest = {_digest(salt, key): key for key in mailbox_keys}
    found = connection.scalars(select(forgotten.c.digest).where(among(connection, forgotten.c.digest, by_digest)))
    return {by_digest[digest] for digest in found}


def _anyone(connection: Connection) -> bool:
    return connection.scalar(select(forgotten.c.digest).limit(1)) is not None


def _salt(connection: Connection) -> bytes:
    value = connection.scalar(select(salts.c.value).where(salts.c.purpose == _PURPOSE))
    if value is None:
        value = secrets.token_hex(32)
        connection.execute(insert(salts).values(purpose=_PURPOSE, value=value))
    return bytes.fromhex(value)


def _digest(salt: bytes, mailbox_key: str) -> str:
    return hmac.new(salt, mailbox_key.encode(), hashlib.sha256).hexdigest()
