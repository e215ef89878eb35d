"""Backup and restore of a SQLite newsletter: one SQLite file, with the signing keys in a table of its own.

SQLite's backup API copies a live database together with its WAL, which ``cp`` does not. PostgreSQL has ``pg_dump``.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from publisher.audience import store
from publisher.audience.address import Address
from publisher.audience.model import ConsentEvent, ConsentSource, ConsentState
from publisher.audience.suppressions import Reason, Suppression, all_suppressions, erase, erased_among
from publisher.audience.suppressions import suppress as keep_out
from publisher.audience.tables import consents, subscribers, suppressions
from publisher.audience.tokens import keys_in, keys_of_environment
from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.database.engine import database_url, keep_out_of_git
from publisher.database.failures import explain
from publisher.database.migrate import file_of
from publisher.database.migrations import REVISIONS
from publisher.diagnostics import reason_of, say
from publisher.documents.atomic import write_file
from publisher.errors import DatabaseError, UsageError, refusal

LAST = "last-backup"
"""File in ``.publisher`` that holds the time of the last backup."""

_TABLE = "publisher_backup"

# Rows that were waiting when the backup was made may have been sent since.
_OUTBOXES = [
    f"UPDATE {table} SET state = 'uncertain', reason = 'restored' WHERE state IN ('pending', 'claimed', 'refused')"  # noqa: S608
    for table in ("confirmations", "announcements")
]


@dataclass(frozen=True, slots=True)
class Copied:
    """Contents of a backup: when it was made, the numbers of subscribers, mailings and signing keys; after a restore
    ``waited``, the number of outbox rows (mails and posts) that became uncertain, and ``gone``, of people who had left
    the replaced database since; None if it cannot be read.
    """

    made_at: datetime
    subscribers: int
    mailings: int
    keys: int
    waited: int = 0
    gone: int | None = 0


def back_up(config: Config, file: Path) -> Copied:
    """Write and check a backup ``file`` (mode 600). Raises UsageError (file exists, PostgreSQL), DatabaseError."""
    _refuse_postgresql(
        config, 'pg_dump --format=custom --file=FILE "$PUBLISHER_DATABASE_URL", and keep the signing keys'
    )
    database = open_database(config)
    now = datetime.now(UTC)
    taken = UsageError(say("{file} is there already and was left as it is", file=file), help=say("name another file"))
    try:
        if os.path.lexists(file):
            raise taken
        part = file.with_name(f"{file.name}.{token_hex(4)}.partial")  # a file under the final name is always complete
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        message = say("{file} cannot be written: {reason}", file=file, reason=reason_of(error))
        raise UsageError(message, help=say("name a file that can")) from error
    try:
        with _explained(file), closing(sqlite3.connect(part)) as target:
            with database.raw() as raw:
                raw.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # a single file, complete without a WAL
            target.execute(f"DROP TABLE IF EXISTS {_TABLE}")  # left by an earlier version's killed restore
            target.execute(f"CREATE TABLE {_TABLE} (made_at TEXT NOT NULL, keys TEXT NOT NULL)")
            target.execute(f"INSERT INTO {_TABLE} VALUES (?, ?)", (now.isoformat(), ",".join(signing_keys(config))))  # noqa: S608
            target.commit()
            copied = _examine(target, file)
    except UsageError as error:  # the copy is new, so the damage is in the database
        raise explain(sqlite3.DatabaseError("malformed"), database.engine.url) from error
    else:
        _name(part, file, taken)
    finally:
        for path in (part, part.with_name(f"{part.name}-journal")):  # SQLite leaves the journal if the disk is full
            path.unlink(missing_ok=True)
        database.close()
    with suppress(OSError):  # the backup is complete; a full disk does not undo it
        keep_out_of_git(config.root / ".publisher")
        (config.root / ".publisher" / LAST).write_text(now.isoformat() + "\n", encoding="ascii")
    return copied


def restore(
    config: Config,
    file: Path,
    *,
    force: bool = False,
    guard: Callable[[Database], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> Copied:
    """Replace the database by ``file`` and add its signing keys to the present ones. Rows waiting in the outboxes
    become uncertain, so that they are not sent again; who had left the replaced database stays out. ``guard`` is held
    meanwhile; it raises if a sender is at work. A copy is prepared and written in one transaction: a kill leaves the
    old contents or all of the new.

    Raises UsageError: no backup, damaged, of a newer version, or a database in use without ``force``.
    """
    _refuse_postgresql(config, 'pg_restore --clean --if-exists --dbname="$PUBLISHER_DATABASE_URL" FILE')
    if not file.is_file():
        raise UsageError(say("there is no file {file}", file=file), help=say("name a file that publisher backup wrote"))
    with _explained(file), closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source:
        copied = _examine(source, file)
        (text,) = source.execute(f"SELECT keys FROM {_TABLE}").fetchone()  # noqa: S608
        with closing(open_database(config)) as database:
            if not force and _is_used(database):
                message = say("{url} is not empty, and a restore replaces it: nothing was done", url=database.url)
                raise UsageError(message, help=say("publisher backup it first; then publisher restore --force"))
            url = database.engine.url
            path = Path(file_of(url) or "")
            advice = say("is there room on the disk? run it again")
            with refusal(say("{path} cannot be written", path=path), advice), TemporaryDirectory(dir=path.parent) as at:
                ready = Path(at) / path.name
                with closing(sqlite3.connect(ready)) as copy:
                    source.backup(copy)
                # Opening the database migrates a backup of an older version.
                own = url.set(database=str(ready), query={})
                with guard(database):
                    with closing(open_database(config, own)) as fresh, fresh.begin() as connection:
                        waited = sum(connection.exec_driver_sql(statement).rowcount for statement in _OUTBOXES)
                        connection.exec_driver_sql(f"DROP TABLE {_TABLE}")
                        left = _left(database, connection, copied.made_at)
                        gone = None if left is None else _let_go(connection, left)
                    with closing(sqlite3.connect(ready)) as copy, database.raw() as raw:
                        put_keys(config.root / ".publisher", text.split(","))
                        copy.backup(raw)
    return replace(copied, waited=waited, gone=gone)


_BY_READER = (ConsentSource.FORM, ConsentSource.ONE_CLICK, ConsentSource.LINK, ConsentSource.COMPLAINT)


class _Left(NamedTuple):
    """Who left a database by themselves, bounced, complained or was erased: rows of references with how, when and
    evidence; suppressions; mailboxes.
    """

    unsubscribed: list[tuple[str, str, datetime, dict[str, Any]]]
    suppressed: list[Suppression]
    erased: list[str]


def _left(database: Database, fresh: Connection, since: datetime) -> _Left | None:
    """Return who left the replaced database ``since`` then, of those in the ``fresh`` one; None if it is damaged. What
    an operator did there is undone by the restore.
    """
    s, c, p = subscribers.c, consents.c, suppressions.c
    left = select(s.reference, c.how, c.at, c.evidence).join(consents, c.subscriber_id == s.id)
    left = left.where(s.state == ConsentState.UNSUBSCRIBED, c.change == ConsentEvent.UNSUBSCRIBED, c.at >= since)
    parts = fresh.scalars(select(s.mailbox_key).execution_options(yield_per=10_000)).partitions()
    with suppress(DatabaseError), database.connect() as old:
        return _Left(
            [tuple(row) for row in old.execute(left.where(c.how.in_(_BY_READER)))],
            [*all_suppressions(old, (p.at >= since) & p.reason.in_((Reason.BOUNCE, Reason.COMPLAINT)))],
            [one for part in parts for one in erased_among(old, part, since)],
        )
    return None


def _let_go(fresh: Connection, left: _Left) -> int:
    """Take those who left out of a restored database. Return how many."""
    gone = 0
    for reference, how, at, evidence in left.unsubscribed:
        if person := store.find(fresh, reference):
            gone += store.unsubscribe(fresh, person, ConsentSource(how), {**evidence, "at": at.isoformat()})
    for one in left.suppressed:
        gone += keep_out(fresh, one.mailbox_key, one.reason, one.detail)
    return gone + sum(bool(erase(fresh, Address(mailbox, mailbox, mailbox))) for mailbox in left.erased)


def _name(part: Path, file: Path, taken: UsageError) -> None:
    """Give a complete file its final name. Raises ``taken`` if a file has got that name in the meantime."""
    try:
        file.hardlink_to(part)  # a rename would replace an existing file
    except FileExistsError:
        raise taken from None
    except OSError:  # a file system without hard links
        part.rename(file)


def last_backup(config: Config) -> datetime | None:
    """Return when the last backup was made here; None if there is none."""
    try:
        return datetime.fromisoformat((config.root / ".publisher" / LAST).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def _refuse_postgresql(config: Config, advice: str) -> None:
    if database_url(config).get_backend_name() != "sqlite":
        message = say("the database is PostgreSQL, which has its own tools for this")
        raise UsageError(message, help=say("{advice} (docs/backup.md)", advice=advice))


def _examine(connection: sqlite3.Connection, file: Path) -> Copied:
    """Check that the file is an undamaged backup that this version can read. Raises UsageError."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if _TABLE not in tables or "alembic_version" not in tables:
        advice = say("name a file that publisher backup wrote")
        raise UsageError(say("{file} is no backup of publisher's", file=file), help=advice)
    if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        advice = say("take an older backup")
        raise UsageError(say("{file} is damaged: nothing was restored from it", file=file), help=advice)
    (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision not in REVISIONS:
        advice = say("upgrade publisher; nothing was done")
        raise UsageError(say("{file} was made by a newer version of publisher", file=file), help=advice)
    made_at, keys = connection.execute(f"SELECT made_at, keys FROM {_TABLE}").fetchone()  # noqa: S608
    people, mailings = (
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in ("subscribers", "mailings")
    )
    return Copied(datetime.fromisoformat(made_at), people, mailings, len([key for key in keys.split(",") if key]))


def _is_used(database: Database) -> bool:
    with database.connect() as connection:
        return any(
            connection.exec_driver_sql(f"SELECT 1 FROM {table} LIMIT 1").first()  # noqa: S608
            for table in ("subscribers", "suppressions", "mailings", "publications")
        )


def signing_keys(config: Config) -> list[str]:
    """Return the signing keys of the environment, otherwise of ``.publisher/secret.key``; newest first."""
    path = config.root / ".publisher" / "secret.key"
    return keys_of_environment() or (keys_in(path.read_text(encoding="ascii")) if path.is_file() else [])


def put_keys(folder: Path, keys: list[str]) -> int:
    """Put ``keys`` before those in ``folder/secret.key``; return the number of keys there now.

    The first key signs from now on; all others still verify, because links signed with them have been mailed.
    """
    path = folder / "secret.key"
    mine = keys_in(path.read_text(encoding="ascii")) if path.is_file() else []
    every = list(dict.fromkeys(key for key in [*keys, *mine] if key))
    if not every:
        return 0
    keep_out_of_git(path.parent)
    write_file(path, ",".join(every).encode("ascii") + b"\n", 0o600)
    return len(every)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            advice = say("take another file")
            raise UsageError(say("{file} is no backup of publisher's, or damaged", file=file), help=advice) from error
        advice = say("is there room on the disk? run it again")
        raise DatabaseError(say("the copy failed: {error}", error=error), help=advice) from error
