"""Mailboxes that are never mailed, each with the reason. A suppression outlives the subscriber."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, delete, insert, select, true

from publisher.audience.store import now
from publisher.audience.tables import suppressions
from publisher.database.bulk import among


class Reason(StrEnum):
    """Why a mailbox is never mailed."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Suppression:
    """A do-not-mail record."""

    mailbox_key: str
    reason: Reason
    detail: str
    at: datetime


def suppress(connection: Connection, mailbox_key: str, reason: Reason, detail: str = "") -> bool:
    """Never mail this mailbox again. False where it was suppressed already: the first reason stands."""
    if suppression(connection, mailbox_key) is not None:
        return False
    connection.execute(
        insert(suppressions).values(mailbox_key=mailbox_key, reason=reason.value, detail=detail, at=now())
    )
    return True


def release(connection: Connection, mailbox_key: str) -> bool:
    """Take a suppression back. False where there was none."""
    return connection.execute(delete(suppressions).where(suppressions.c.mailbox_key == mailbox_key)).rowcount > 0


def suppression(connection: Connection, mailbox_key: str) -> Suppression | None:
    """The suppression of a mailbox."""
    row = connection.execute(select(suppressions).where(suppressions.c.mailbox_key == mailbox_key)).first()
    return None if row is None else Suppression(row.mailbox_key, Reason(row.reason), row.detail, row.at)


def suppressed_among(connection: Connection, mailbox_keys: Collection[str]) -> set[str]:
    """Which of these mailboxes are suppressed."""
    key = suppressions.c.mailbox_key
    return set(connection.scalars(select(key).where(among(connection, key, mailbox_keys))))


def all_suppressions(connection: Connection, chosen: ColumnElement[bool] | None = None) -> Iterator[Suppression]:
    """Every suppression, or the ``chosen``, oldest first, in constant memory."""
    statement = (
        select(suppressions)
        .where(true() if chosen is None else chosen)
        .order_by(suppressions.c.at, suppressions.c.mailbox_key)
    )
    for row in connection.execution_options(yield_per=1000).execute(statement):
        yield Suppression(row.mailbox_key, Reason(row.reason), row.detail, row.at)
