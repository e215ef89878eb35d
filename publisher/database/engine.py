"""Open the one database: SQLite beside the newsletter by default, PostgreSQL when several machines share it.

``PUBLISHER_DATABASE_URL`` wins over ``database`` of config.yaml. The schema is brought up to date on opening, so no
command ever meets an old one. A failure of the database leaves here as a :class:`~publisher.errors.DatabaseError`.
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
"""The end of the name of a SQLite file that ``publisher move`` put aside."""

_WRITES = "publisher_writes"


class Database:
    """An opened, migrated database. Transactions begin here; statements stand in the stores."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**{_WRITES: True})
        self._file = self._identity()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @property
    def url(self) -> str:
        """Where it is, without the password, which may stand in the query too."""
        return self._engine.url.set(query={}).render_as_string(hide_password=True)

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for what needs one (reflection, a COPY)."""
        return self._engine

    @contextmanager
    def begin(self, *, lost: bool = False) -> Iterator[Connection]:
        """A transaction that writes: committed at the end of the block, rolled back when it raises.

        SQLite takes its write lock at once (``BEGIN IMMEDIATE``), so that two writers queue here, where waiting is
        safe, and never fail in the middle. Raises DatabaseError, of which ConflictError is for the caller.
        ``lost``: also where the file was taken away, for what has happened; it may be put back.
        """
        with _explained(self._engine.url), self._writer.begin() as connection:
            if not lost:
                self.refuse_replaced()  # now that nobody else can put it aside
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection for reading, nothing committed: of SQLite one snapshot, of PostgreSQL one a statement."""
        with _explained(self._engine.url), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def raw(self) -> Iterator[sqlite3.Connection]:
        """The driver's own connection, of SQLite: what is said there is in no transaction of ours."""
        with self._engine.connect() as connection:
            found = connection.connection.driver_connection
            assert isinstance(found, sqlite3.Connection)
            yield found

    def refuse_replaced(self) -> None:
        """Raises DatabaseError where the file that is open no longer bears its name: what SQLite writes is lost."""
        if self._identity() != self._file:
            _refuse_moved(self._engine.url)
            path = self._engine.url.database
            message = say("the database {path} was moved, deleted or replaced while this was at work", path=path)
            advice = say(
                "put that file back, or restore the newest backup; then publisher events apply says who was mailed"
            )
            raise DatabaseError(message, help=advice)

    def _identity(self) -> tuple[int, int] | None:
        name = self._engine.url.database
        if self.dialect != "sqlite" or not name or not Path(name).is_absolute():
            return None
        with suppress(OSError):
            found = os.stat(name)  # noqa: PTH116 - in each transaction
            return found.st_dev, found.st_ino
        return None

    def close(self) -> None:
        """Close the pool; a later use opens it again."""
        self._engine.dispose()


def open_database(config: Config, text: str | URL | None = None) -> Database:
    """Open, create or upgrade the database at the URL ``text``, else that ``config`` and the environment name.

    Raises DatabaseError: unreachable, read-only, full, corrupt, from a newer version, no driver.
    """
    url = database_url(config, text)
    with _explained(url):
        engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
        migrate(engine)
    return Database(engine)


def database_url(config: Config, text: str | URL | None = None) -> URL:
    """The URL to open: ``text``, else of the environment, else of the config.

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
            os.close(os.open(url.database, os.O_CREAT | os.O_RDONLY, 0o600))  # addresses are nobody else's to read
    engine = create_engine(url, **_COMMON, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def is_there(url: URL) -> bool:
    """Whether opening it would make no new one: a server, or a file that is there, or was until it was moved."""
    file = file_of(url) or ""
    return url.get_backend_name() != "sqlite" or Path(file).is_file() or Path(file + MOVED).is_file()


def _refuse_moved(url: URL) -> None:
    """Raises DatabaseError where the newsletter went to another database: an empty one in its place would forget all
    readers, and take in what they say from now on.
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
    """Seconds since 1970 by the database's clock, the one clock that all machines share."""
    now = "extract(epoch FROM clock_timestamp())"
    if connection.dialect.name == "sqlite":
        now = "(julianday('now') - 2440587.5) * 86400.0"
    return float(connection.execute(text(f"SELECT {now}")).scalar_one())


def keep_out_of_git(folder: Path) -> None:
    """Make the folder; ``.publisher`` says by itself that nothing in it is for git, whatever the newsletter's own
    .gitignore says. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if folder.name == ".publisher" and not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text("*\n", encoding="ascii")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own idea of transactions (commit before DDL, BEGIN only before DML) is switched off: we say BEGIN.
    connection.isolation_level = None
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-65536")  # kB, at most: a million rows' indexes fit


def _use_wal(connection: sqlite3.Connection) -> None:
    # The busy handler does not serve a change of journal mode: two processes that make the file at once retry here.
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
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # what failed is raised; that a pipeline ended so is no news
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
        # PostgreSQL's own words quote the row, hence the address, and would stand in a traceback.
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
        # The driver cannot even say so where a name in the schema is damaged.
        if not error.object.startswith(b"malformed database"):
            raise
        raise explain(sqlite3.DatabaseError("malformed"), url) from error
    except PoolTimeout as error:
        message = say("no connection to the database became free")
        raise DatabaseError(message, help=say("serve fewer requests at once, or raise the pool")) from error


def to_json(value: Any) -> str:
    """How JSON columns are written: as short as it goes, other scripts legible."""
    return pydantic_core.to_json(value).decode()  # three times as fast as json, which an import feels


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise UnreadableError(say("a list of a subscriber")) from None


_COMMON: dict[str, Any] = {"hide_parameters": True, "json_serializer": to_json, "json_deserializer": _from_json}
