"""Open the database: SQLite beside the newsletter by default, PostgreSQL if several machines share it.

``PUBLISHER_DATABASE_URL`` overrides ``database`` of config.yaml. Opening migrates the schema, so commands only see the
newest one. Failures of the database are raised as :class:`~publisher.errors.DatabaseError`.
"""

import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pydantic_core
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from publisher.config.model import Config
from publisher.database.failures import UnreadableError, explain, unusable_url
from publisher.database.migrate import file_of, migrate
from publisher.diagnostics import say
from publisher.errors import ConflictError, DatabaseError, refusal

BUSY_SECONDS = 15
"""How long a statement waits for another process's SQLite transaction."""

MOVED = ".moved"
"""Suffix of a SQLite file that ``publisher move`` has renamed."""

_WRITES = "publisher_writes"


class Database:
    """Opened and migrated database. Transactions begin here; the statements are in the stores."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(**{_WRITES: True})
        self._file = self._identity()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @property
    def url(self) -> str:
        """The URL without the password, which may also be in the query."""
        return self.engine.url.set(drivername=self.dialect, query={}).render_as_string(hide_password=True)

    @contextmanager
    def begin(self, *, lost: bool = False) -> Iterator[Connection]:
        """Open a transaction that writes: committed at the end of the block, rolled back if it raises.

        On SQLite it takes the write lock at once (``BEGIN IMMEDIATE``), so that writers queue here, where waiting is
        safe, and never fail midway. Raises DatabaseError; callers may retry on its subclass ConflictError. ``lost``:
        write even if the file was moved away, to record what has happened; it may be put back.
        """
        with _explained(self.engine.url), self._writer.begin() as connection:
            if not lost:
                self.refuse_replaced()  # under the lock: it cannot be moved after this
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a connection for reading; nothing is committed. SQLite: one snapshot; PostgreSQL: one per statement."""
        with _explained(self.engine.url), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def raw(self) -> Iterator[sqlite3.Connection]:
        """Open the driver's connection to SQLite; statements on it are outside SQLAlchemy's transactions."""
        with self.engine.connect() as connection:
            found = connection.connection.driver_connection
            assert isinstance(found, sqlite3.Connection)
            yield found

    def refuse_replaced(self) -> None:
        """Raise DatabaseError if the open SQLite file is no longer at its path: writes to it would be lost."""
        if self._identity() != self._file:
            _refuse_moved(self.engine.url)
            path = self.engine.url.database
            message = say("the database {path} was moved, deleted or replaced while this was at work", path=path)
            advice = say(
                "put that file back, or restore the newest backup; then publisher events apply says who was mailed"
            )
            raise DatabaseError(message, help=advice)

    def _identity(self) -> tuple[int, int] | None:
        name = self.engine.url.database
        if self.dialect != "sqlite" or not name or not Path(name).is_absolute():
            return None
        with suppress(OSError):
            found = os.stat(name)  # noqa: PTH116 - faster; runs in every transaction
            return found.st_dev, found.st_ino
        return None

    def close(self) -> None:
        """Close the pool; using the database again reopens it."""
        self.engine.dispose()


def open_database(config: Config, text: str | URL | None = None) -> Database:
    """Open, create or upgrade the database at ``text``, otherwise at :func:`database_url` of ``config``.

    Raises DatabaseError: unreachable, read-only, full, corrupt, from a newer version, no driver.
    """
    url = database_url(config, text)
    with _explained(url):
        engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
        migrate(engine)
    return Database(engine)


def database_url(config: Config, text: str | URL | None = None) -> URL:
    """Return the URL to open: ``text``, otherwise that of the environment, otherwise of the config.

    A relative SQLite path is relative to the root.
    """
    text = text or os.environ.get("PUBLISHER_DATABASE_URL") or config.database
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise unusable_url(say("it is not a URL")) from None
    if url.drivername in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "postgresql+psycopg":
        return url
    if url.drivername not in {"sqlite", "sqlite+pysqlite"}:
        other = url.drivername
        raise unusable_url(say("publisher keeps its data in SQLite or PostgreSQL, not {other}", other=other))
    if not url.database:
        raise unusable_url(say("it names no file, so nothing would be kept"))
    if url.database != ":memory:" and not url.database.startswith("file:"):
        url = url.set(database=str((config.root / url.database).absolute()))
    return url


def _sqlite(url: URL) -> Engine:
    if url.database and Path(url.database).is_absolute():
        _refuse_moved(url)
        advice = say("point database in config.yaml, or PUBLISHER_DATABASE_URL, at a folder that can be written")
        with refusal(say("the database {at} cannot be opened", at=url.database), advice, DatabaseError):
            keep_out_of_git(Path(url.database).parent)
            os.close(os.open(url.database, os.O_CREAT | os.O_RDONLY, 0o600))  # holds addresses
    engine = create_engine(url, **_COMMON, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def is_there(url: URL) -> bool:
    """Whether the database exists already, also as a file that was moved; a server always counts as existing."""
    file = file_of(url) or ""
    return url.get_backend_name() != "sqlite" or Path(file).is_file() or Path(file + MOVED).is_file()


def _refuse_moved(url: URL) -> None:
    """Raise DatabaseError if the newsletter was moved to another database: an empty file in its place would know no
    subscriber, and would take in new ones.
    """
    name = url.database or ""
    if Path(name + MOVED).is_file() and not Path(name).exists():
        kept = Path(name + MOVED).name
        message = say("the database {path} was moved to another one, and put aside as {kept}", path=name, kept=kept)
        advice = say(
            "name the new one, here and wherever publisher runs; for an empty one in its place, delete that file"
        )
        raise DatabaseError(message, help=advice)


def clock(connection: Connection) -> float:
    """Return the seconds since 1970 by the database's clock, the only one that all machines share."""
    now = "extract(epoch FROM clock_timestamp())"
    if connection.dialect.name == "sqlite":
        now = "(julianday('now') - 2440587.5) * 86400.0"
    return float(connection.execute(text(f"SELECT {now}")).scalar_one())


def keep_out_of_git(folder: Path) -> None:
    """Create the folder. ``.publisher`` gets its own .gitignore, whatever the newsletter's says. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.name == ".publisher" and not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text("*\n", encoding="ascii")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Switch off the driver's own transactions (COMMIT before DDL, BEGIN before DML only); _begin_sqlite begins them.
    connection.isolation_level = None
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-65536")  # limit in KiB; holds the indexes of a million rows


def _use_wal(connection: sqlite3.Connection) -> None:
    # The busy timeout does not cover a change of journal mode: processes that create the file together retry here.
    if connection.execute("PRAGMA journal_mode").fetchone()[0] in {"wal", "memory"}:
        return
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # errors are raised; no need to log them
    try:
        options = {"connect_timeout": 10, "application_name": "publisher"}
        return create_engine(url, **_COMMON, pool_pre_ping=True, connect_args=options)
    except (NoSuchModuleError, ImportError) as error:
        advice = "pip install 'newsletter-publisher[postgres]'"
        raise DatabaseError(say("PostgreSQL needs psycopg"), help=advice) from error


@contextmanager
def _explained(url: URL) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state is None or error.orig is None:
            raise
        # PostgreSQL's message quotes the row, and so the address, which would appear in a traceback.
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        safe = type(error.orig)(f"SQLSTATE {state}: {constraint}")
        broken = IntegrityError(error.statement, None, safe, hide_parameters=True)
        if isinstance(told := explain(error.orig, url), ConflictError):
            raise told from broken
        raise broken from None
    except DBAPIError as error:
        raise explain(error.orig or error, url) from error
    except (sqlite3.Error, UnreadableError) as error:
        raise explain(error, url) from error
    except UnicodeDecodeError as error:
        # If a name in the schema is damaged, the driver fails to decode its own error message.
        if not error.object.startswith(b"malformed database"):
            raise
        raise explain(sqlite3.DatabaseError("malformed"), url) from error
    except PoolTimeout as error:
        message = say("no connection to the database became free")
        raise DatabaseError(message, help=say("serve fewer requests at once, or raise the pool")) from error


def to_json(value: Any) -> str:
    """Return compact JSON for a JSON column, without escaping non-ASCII characters."""
    return pydantic_core.to_json(value).decode()  # three times as fast as json; matters for imports


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise UnreadableError(say("a list of a subscriber")) from None


_COMMON: dict[str, Any] = {"hide_parameters": True, "json_serializer": to_json, "json_deserializer": _from_json}
