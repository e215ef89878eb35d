"""Folding of old mailings: recipients are moved to a compressed table with a digest, and can be restored exactly.

Account and report are stored in the transaction that decides to fold, and do not change after it. The recipients
follow in one commit per batch, so that other writers never wait for longer; an interrupted run can continue. At
every moment each recipient is in exactly one of the two tables. A folded mailing cannot cause second copies: a
freeze that needs its recipients is refused, and steps of series, whose mailings keep growing, are never folded.
"""

import hashlib
import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, MetaData, String, Table, and_, delete, func, insert, not_, or_, select

from publisher.database import Database
from publisher.database.bulk import insert_once, insert_rows
from publisher.database.metadata import Instant
from publisher.delivery.mailings import Mailing, account, by_id
from publisher.delivery.states import Operator, RecipientState
from publisher.delivery.tables import folded_recipients, foldings, literally, mailings, recipients, second_copies
from publisher.diagnostics import say
from publisher.errors import DatabaseError, UsageError
from publisher.issue.folder import SERIES

BATCH = 5_000
"""Recipients per commit and per packed row of about 250 kB."""

_AS_STORED = Table(
    "recipients",
    MetaData(),
    *(Column(c.name, String() if isinstance(c.type, Instant) else c.type) for c in recipients.c),
)

f = folded_recipients.c


def foldable(connection: Connection, before: datetime, slug: str | None = None) -> list[Mailing]:
    """Return unpacked mailings of issues whose mailings all ended before ``before``, oldest first.

    An issue is skipped if any of its mailings is unfinished or paused; has pending, claimed or uncertain
    recipients; or has a second copy, which is reported by a tripwire.
    """
    m, r, of = mailings.c, recipients.c, mailings.alias("of").c
    states = (RecipientState.PENDING, RecipientState.CLAIMED, RecipientState.UNCERTAIN)
    unsettled = (select(r.number).where(r.mailing_id == of.id, r.state == literally(one)).exists() for one in states)
    holds = or_(
        and_(of.finished_at.is_(None), of.operator != Operator.CANCELLED),
        func.coalesce(of.finished_at, of.frozen_at) >= before,
        select(second_copies.c.number).where(second_copies.c.mailing_id == of.id).exists(),
        *unsettled,
    )
    query = select(m.id).where(
        m.slug.not_like(f"{SERIES}/%"),
        select(r.number).where(r.mailing_id == m.id).exists(),
        not_(select(of.id).where(of.slug == m.slug, of.audience > 0, holds).exists()),
    )
    found = connection.scalars((query.where(m.slug == slug) if slug else query).order_by(m.id)).all()
    return [by_id(connection, key) for key in found]


def begin(connection: Connection, mailing: Mailing, report: str, now: datetime) -> None:
    """Store the account and the report of a mailing, which is folded from then on."""
    told = json.dumps(asdict(account(connection, mailing.id)))
    insert_once(connection, foldings, {"mailing_id": mailing.id, "folded_at": now, "account": told, "report": report})


def pack(database: Database, mailing_id: int) -> None:
    """Pack the recipients of a mailing; stop if it is unfolded in the meantime."""
    c = _AS_STORED.c
    with database.connect() as connection:
        ends = select(func.min(c.number), func.max(c.number)).where(c.mailing_id == mailing_id)
        low, high = connection.execute(ends).one()
    for first in range(low or 0, (high or -1) + 1, BATCH):
        with database.begin() as connection:
            held = select(foldings.c.mailing_id).where(foldings.c.mailing_id == mailing_id).with_for_update()
            if connection.execute(held).first() is None:  # unfolded in the meantime
                return
            taken = delete(_AS_STORED).where(c.mailing_id == mailing_id, c.number.between(first, first + BATCH - 1))
            rows = sorted(map(tuple, connection.execute(taken.returning(*c))))
            if rows:
                columns = dict(zip(c.keys(), zip(*rows, strict=True), strict=True))
                data = json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode()
                numbers = columns[c.number.name]
                values = {"mailing_id": mailing_id, "first": numbers[0], "last": numbers[-1]}
                values |= {"digest": hashlib.sha256(data).hexdigest(), "rows": zlib.compress(data, 6)}
                connection.execute(insert(folded_recipients).values(values))


def unfold(database: Database, slug: str) -> int:
    """Restore the recipients of an issue's mailings. Return how many. Raises UsageError, DatabaseError."""
    m, restored = mailings.c, 0
    with database.connect() as connection:
        query = select(m.id).join(foldings, foldings.c.mailing_id == m.id).where(m.slug == slug).order_by(m.id)
        folded = connection.scalars(query).all()
        if not folded:
            advice = say("publisher status lists the mailings")
            raise UsageError(say("no mailing of {slug} is folded", slug=slug), help=advice)
        if any(is_dropped(connection, mailing_id) for mailing_id in folded):
            advice = say("an earlier backup has them")
            raise UsageError(say("the recipients of {slug} were dropped", slug=slug), help=advice)
    for mailing_id in folded:
        with database.connect() as connection:
            parts = connection.scalars(select(f.first).where(f.mailing_id == mailing_id).order_by(f.first)).all()
        for first in parts:
            with database.begin() as connection:
                taken = delete(folded_recipients).where(f.mailing_id == mailing_id, f.first == first)
                part = connection.execute(taken.returning(f.digest, f.rows)).first()
                rows = _unpack(part.digest, part.rows) if part else []
                insert_rows(connection, _AS_STORED, rows)
            restored += len(rows)
        with database.begin() as connection:  # waits for a concurrent pack, which locks this row
            connection.execute(delete(foldings).where(foldings.c.mailing_id == mailing_id))
            if connection.execute(select(f.first).where(f.mailing_id == mailing_id).limit(1)).first():
                advice = say("wait for it to end, then again")
                raise UsageError(say("{slug} is being folded by another command", slug=slug), help=advice)
    return restored


def droppable(connection: Connection, before: datetime) -> list[Mailing]:
    """Return the mailings folded completely before ``before`` that can still be unfolded, oldest first."""
    packed, left = (
        select(c.mailing_id).where(c.mailing_id == foldings.c.mailing_id).exists() for c in (f, recipients.c)
    )
    query = select(foldings.c.mailing_id).where(foldings.c.folded_at < before, packed, not_(left))
    return [by_id(connection, key) for key in connection.scalars(query.order_by(foldings.c.mailing_id))]


def drop(connection: Connection, mailing_id: int) -> None:
    """Delete the packed recipients of a mailing permanently; its account and its report stay."""
    connection.execute(delete(folded_recipients).where(f.mailing_id == mailing_id))


def is_dropped(connection: Connection, mailing_id: int) -> bool:
    """Whether a folded mailing has no recipients any more, packed or not."""
    queries = (select(c.mailing_id).where(c.mailing_id == mailing_id).limit(1) for c in (f, recipients.c))
    return not any(connection.execute(query).first() for query in queries)


def folded_at(connection: Connection) -> dict[int, datetime]:
    """Return the time of folding of each folded mailing, by its id."""
    return {row[0]: row[1] for row in connection.execute(select(foldings.c.mailing_id, foldings.c.folded_at))}


def report_of(connection: Connection, mailing_id: int) -> str | None:
    """Return the stored report of a folded mailing as JSON; None if it is not folded."""
    query = select(foldings.c.report).where(foldings.c.mailing_id == mailing_id)
    return connection.execute(query).scalar()


def refuse_folded(connection: Connection, slugs: Collection[str]) -> None:
    """Raise UsageError if a mailing of these issues is folded: a freeze must know its recipients."""
    m = mailings.c
    query = select(m.id, m.slug).join(foldings, foldings.c.mailing_id == m.id).where(m.slug.in_(slugs)).limit(1)
    if row := connection.execute(query).first():
        way = say("publisher archive-mailings --undo {slug}, then again", slug=row.slug)
        if is_dropped(connection, row.id):
            way = say("its recipients were dropped; an earlier backup has them")
        message = say("{slug} is folded, and whom it reached is not at hand: nobody is mailed", slug=row.slug)
        raise UsageError(message, help=way)


class FoldedRecipient(NamedTuple):
    """Packed recipient: the mailing's id, reference and slug, and the row with times as ISO 8601 text."""

    mailing_id: int
    mailing: str
    slug: str
    row: Mapping[str, Any]


_PARTS = (
    select(f.mailing_id, f.digest, f.rows, mailings.c.reference, mailings.c.slug)
    .join(mailings, mailings.c.id == f.mailing_id)
    .order_by(f.mailing_id, f.first)
)


def find(connection: Connection, mailing: str, number: int) -> FoldedRecipient | None:
    """Return the packed recipient with this number in the mailing with this reference, or None."""
    return next(_found(connection, mailing, [number]), None)


def references(connection: Connection, wanted: Iterable[tuple[str, int]]) -> set[str]:
    """Return the subscriber references of packed recipients, given as (mailing reference, number)."""
    numbers: dict[str, set[int]] = {}
    for mailing, number in wanted:
        numbers.setdefault(mailing, set()).add(number)
    return {one.row["reference"] for mailing, those in numbers.items() for one in _found(connection, mailing, those)}


def _found(connection: Connection, mailing: str, numbers: Collection[int]) -> Iterator[FoldedRecipient]:
    of_mailing = _PARTS.where(mailings.c.reference == mailing)
    left = sorted(numbers, reverse=True)
    while left:
        number = left.pop()
        part = connection.execute(of_mailing.where(f.first <= number, f.last >= number)).first()
        if part is None:
            continue
        rows = {row["number"]: row for row in _unpack(part.digest, part.rows)}
        these = [number, *(one for one in left if one in rows)]
        left = [one for one in left if one not in rows]
        yield from (FoldedRecipient(part.mailing_id, part.reference, part.slug, rows[n]) for n in these if n in rows)


def all_of(connection: Connection, reference: str, mailing: str | None = None) -> Iterator[FoldedRecipient]:
    """Yield the packed recipients of a subscriber, oldest mailing first, or those in the mailing with reference
    ``mailing``. Scans all packed rows: one to two seconds per million.
    """
    needle = f'"{reference}"'.encode()
    query = _PARTS.where(mailings.c.reference == mailing) if mailing else _PARTS
    for part in connection.execute(query.execution_options(yield_per=20)):
        if needle in zlib.decompress(part.rows):
            found = (row for row in _unpack(part.digest, part.rows) if row["reference"] == reference)
            yield from (FoldedRecipient(part.mailing_id, part.reference, part.slug, row) for row in found)


def rows_of(connection: Connection, slug: str) -> Iterator[FoldedRecipient]:
    """Yield every packed recipient of an issue's mailings, oldest mailing first."""
    for part in connection.execute(_PARTS.where(mailings.c.slug == slug).execution_options(yield_per=20)):
        for row in _unpack(part.digest, part.rows):
            yield FoldedRecipient(part.mailing_id, part.reference, part.slug, row)


@lru_cache(maxsize=4)  # late events are sorted by recipient, so a few parts are read in turn
def _unpack(digest: str, packed: bytes) -> list[dict[str, Any]]:
    """Return the rows, which must not be modified. Raises DatabaseError if the digest does not match."""
    try:
        data = zlib.decompress(packed)
    except zlib.error:
        data = b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise DatabaseError(say("packed recipients are damaged"), help=say("publisher restore brings back a backup"))
    columns = json.loads(data)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
