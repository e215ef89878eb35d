"""The audience as CSV, safe to open in a spreadsheet, and one person's record in full.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a return is a formula to a spreadsheet; such cells get a
leading apostrophe (OWASP, *CSV Injection*). An import of our own export takes it off again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import IO, Any

from sqlalchemy import Connection, Row, select

from publisher.audience import own
from publisher.audience.model import Consent, Subscriber
from publisher.audience.store import history
from publisher.audience.suppressions import all_suppressions, suppression
from publisher.audience.tables import consents, subscribers, suppressions


def export(connection: Connection, out: IO[str]) -> int:
    """Write every subscriber, oldest first, then the suppressed mailboxes of nobody, in constant memory.

    The columns are :data:`publisher.audience.own.COLUMNS`, then one per attribute. How many subscribers there are.
    """
    streaming = connection.execution_options(yield_per=1000)
    names: dict[str, None] = {}
    for attributes in streaming.scalars(select(subscribers.c.attributes)):
        names.update(dict.fromkeys(attributes))
    extra = own.attribute_columns(names)
    plain = csv.writer(out, lineterminator="\n")
    quoted = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(cells: Iterable[str]) -> None:
        row = [own.guarded(cell) for cell in cells]
        # csv quotes a return by itself from Python 3.13 on only
        (quoted if any("\r" in cell for cell in row) else plain).writerow(row)

    write([*own.COLUMNS, *extra])
    number = 0
    for row, past in _people(streaming):
        write(_cells(row, past, extra))
        number += 1
    strangers = suppressions.c.mailbox_key.not_in(select(subscribers.c.mailbox_key))
    for held in all_suppressions(connection, strangers):
        known = {"email": held.mailbox_key, "suppressed": held.reason.value, "suppressed_detail": held.detail}
        known["suppressed_at"] = held.at.isoformat()
        write([known.get(name, "") for name in (*own.COLUMNS, *extra)])
    return number


def _cells(row: Row[Any], past: list[Consent], extra: Sequence[str]) -> list[str]:
    """A subscriber's row, as :data:`publisher.audience.own.COLUMNS` has it, then the attributes with a column."""
    columns = set(extra)
    others = {name: value for name, value in row.attributes.items() if name not in columns or value == ""}
    moments = {
        name: value.isoformat()
        for name in ("created_at", "changed_at", "asked_at", "preferred_at", "suppressed_at")
        if (value := row._mapping[name]) is not None
    }
    cells = moments | {
        "email": row.address,
        "name": row.name,
        "state": row.state,
        "language": row.language or "",
        "topics": own.topics_cell(row.topics),
        "suppressed": row.reason or "",
        "suppressed_detail": row.detail or "",
        "reference": row.reference,
        "consent_history": own.history_cell(past),
        "other_attributes": json.dumps(others, ensure_ascii=False) if others else "",
    }
    return [*(cells.get(name, "") for name in own.COLUMNS), *(str(row.attributes.get(name, "")) for name in extra)]


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
        "history": [own.entry_of(entry) for entry in history(connection, subscriber.id)],
    }


def _people(connection: Connection) -> Iterator[tuple[Row[Any], list[Consent]]]:
    """Each subscriber with the suppression of the mailbox, and the history."""
    held = suppressions.c
    joined = subscribers.outerjoin(suppressions, subscribers.c.mailbox_key == held.mailbox_key)
    statement = select(subscribers, held.reason, held.detail, held.at.label("suppressed_at")).select_from(joined)
    for rows in connection.execute(statement.order_by(subscribers.c.id)).partitions(1000):
        entries = connection.execute(
            select(consents)
            .where(consents.c.subscriber_id.between(rows[0].id, rows[-1].id))
            .order_by(consents.c.subscriber_id, consents.c.id)
        )
        past = {
            key: [Consent(entry.at, entry.change, entry.how, entry.evidence) for entry in group]
            for key, group in groupby(entries, key=lambda entry: entry.subscriber_id)
        }
        for row in rows:
            yield row, past.get(row.id, [])
