"""Backup and restore of a SQLite newsletter: one file, a database itself, with the signing keys in a table of its own.

SQLite's backup API copies a live database with what its WAL holds, which ``cp`` does not. PostgreSQL has ``pg_dump``.
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

from publisher.audience.tokens import keys_in, keys_of_environment
from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.database.engine import database_url, keep_out_of_git
from publisher.database.failures import explain
from publisher.database.migrate import file_of, revisions
from publisher.diagnostics import reason_of, say
from publisher.documents.atomic import write_file
from publisher.errors import DatabaseError, UsageError, refusal

LAST = "last-backup"
"""The file of ``.publisher`` that says when the last backup was made."""

_TABLE = "publisher_backup"

# What waited when the backup was made has left since, as far as anybody knows.
_OUTBOXES = [
    f"UPDATE {table} SET state = 'uncertain', reason = 'restored' WHERE state IN ('pending', 'claimed', 'refused')"  # noqa: S608
    for table in ("confirmations", "announcements")
]


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: when the backup was made, subscribers, mailings, how many signing keys; and how many mails and
    posts ``waited`` in the outboxes of a backup that was restored.
    """

    made_at: datetime
    subscribers: int
    mailings: int
    keys: int
    waited: int = 0


def back_up(config: Config, file: Path) -> Copied:
    """Write ``file`` (mode 600), checked. Raises UsageError (it is there, PostgreSQL), DatabaseError."""
    _refuse_postgresql(
        config, 'pg_dump --format=custom --file=FILE "$PUBLISHER_DATABASE_URL", and keep the signing keys'
    )
    database = open_database(config)
    now = datetime.now(UTC)
    part = file.with_name(f"{file.name}.{token_hex(4)}.partial")  # whatever bears the name is whole, also after a kill
    taken = UsageError(say("{file} is there already and was left as it is", file=file), help=say("name another file"))
    try:
        if os.path.lexists(file):
            raise taken
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        message = say("{file} cannot be written: {reason}", file=file, reason=reason_of(error))
        raise UsageError(message, help=say("name a file that can")) from error
    try:
        with _explained(file), closing(sqlite3.connect(part)) as target:
            with database.raw() as raw:
                raw.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, whole without a WAL
            target.execute(f"DROP TABLE IF EXISTS {_TABLE}")  # of an earlier version's restore that was killed
            target.execute(f"CREATE TABLE {_TABLE} (made_at TEXT NOT NULL, keys TEXT NOT NULL)")
            target.execute(f"INSERT INTO {_TABLE} VALUES (?, ?)", (now.isoformat(), ",".join(signing_keys(config))))  # noqa: S608
            target.commit()
            copied = _examine(target, file)
    except UsageError as error:  # the copy is new, so what is wrong with it is the database's
        raise explain(sqlite3.DatabaseError("malformed"), database.engine.url) from error
    else:
        _name(part, file, taken)
    finally:
        for path in (part, part.with_name(f"{part.name}-journal")):  # SQLite leaves it where there is no more room
            path.unlink(missing_ok=True)
        database.close()
    with suppress(OSError):  # the copy is whole: a full disk here takes nothing from it
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
    """Put ``file`` in the place of the database and the keys beside those that are there. What waited in the outboxes
    is uncertain then: it is not mailed again by itself. ``guard`` is held meanwhile, or refuses: somebody is at work.
    It is made ready in a copy and comes in one transaction, so that a kill leaves what was there, or all of it.

    Raises UsageError: no backup, damaged, from a newer version, or a ledger that is not empty without ``force``.
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
                # An older version's backup is brought up to date as it is opened.
                own = url.set(database=str(ready), query={})
                with closing(open_database(config, own)) as fresh, fresh.begin() as connection:
                    waited = sum(connection.exec_driver_sql(statement).rowcount for statement in _OUTBOXES)
                    connection.exec_driver_sql(f"DROP TABLE {_TABLE}")
                with guard(database), closing(sqlite3.connect(ready)) as copy, database.raw() as raw:
                    put_keys(config.root / ".publisher", text.split(","))
                    copy.backup(raw)
    return replace(copied, waited=waited)


def _name(part: Path, file: Path, taken: UsageError) -> None:
    """Give a whole file its name. Raises ``taken`` where another one has got it meanwhile."""
    try:
        file.hardlink_to(part)  # a rename would take the place of it
    except FileExistsError:
        raise taken from None
    except OSError:  # a disk that knows no links
        part.rename(file)


def last_backup(config: Config) -> datetime | None:
    """When the last one was made here; None where none was."""
    try:
        return datetime.fromisoformat((config.root / ".publisher" / LAST).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def _refuse_postgresql(config: Config, advice: str) -> None:
    if database_url(config).get_backend_name() != "sqlite":
        message = say("the database is PostgreSQL, which has its own tools for this")
        raise UsageError(message, help=say("{advice} (docs/backup.md)", advice=advice))


def _examine(connection: sqlite3.Connection, file: Path) -> Copied:
    """Prove that it is whole and ours. Raises UsageError."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if _TABLE not in tables or "alembic_version" not in tables:
        advice = say("name a file that publisher backup wrote")
        raise UsageError(say("{file} is no backup of publisher's", file=file), help=advice)
    if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        advice = say("take an older backup")
        raise UsageError(say("{file} is damaged: nothing was restored from it", file=file), help=advice)
    (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision not in revisions():
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
    """Of the environment, else of ``.publisher/secret.key``; newest first."""
    path = config.root / ".publisher" / "secret.key"
    return keys_of_environment() or (keys_in(path.read_text(encoding="ascii")) if path.is_file() else [])


def put_keys(folder: Path, keys: list[str]) -> int:
    """Write ``keys`` into ``folder``; how many are there now.

    These sign from then on; those that were there still verify: links of both kinds have been mailed.
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
