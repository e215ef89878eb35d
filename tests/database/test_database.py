"""The database opens, upgrades itself once, and fails in one line."""

from __future__ import annotations

import gc
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, create_engine, event, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from publisher.audience.address import read_address
from publisher.audience.suppressions import Reason, erase, suppress
from publisher.audience.tables import consents, salts, subscribers
from publisher.audience.tokens import Tokens
from publisher.config.model import Config
from publisher.database import Database, bulk, open_database
from publisher.database.bulk import insert_rows, update_rows
from publisher.database.engine import database_url
from publisher.database.migrate import migrate, whole_metadata
from publisher.database.migrations import REVISIONS, STEPS
from publisher.delivery.lock import write_settled_mark
from publisher.errors import ConflictError, DatabaseError
from publisher.publishing.store import note

FIRST = Path(__file__).parent / "first_version"


def test_results_are_released_before_garbage_is_collected(database: Database) -> None:
    keys, key = [f"reader{n}@example.com" for n in range(12_347)], subscribers.c.mailbox_key
    held = []
    with database.connect() as connection:
        gc.collect()
        gc.disable()
        try:
            for _ in range(6):  # the first is kept with the compiled statement
                connection.scalars(select(key).where(bulk.among(connection, key, keys))).all()
                held.append(sum(type(one) is list and len(one) == len(keys) for one in gc.get_objects()))
        finally:
            gc.enable()
    assert held == [held[0]] * len(held)


def schema(database: Database) -> set[str]:
    """Every table, index, constraint, trigger and column of a database, each as one line."""
    queries = {
        "sqlite": ("SELECT type, name, tbl_name FROM sqlite_master",),
        "postgresql": (
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
            "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint",
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
            "SELECT prosrc FROM pg_proc WHERE proname = 'consents_append_only'",
        ),
    }
    with database.connect() as connection:
        found = {str(row) for query in queries[database.dialect] for row in connection.execute(text(query))}
        tables = inspect(connection)
        for table in tables.get_table_names():
            found |= {f"{table}: {sorted(map(str, column.items()))}" for column in tables.get_columns(table)}
    return {line for line in found if "procrastinate" not in line and "alembic" not in line}


def test_a_database_of_the_first_version_is_brought_to_the_schema_of_a_new_one(database: Database) -> None:
    new = schema(database)
    with database.begin() as connection:
        whole_metadata().drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        if database.dialect == "postgresql":
            connection.execute(text("DROP FUNCTION consents_append_only"))
        script = re.sub(r"--.*", "", (FIRST / f"{database.dialect}.sql").read_text(encoding="utf-8"))
        for statement in re.split(r";\n\n", script):
            if statement.strip():
                connection.exec_driver_sql(statement)
    migrate(database.engine)
    assert schema(database) == new


def test_migrations_form_one_line() -> None:
    assert [int(name[:4]) for name in REVISIONS] == [*range(4, 4 + len(REVISIONS))]
    assert max(map(len, REVISIONS)) <= 32  # the column's width
    assert [*STEPS] == [name for name in REVISIONS if name in STEPS]


def test_processes_that_start_together_migrate_once(config: Config, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from publisher.config.model import Config, Newsletter;"
        "from publisher.database import open_database; from publisher.audience.tokens import Purpose, Tokens;"
        "n = Newsletter(**{'name': 'n', 'url': 'https://x/', 'from': 'a@x.org'});"
        "c = Config(newsletter=n, root=Path(sys.argv[1])); open_database(c);"
        "print(Tokens.open(c).url(Purpose.UNSUBSCRIBE, 'a'))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "fresh")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    outcomes = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0] * 4, outcomes
    assert len({out for out, _ in outcomes}) == 1  # and they signed with one key
    assert (tmp_path / "fresh/.publisher/secret.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "fresh/.publisher/publisher.db").stat().st_mode & 0o777 == 0o600
    assert len(os.listdir(tmp_path / "fresh/.publisher")) <= 5  # no draft of a key is left


@pytest.mark.postgres
def test_processes_that_start_together_migrate_postgresql_once(config: Config, postgres_url: str) -> None:
    script = (
        "import sys; from pathlib import Path; from publisher.config.model import Config, Newsletter;"
        "from publisher.database import open_database;"
        "n = Newsletter(**{'name': 'n', 'url': 'https://x/', 'from': 'a@x.org'});"
        "open_database(Config(newsletter=n, root=Path(sys.argv[1])))"
    )
    environment = {**os.environ, "PUBLISHER_DATABASE_URL": postgres_url}
    command = [sys.executable, "-c", script, str(config.root)]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) for _ in range(3)]
    assert [process.communicate()[1] for process in started] == [""] * 3


def test_a_failed_block_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.begin() as connection:  # noqa: PT012
        connection.execute(insert(salts).values(purpose="a", value="b"))
        raise RuntimeError
    with database.connect() as connection:
        assert connection.execute(select(salts)).all() == []


def test_the_caller_sees_a_broken_constraint(database: Database) -> None:
    rows = [{"purpose": "a", "value": "每"}, {"purpose": "b", "value": '"'}]
    with database.begin() as connection:
        insert_rows(connection, salts, rows)
        assert [tuple(row) for row in connection.execute(select(salts))] == [("a", "每"), ("b", '"')]
    with pytest.raises((ConflictError, IntegrityError)) as caught, database.begin() as connection:
        insert_rows(connection, salts, rows)
    assert '"b"' not in str(caught.value)  # a row may hold an address: parameters are never shown


def test_more_rows_than_a_statement_takes_are_all_inserted(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_MOST_VALUES", 5)
    with database.begin() as connection:
        insert_rows(connection, salts, [{"purpose": str(number), "value": "x"} for number in range(5)])
        assert {*connection.scalars(select(salts.c.purpose))} == {"0", "1", "2", "3", "4"}


def test_many_rows_are_updated_at_once(database: Database) -> None:
    s = salts.c
    statement = update(salts).where(s.purpose == bindparam("key"), s.value != "kept").values(value=bindparam("new"))
    with database.begin() as connection:
        kept = {"purpose": "5", "value": "kept"}
        insert_rows(connection, salts, [*({"purpose": str(number), "value": "x"} for number in range(5)), kept])
        update_rows(connection, statement, [{"key": str(number), "new": f"y{number}"} for number in range(4)])
        update_rows(connection, statement, [{"key": "4"}, {"key": "5"}, {"key": "none"}], {"new": "same"})
        found = {row.purpose: row.value for row in connection.execute(select(salts))}
    assert found == {"0": "y0", "1": "y1", "2": "y2", "3": "y3", "4": "same", "5": "kept"}


AWKWARD = ("", "1", "null", "[1]", '"', "\\", "\\u0041", "\n\x1f\x7f", "每😀\u2028", "'--", "x" * 32)


@pytest.mark.parametrize("value", AWKWARD)
def test_an_update_writes_what_it_was_given(database: Database, value: str) -> None:
    s = salts.c
    statement = update(salts).where(s.purpose == bindparam("key"), s.value != "y").values(value=bindparam("new"))
    with database.begin() as connection:
        insert_rows(connection, salts, [{"purpose": "a", "value": "x"}])
        update_rows(connection, statement, [{"key": "a", "new": value}, {"key": "b", "new": "y"}])
        assert connection.scalars(select(s.value)).all() == [value]


@pytest.mark.parametrize("made", ["recipients", "subscribers"])
def test_an_update_of_many_looks_up_each_row(config: Config, made: str) -> None:
    from publisher.audience import merging
    from publisher.delivery import ledger

    statement, keys = {
        "recipients": (ledger._RECORD, ("b_mailing", "b_number", "b_sender", "b_state", "b_attempts", "b_reason")),
        "subscribers": (merging._UPDATE, ("key", *(f"new_{key}" for key in merging._KEPT))),
    }[made]
    seen: list[tuple[str, Any]] = []
    sqlite = open_database(config)
    event.listen(sqlite.engine, "before_cursor_execute", lambda *given: seen.append(given[2:4]))
    rest = {"b_message_id": None, "b_changed_at": datetime.now(UTC), "new_changed_at": datetime.now(UTC)}
    with sqlite.begin() as connection:
        update_rows(connection, statement, [dict.fromkeys(keys)], rest)
        text, values = next(one for one in seen if "UPDATE" in one[0])
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
    assert plan[-2] == "SCAN given"
    assert plan[-1].startswith(f"SEARCH {made} USING ")


def test_a_broken_constraint_names_no_address_not_even_in_a_traceback(database: Database) -> None:
    from publisher.audience import store
    from publisher.audience.model import ConsentSource

    ann = read_address("ann@example.com")
    with pytest.raises((ConflictError, IntegrityError)) as caught, database.begin() as connection:  # noqa: PT012
        store.add(connection, ann, how=ConsentSource.COMMAND)
        store.add(connection, ann, how=ConsentSource.COMMAND)
    said = "".join(traceback.format_exception(caught.value))
    assert "address_key" in said
    assert "ann@" not in said


@pytest.mark.postgres
@pytest.mark.parametrize(
    "step",
    [
        lambda connection: note(connection, "weekly", held_why="the lead"),
        lambda connection: write_settled_mark(connection, "weekly", "word"),
        lambda connection: erase(connection, read_address("ann@example.com")),
        lambda connection: suppress(connection, "ann@example.com", Reason.MANUAL),
    ],
    ids=["hold", "settle", "erase", "suppress"],
)
def test_of_two_processes_that_write_one_row_at_once_neither_fails(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch, step: Callable[[Connection], object]
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database, done = open_database(config), list[bool]()

    def other() -> None:
        with database.begin() as connection:
            step(connection)
        done.append(True)

    thread = threading.Thread(target=other)
    with database.begin() as ours, database.connect() as observer:
        step(ours)
        thread.start()
        waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not observer.scalar(waits):
            observer.rollback()
    thread.join()
    database.close()
    assert done == [True]


def test_a_database_is_named_without_its_password(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://publisher:s3cret@127.0.0.1/name?password=s3cret&sslpassword=s3cret"
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", url)
    named = Database(create_engine(database_url(config))).url
    assert "s3cret" not in named
    assert named.startswith("postgresql://publisher:")  # as other programs know it
    assert "127.0.0.1/name" in named


def test_the_folder_of_addresses_and_keys_stays_out_of_git_whatever_gitignore_says(config: Config) -> None:
    for opened in (open_database, Tokens.open):
        shutil.rmtree(config.root / ".publisher", ignore_errors=True)
        opened(config)
        subprocess.run(["git", "init", "-q", config.root], check=True)
        status = ["git", "-C", config.root, "status", "--porcelain", "-uall"]
        assert b".publisher" not in subprocess.run(status, capture_output=True, check=True).stdout


def test_history_cannot_be_changed(database: Database) -> None:
    from publisher.audience import store
    from publisher.audience.model import ConsentSource

    with database.begin() as connection:
        store.add(connection, read_address("ann@example.com"), how=ConsentSource.COMMAND)
    with pytest.raises((DatabaseError, IntegrityError)), database.begin() as connection:
        connection.execute(update(consents).values(how="form"))
    with database.begin() as connection:
        connection.execute(subscribers.delete())
        assert connection.execute(select(consents)).all() == []


def failure(config: Config) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        open_database(config)
    assert "\n" not in caught.value.message
    assert caught.value.help
    return caught.value


def test_a_newer_database_is_left_alone(config: Config, database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))
    assert "newer version" in failure(config).message
    with database.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999_future"


def test_a_file_that_is_no_database(config: Config) -> None:
    (config.root / ".publisher").mkdir()
    (config.root / ".publisher/publisher.db").write_bytes(b"not a database at all" * 100)
    assert "is not a SQLite database" in failure(config).message


def test_a_corrupt_database(config: Config) -> None:
    path = config.root / ".publisher/publisher.db"
    open_database(config).close()
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xff" * 3996  # the first page's tree, after the file's header
    path.write_bytes(data)
    assert "corrupt" in failure(config).message


def test_a_path_that_is_a_folder(config: Config) -> None:
    (config.root / ".publisher/publisher.db").mkdir(parents=True)
    assert "cannot be opened" in failure(config).message


def test_a_read_only_database(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config.root / "old.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", f"sqlite:///file:{path}?mode=ro&uri=true")
    assert "is read-only" in failure(config).message


def test_a_database_on_a_disk_that_can_only_be_read_is_read_in_place(config: Config) -> None:
    """As docs/backup.md says."""
    made = open_database(config, "sqlite:///there/a.db")
    made.close()
    url = f"sqlite:///file:{config.root}/there/a.db?immutable=1&uri=true"
    opened = open_database(config, url)
    with opened.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM subscribers")) == 0
    with pytest.raises(DatabaseError, match="read-only"), opened.begin() as connection:
        connection.execute(text("DELETE FROM subscribers"))
    opened.close()
    assert [path.name for path in (config.root / "there").iterdir()] == ["a.db"]


def test_a_full_disk(config: Config) -> None:
    database = open_database(config)
    with pytest.raises(DatabaseError, match="is full") as caught, database.begin() as connection:  # noqa: PT012
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.execute(insert(salts), [{"purpose": str(n), "value": "x" * 9000} for n in range(50)])
    assert caught.value.help == "free some space and run the command again"
    database.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://localhost/x", "SQLite or PostgreSQL, not mysql"),
        ("nonsense", "it is not a URL"),
        ("sqlite://", "it names no file"),
        ("sqlite:///", "it names no file"),
        ("postgresql://user:hunter2@127.0.0.1:1/x", "cannot be reached"),
    ],
)
def test_an_unusable_url(config: Config, monkeypatch: pytest.MonkeyPatch, url: str, message: str) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", url)
    error = failure(config)
    assert message in error.message
    assert "hunter2" not in f"{error} {error.help} {error.__cause__}"


def test_without_psycopg_it_says_what_to_install(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", "postgresql://localhost/x")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "newsletter-publisher[postgres]" in (failure(config).help or "")
