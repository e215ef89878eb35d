"""Moving a newsletter to another database: subscribers, suppressions, ledger, publications, all as they are.

References stay, so that the links of mail already sent go on working; a mailing that is not finished goes on there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, func, select, text

from publisher.audience.backup import put_keys, signing_keys
from publisher.config import Config
from publisher.database import Database, open_database
from publisher.database.bulk import insert_rows
from publisher.database.engine import database_url
from publisher.database.migrate import whole_metadata
from publisher.delivery import mailings
from publisher.delivery.ledger import at_work
from publisher.delivery.tables import folded_recipients, origins, paces
from publisher.errors import DatabaseError, UsageError, refusal
from publisher.publishing.lease import take
from publisher.publishing.tables import leases

ROWS = 5000  # rows copied at a time
_LARGE = {folded_recipients.name: 20}  # a row holds five thousand recipients

_NOT_MOVED = {leases.name, origins.name, paces.name}  # of one database: its machines', and what it is itself


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows by table; where to; where the old SQLite file was put aside; signing keys that were put beside the new."""

    rows: dict[str, int]
    to: str
    kept: Path | None
    keys: int


def move(config: Config, url: str) -> Moved:
    """Copy everything into the empty database at ``url``, in one transaction there, and put a SQLite file aside.

    Raises UsageError (not empty, the same, a sender is at work), DatabaseError; then nothing was moved.
    """
    old_url, new_url = database_url(config), database_url(config, url)
    if old_url == new_url:
        raise UsageError("the newsletter is in that database already", help="name another one")
    with closing(open_database(config)) as old, closing(open_database(config, url)) as new, nobody_at_work(old):
        rows = _copy(old, new)
    keys = 0
    if new_url.database and new_url.get_backend_name() == "sqlite":
        folder = Path(new_url.database).parent
        if folder != config.root / ".publisher":
            keys = put_keys(folder, signing_keys(config))
    return Moved(rows, new.url, _put_aside(old_url.database) if old.dialect == "sqlite" else None, keys)


@contextmanager
def nobody_at_work(database: Database) -> Iterator[None]:
    """Keep ``publish`` away for the block. Raises UsageError, LeaseLostError: a sender or a ``publish`` is at work."""
    with take(database):
        with database.connect() as connection:
            for mailing in mailings.every_newest(connection):
                if at_work(database, connection, mailing):
                    advice = f"wait for the sender to end, or publisher pause {mailing.slug}"
                    raise UsageError(f"{mailing.slug} is being sent: nothing was done", help=advice)
        yield


def _copy(old: Database, new: Database) -> dict[str, int]:
    tables = [table for table in whole_metadata().sorted_tables if table.name not in _NOT_MOVED]
    with old.begin() as source, new.begin() as target:  # SQLite: nobody writes meanwhile
        if source.dialect.name == "postgresql":
            source.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        if full := next((t.name for t in tables if target.execute(select(t).limit(1)).first()), None):
            raise UsageError(f"{new.url} is not empty (table {full}): nothing was moved", help="name an empty database")
        return {table.name: _copy_table(source, target, table) for table in tables}


def _copy_table(source: Connection, target: Connection, table: Table) -> int:
    rows = _LARGE.get(table.name, ROWS)
    query = select(table).execution_options(yield_per=rows)
    for part in source.execute(query).mappings().partitions(rows):
        insert_rows(target, table, [dict(row) for row in part])
    count = select(func.count()).select_from(table)
    there, here = source.execute(count).scalar_one(), target.execute(count).scalar_one()
    if there != here:
        raise DatabaseError(f"{here} of {there} rows of {table.name} arrived: nothing was moved", help="try again")
    if target.dialect.name == "postgresql" and "id" in table.c and table.c.id.type.python_type is int:
        sequence = f"setval(pg_get_serial_sequence('{table.name}', 'id'), greatest(max(id), 1), max(id) IS NOT NULL)"
        target.execute(text(f"SELECT {sequence} FROM {table.name}"))  # noqa: S608 - our own names
    return int(here)


def _put_aside(name: str | None) -> Path | None:
    """An old file that stays in its place would be mailed from again."""
    if not name:
        return None
    file = Path(name)
    kept = file.with_name(file.name + ".moved")
    for end in ("-wal", "-shm"):  # closed by us, the last user: SQLite has emptied them
        file.with_name(file.name + end).unlink(missing_ok=True)
    what = f"everything was moved, and the old {file} could not be put aside"
    with refusal(what, "rename it yourself: nobody may send from it any more", DatabaseError):
        file.rename(kept)
    return kept
