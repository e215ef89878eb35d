"""Suppressed mailboxes, and erased people who must not be imported again; both outlive the subscriber."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, delete, select, true

from publisher.audience.address import Address
from publisher.audience.model import ConsentEvent, ConsentSource, Subscriber
from publisher.audience.store import Evidence, now, record
from publisher.audience.tables import forgotten, salts, subscribers, suppressions
from publisher.database.bulk import among, insert_once


class Reason(StrEnum):
    """Reason of a suppression."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    PROVIDER = "provider"
    SILENT = "silent"
    """Did not answer whether they still read; lifted when the person acts, or by an operator."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Do-not-mail record of a mailbox."""

    mailbox_key: str
    reason: Reason
    detail: str
    at: datetime


def suppress(connection: Connection, mailbox_key: str, reason: Reason, detail: str = "") -> bool:
    """Suppress a mailbox. False if it is suppressed already; the first reason is kept."""
    row = {"mailbox_key": mailbox_key, "reason": reason.value, "detail": detail, "at": now()}
    return insert_once(connection, suppressions, row)


def release(connection: Connection, mailbox_key: str, only: Reason | None = None) -> bool:
    """Delete the suppression of a mailbox, if its reason is ``only`` (None: any). False if nothing was deleted."""
    mine = delete(suppressions).where(suppressions.c.mailbox_key == mailbox_key)
    return connection.execute(mine.where(suppressions.c.reason == only.value) if only else mine).rowcount > 0


def end_silence(connection: Connection, subscriber: Subscriber, how: ConsentSource, evidence: Evidence = None) -> bool:
    """Lift a suppression for silence after the person, or an operator for them, has acted. False if there is none."""
    ended = release(connection, subscriber.mailbox_key, Reason.SILENT)
    if ended:
        record(connection, subscriber.id, ConsentEvent.KEPT, how, evidence)
    return ended


def suppression(connection: Connection, mailbox_key: str) -> Suppression | None:
    """Return the suppression of a mailbox, or None."""
    row = connection.execute(select(suppressions).where(suppressions.c.mailbox_key == mailbox_key)).first()
    return None if row is None else Suppression(row.mailbox_key, Reason(row.reason), row.detail, row.at)


def suppressed_among(connection: Connection, mailbox_keys: Collection[str]) -> set[str]:
    """Return those of these mailboxes that are suppressed."""
    key = suppressions.c.mailbox_key
    return set(connection.scalars(select(key).where(among(connection, key, mailbox_keys))))


def all_suppressions(connection: Connection, chosen: ColumnElement[bool] | None = None) -> Iterator[Suppression]:
    """Yield all suppressions, or those that ``chosen`` selects, oldest first, in constant memory."""
    statement = (
        select(suppressions)
        .where(true() if chosen is None else chosen)
        .order_by(suppressions.c.at, suppressions.c.mailbox_key)
    )
    for row in connection.execution_options(yield_per=1000).execute(statement):
        yield Suppression(row.mailbox_key, Reason(row.reason), row.detail, row.at)


# A salted hash of an erased mailbox remains, so that an import does not bring the person back.
_PURPOSE = "forgotten"


def erase(connection: Connection, address: Address) -> list[int]:
    """Delete all subscribers of a mailbox with history and suppression; keep a hash. Return the deleted ids."""
    ids = list(connection.scalars(select(subscribers.c.id).where(subscribers.c.mailbox_key == address.mailbox_key)))
    connection.execute(delete(subscribers).where(subscribers.c.id.in_(ids)))
    release(connection, address.mailbox_key)
    insert_once(connection, forgotten, {"digest": _digest(_salt(connection), address.mailbox_key), "at": now()})
    return ids


def clear_erasure(connection: Connection, mailbox_key: str) -> None:
    """Delete the hash of an erased person who has subscribed again themselves."""
    if _anyone(connection):
        digest = _digest(_salt(connection), mailbox_key)
        connection.execute(delete(forgotten).where(forgotten.c.digest == digest))


def erased_among(connection: Connection, mailbox_keys: Iterable[str], since: datetime | None = None) -> set[str]:
    """Return those of these mailboxes that were erased at the person's request, ``since`` then if given."""
    if not _anyone(connection):
        return set()
    salt = _salt(connection)
    by_digest = {_digest(salt, key): key for key in mailbox_keys}
    late = true() if since is None else forgotten.c.at >= since
    found = connection.scalars(select(forgotten.c.digest).where(late, among(connection, forgotten.c.digest, by_digest)))
    return {by_digest[digest] for digest in found}


def _anyone(connection: Connection) -> bool:
    return connection.scalar(select(forgotten.c.digest).limit(1)) is not None


def _salt(connection: Connection) -> bytes:
    kept = select(salts.c.value).where(salts.c.purpose == _PURPOSE)
    if (value := connection.scalar(kept)) is None:
        insert_once(connection, salts, {"purpose": _PURPOSE, "value": secrets.token_hex(32)})
        value = connection.scalars(kept).one()
    return bytes.fromhex(value)


def _digest(salt: bytes, mailbox_key: str) -> str:
    return hmac.new(salt, mailbox_key.encode(), hashlib.sha256).hexdigest()
