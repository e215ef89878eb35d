"""Move a newsletter to another database: subscribers, suppressions, ledger and publications, unchanged.

References are kept, so that links in mail already sent keep working; an unfinished mailing continues there.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, func, select, text

from publisher.audience.backup import put_keys, signing_keys
from publisher.config import Config
from publisher.database import Database, open_database
from publisher.database.bulk import insert_rows
from publisher.database.engine import MOVED, database_url
from publisher.database.migrate import whole_metadata
from publisher.delivery import mailings
from publisher.delivery.ledger import at_work
from publisher.delivery.lock import how_to_settle, mark_path, unknown_mail
from publisher.delivery.tables import folded_recipients, origins, paces
from publisher.diagnostics import say
from publisher.documents.atomic import write_file
from publisher.errors import DatabaseError, UsageError, refusal
from publisher.publishing import store
from publisher.publishing.lease import take
from publisher.publishing.tables import leases

ROWS = 5000  # rows per batch
_LARGE = {folded_recipients.name: 20}  # one row holds 5,000 recipients

_NOT_MOVED = {leases.name, origins.name, paces.name}  # specific to one database or its machines


@dataclass(frozen=True, slots=True)
class Moved:
    """Row counts by table; the new URL; the renamed old SQLite file; signing keys copied to the new folder."""

    rows: dict[str, int]
    to: str
    kept: Path | None
    keys: int


def move(config: Config, url: str) -> Moved:
    """Copy everything into the empty database at ``url``, in one transaction there, and rename a SQLite file.

    Raises UsageError (not empty, the same, a sender is at work), DatabaseError; nothing is moved then.
    """
    old_url, new_url = database_url(config), database_url(config, url)
    if old_url == new_url:
        raise UsageError(say("the newsletter is in that database already"), help=say("name another one"))
    kept = None
    with closing(open_database(config)) as old, closing(open_database(config, url)) as new, no_sender_at_work(old):
        marks = _marks(old)
        with old.begin() as source:  # SQLite: locks out writers until the file is renamed; they then fail
            rows = _copy(source, new)
            for name, mark in marks.items():
                if beside := mark_path(new_url, name):
                    about = {"mark": mark, "beside": beside}
                    what = say("everything was moved, and the mark {mark} could not be copied to {beside}", **about)
                    with refusal(what, say("copy it yourself, and rename the old database"), DatabaseError):
                        write_file(beside, mark.read_bytes())
            if old.dialect == "sqlite":
                kept = _put_aside(old_url.database)
    if kept:
        # Write the WAL into the file; if a service still has it open, SQLite does so when it ends.
        with suppress(sqlite3.Error), closing(sqlite3.connect(kept)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    keys = 0
    if new_url.database and new_url.get_backend_name() == "sqlite":
        folder = Path(new_url.database).parent
        if folder != config.root / ".publisher":
            keys = put_keys(folder, signing_keys(config))
    return Moved(rows, new.url, kept, keys)


@contextmanager
def no_sender_at_work(database: Database) -> Iterator[None]:
    """Lock out ``publish`` for the block. Raises UsageError, LeaseLostError if a sender or a ``publish`` runs."""
    with take(database):
        with database.connect() as connection:
            for mailing in mailings.every_newest(connection):
                if at_work(database, connection, mailing):
                    advice = say("wait for the sender to end, or publisher pause {slug}", slug=mailing.slug)
                    raise UsageError(say("{slug} is being sent: nothing was done", slug=mailing.slug), help=advice)
        yield


def _marks(old: Database) -> dict[str, Path]:
    """Return the mark files beside a SQLite database, by slug as in file names.

    Raises UsageError if a mark records more mail than the database: PostgreSQL has no marks to detect that later.
    """
    url = old.engine.url
    pattern = mark_path(url, "*")
    if pattern is None:
        return {}
    before, after = pattern.name.rsplit("*", 1)
    names = (file.name for file in pattern.parent.iterdir())
    found = [n[len(before) : -len(after)] for n in names if n.startswith(before) and n.endswith(after)]
    with old.connect() as connection:
        publications = store.all_publications(connection)
        newest = mailings.every_newest(connection)
        slugs = {slug.replace("/", "_"): slug for slug in (*publications, *(mailing.slug for mailing in newest))}
        for slug in (slugs.get(name, name) for name in found):
            if slug in publications and publications[slug].settled_how == "mailed":
                continue
            if fault := unknown_mail(url, connection, slug):
                message = say("{slug}: {fault}: was it restored? Nothing was moved", slug=slug, fault=fault)
                raise UsageError(message, help=how_to_settle(slug))
    return {name: pattern.parent / f"{before}{name}{after}" for name in found}


def _copy(source: Connection, new: Database) -> dict[str, int]:
    tables = [table for table in whole_metadata().sorted_tables if table.name not in _NOT_MOVED]
    with new.begin() as target:
        if source.dialect.name == "postgresql":
            source.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        if full := next((t.name for t in tables if target.execute(select(t).limit(1)).first()), None):
            message = say("{url} is not empty (table {full}): nothing was moved", url=new.url, full=full)
            raise UsageError(message, help=say("name an empty database"))
        return {table.name: _copy_table(source, target, table) for table in tables}


def _copy_table(source: Connection, target: Connection, table: Table) -> int:
    rows = _LARGE.get(table.name, ROWS)
    query = select(table).execution_options(yield_per=rows)
    for part in source.execute(query).mappings().partitions(rows):
        insert_rows(target, table, [dict(row) for row in part])
    count = select(func.count()).select_from(table)
    there, here = source.execute(count).scalar_one(), target.execute(count).scalar_one()
    if there != here:
        told = say("{here} of {there} rows of {name} arrived: nothing was moved")
        raise DatabaseError(say(told, here=here, there=there, name=table.name), help=say("try again"))
    if target.dialect.name == "postgresql" and "id" in table.c and table.c.id.type.python_type is int:
        sequence = f"setval(pg_get_serial_sequence('{table.name}', 'id'), greatest(max(id), 1), max(id) IS NOT NULL)"
        target.execute(text(f"SELECT {sequence} FROM {table.name}"))  # noqa: S608 - our own names
    return int(here)


def _put_aside(name: str | None) -> Path | None:
    """Rename the old file and its WAL: left in place, the newsletter could be mailed from it again."""
    if not name:
        return None
    file, kept = Path(name), Path(name + MOVED)
    what = say("everything was moved, and the old {file} could not be put aside", file=file)
    with refusal(what, say("rename it yourself: nobody may send from it any more"), DatabaseError):
        file.rename(kept)
        for end in ("-wal", "-shm"):
            log = file.with_name(file.name + end)
            log.rename(kept.with_name(kept.name + end)) if log.exists() else None
    return kept
