"""A PostgreSQL that was put back from a dump: no mark lies beside it (lock.py), a row of its own tells.

``origins`` holds the id of the transaction that wrote its row, with the first mailing. A dump and logical replication
copy the values of a row, and not its system column ``xmin`` (PostgreSQL manual, System Columns): in such a copy the two
differ. VACUUM, pg_upgrade, a base backup and a physical replica keep both.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, cast, delete, insert, literal_column, or_, select, text, update
from sqlalchemy.types import String

from publisher.audience.tables import enrolments
from publisher.database.bulk import insert_once
from publisher.delivery.tables import LEFT_TO_MONTH, UNFINISHED, mailings, origins, recipients, settled_marks
from publisher.diagnostics import say
from publisher.issue.folder import SERIES

DIGEST = "digest/"
"""What the slug of a month's edition begins with: ``digest/2026-11``."""

_ZONE = timedelta(hours=14)  # as far as one is from UTC
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('publisher origins'))")
_WRITER = cast(literal_column("origins.xmin"), String)


def put_back(connection: Connection, slugs: Iterable[str]) -> dict[str, str]:
    """Why readers may have an issue or a step of which this PostgreSQL does not know, of those of which they may.

    Asked of a mailing that is under way as far as it knows, and of what no page tells of: each step of a series, and
    the edition of a month.
    """
    if (writer := _copied(connection)) is None:
        return {}
    asked, settled = _asked(connection), _settled(connection, writer)
    why = say("this database came out of a dump, and messages may have left since that was made")
    return {slug: why for slug in slugs if ("/" in slug or slug in asked) and slug not in settled}


def settle(connection: Connection, slug: str) -> None:
    """An operator says that this copy is right about an issue or a step."""
    if writer := _copied(connection):
        write_word(connection, slug, writer)


def write_word(connection: Connection, slug: str, word: str) -> None:
    """An operator's word about an issue or a step, in the place of an earlier one."""
    connection.execute(delete(settled_marks).where(settled_marks.c.slug == slug))
    connection.execute(insert(settled_marks).values(slug=slug, word=word))


def take_as_own(connection: Connection, now: datetime, steps: Iterable[str] | None = None) -> None:
    """Know this PostgreSQL again by its row, from now on; as a copy for as long as anything waits for a word.

    ``steps`` are those of the repository: one that the copy never mailed may have been mailed since. Where they are not
    known, a copy with readers in a series stays one. Where another transaction is at it, it is left to that.
    """
    if connection.dialect.name != "postgresql" or not connection.scalar(_ALONE):
        return
    if writer := _copied(connection):
        started = connection.scalar(select(enrolments.c.series).limit(1)) is not None
        asked = _asked(connection) | _last_month(connection, now) | {*(steps or ())}
        if asked <= _settled(connection, writer) and (steps is not None or not started):
            connection.execute(delete(origins))
    if insert_once(connection, origins, {"id": 1, "writer": ""}):
        connection.execute(update(origins).values(writer=_WRITER))


def _copied(connection: Connection) -> str | None:
    """Who wrote this copy's row; None where it is no copy."""
    if connection.dialect.name != "postgresql":
        return None
    return connection.scalar(select(_WRITER).select_from(origins).where(origins.c.writer != _WRITER))


def _settled(connection: Connection, writer: str) -> set[str]:
    return {*connection.scalars(select(settled_marks.c.slug).where(settled_marks.c.word == writer))}


def _asked(connection: Connection) -> set[str]:
    """Of what it knows: mailings under way, and steps."""
    m = mailings.c
    return {*connection.scalars(select(m.slug).where(or_(text(UNFINISHED), m.slug.startswith(f"{SERIES}/"))))}


def _last_month(connection: Connection, now: datetime) -> set[str]:
    """The edition of the month before ``now``, in any time zone, that readers wait for and this copy has not mailed."""
    m, found = mailings.c, set()
    for day in (now - _ZONE, now + _ZONE):
        end = day.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        first = (end - timedelta(days=1)).replace(day=1)
        left = select(m.id).join(recipients, recipients.c.mailing_id == m.id)
        left = left.where(LEFT_TO_MONTH, m.frozen_at >= first - _ZONE, m.frozen_at < end + _ZONE)
        slug = f"{DIGEST}{first:%Y-%m}"
        known = select(m.id).where(m.slug == slug)
        if not connection.scalar(known.limit(1)) and connection.scalar(left.limit(1)):
            found.add(slug)
    return found
