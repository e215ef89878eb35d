"""The audience as CSV, safe to open in a spreadsheet, and one person's record in full.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a return is a formula to a spreadsheet; such cells get a
leading apostrophe (OWASP, *CSV Injection*). An import of our own export takes it off again.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO, Any

from sqlalchemy import ColumnElement, Connection, select, true

from publisher.audience.columns import guarded
from publisher.audience.model import Consent, Subscriber
from publisher.audience.store import history
from publisher.audience.suppressions import suppression
from publisher.audience.tables import subscribers, suppressions

COLUMNS = ("email", "name", "state", "language", "topics", "suppressed", "created_at", "changed_at", "reference")


def export(connection: Connection, out: IO[str], where: ColumnElement[bool] | None = None) -> int:
    """Write every subscriber, oldest first, in constant memory: our columns, then one per attribute; how many."""
    condition = true() if where is None else where
    streaming = connection.execution_options(yield_per=1000)
    names: dict[str, None] = {}
    for attributes in streaming.scalars(select(subscribers.c.attributes).where(condition)):
        names.update(dict.fromkeys(attributes))
    extra = sorted(set(names) - set(COLUMNS))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *map(guarded, extra)])
    number = 0
    for row in _rows(streaming, condition):
        ours = [
            row.address, row.name, row.state, row.language or "", ";".join(row.topics), row.reason or "",
            row.created_at.isoformat(), row.changed_at.isoformat(), row.reference,
        ]  # fmt: skip
        writer.writerow([guarded(str(cell)) for cell in [*ours, *(row.attributes.get(name, "") for name in extra)]])
        number += 1
    return number


def record(connection: Connection, subscriber: Subscriber) -> dict[str, Any]:
    """Everything that is stored about one person, as JSON values: what the law calls the right of access."""
    held = suppression(connection, subscriber.mailbox_key)
    return {
        "email": subscriber.address,
        "reference": subscriber.reference,
        "state": subscriber.state.value,
        "name": subscriber.name,
        "language": subscriber.language,
        "topics": list(subscriber.topics),
        "attributes": ({"name": subscriber.name} if subscriber.name else {}) | dict(subscriber.attributes),
        "created_at": subscriber.created_at.isoformat(),
        "changed_at": subscriber.changed_at.isoformat(),
        "asked_at": subscriber.asked_at.isoformat() if subscriber.asked_at else None,
        "preferred_at": subscriber.preferred_at.isoformat() if subscriber.preferred_at else None,
        "suppressed": None
        if held is None
        else {"reason": held.reason.value, "detail": held.detail, "at": held.at.isoformat()},
        "history": [_entry(entry) for entry in history(connection, subscriber.id)],
    }


def _entry(entry: Consent) -> dict[str, Any]:
    return {"at": entry.at.isoformat(), "change": entry.change, "how": entry.how, "evidence": dict(entry.evidence)}


def _rows(connection: Connection, condition: ColumnElement[bool]) -> Iterator[Any]:
    joined = subscribers.outerjoin(suppressions, subscribers.c.mailbox_key == suppressions.c.mailbox_key)
    statement = select(subscribers, suppressions.c.reason).select_from(joined).where(condition)
    return iter(connection.execute(statement.order_by(subscribers.c.id)))
