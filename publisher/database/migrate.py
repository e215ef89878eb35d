"""Bring the schema up to date, once, even if several processes start together.

A new database is created from the tables of all packages. An old one is upgraded by the statements of
:mod:`publisher.database.migrations`, and gets the tables that it lacks. The table that holds the revision is the one
that alembic, which made the first databases, gave it.
"""

import os
import sqlite3
from contextlib import closing, suppress
from importlib import import_module
from itertools import count
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, MetaData, inspect, text

from publisher.database.metadata import metadata
from publisher.database.migrations import REVISIONS, STEPS
from publisher.diagnostics import say
from publisher.errors import DatabaseError

_LOCK = 0x7075626C  # arbitrary: key of the advisory lock that migrating processes take


def whole_metadata() -> MetaData:
    """Import every package's ``tables.py``; return the metadata with all tables."""
    for path in sorted(Path(__file__).parent.parent.glob("*/tables.py")):
        import_module(f"publisher.{path.parent.name}.tables")
    return metadata


def migrate(engine: Engine) -> None:
    """Upgrade the schema to the newest revision in one transaction under a lock, after copying a SQLite file.

    Raises DatabaseError if a newer version made the database; nothing is changed then.
    """
    with engine.connect() as connection:
        if _is_current(connection):
            return
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection, connection.execution_options(publisher_writes=True).begin():
        if not sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not _is_current(connection):
            if sqlite and (version := _version(connection)):
                _keep(file_of(engine.url), version)
            _upgrade(connection)


def file_of(url: URL) -> str | None:
    """Return the path of a SQLite database, also of a ``file:`` URI; None for a server or an in-memory database."""
    if url.get_backend_name() != "sqlite" or not url.database or ":memory:" in url.database:
        return None
    return url.database.removeprefix("file:").partition("?")[0]


def _keep(file: str | None, version: str) -> None:
    """Copy the last committed state of a SQLite database beside it, for a return to the version that made it.

    Raises DatabaseError; nothing is upgraded then.
    """
    if file is None:
        return
    copies = (f"{file}.{version}{'' if n == 1 else f'-{n}'}.backup" for n in count(1))
    kept = next(copy for copy in copies if not os.path.exists(copy))  # noqa: PTH110
    try:
        os.close(os.open(kept, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(kept)) as target:
            source.backup(target)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            os.unlink(kept)  # noqa: PTH108
            os.unlink(f"{kept}-journal")  # noqa: PTH108
        advice = say("make room beside it, and run the command again; nothing was changed")
        message = say("the database cannot be copied before its upgrade: {error}", error=error)
        raise DatabaseError(message, help=advice) from error


def _is_current(connection: Connection) -> bool:
    version = _version(connection)
    if version is not None and version not in REVISIONS:
        message = say("the database was made by a newer version of publisher")
        raise DatabaseError(message, help=say("upgrade publisher; nothing was changed"))
    return version == REVISIONS[-1]


def _version(connection: Connection) -> str | None:
    exists = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
    if connection.dialect.name == "postgresql":
        # Query the catalogue: to_regclass may answer from before the lock was taken.
        exists = "SELECT 1 FROM pg_class WHERE relname = 'alembic_version' AND pg_table_is_visible(oid)"
    if connection.scalar(text(exists)) is None:
        return None
    version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if version is None else str(version)


def _upgrade(connection: Connection) -> None:
    version, newest = _version(connection), {"newest": REVISIONS[-1]}
    if version is None:
        whole_metadata().create_all(connection, checkfirst=False)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), newest)
        return
    present = inspect(connection).get_table_names()
    for revision in REVISIONS[REVISIONS.index(version) + 1 :]:
        table, statements = STEPS.get(revision, ("", ()))
        for statement in statements if table in present else ():
            connection.execute(text(statement))
    whole_metadata().create_all(connection)
    connection.execute(text("UPDATE alembic_version SET version_num = :newest"), newest)
