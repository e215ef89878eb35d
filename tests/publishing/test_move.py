"""Moving to another database keeps every row, and all unsubscribe links."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

import publisher.publishing.move as move_module
from publisher.audience.backup import back_up, restore
from publisher.audience.model import ConsentSource
from publisher.audience.store import find, unsubscribe
from publisher.audience.suppressions import Reason, suppress
from publisher.audience.tables import consents, subscribers, suppressions
from publisher.audience.tokens import Purpose, Tokens
from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.database.metadata import metadata
from publisher.delivery import mailings
from publisher.delivery.lock import mailing_lock, mark_path, read_mark
from publisher.delivery.send import Options, send
from publisher.delivery.sender import Interrupt
from publisher.errors import DatabaseError, UsageError
from publisher.publishing import lease
from publisher.publishing.lease import LeaseLostError, take
from publisher.publishing.move import move, no_sender_at_work
from publisher.publishing.store import note
from publisher.publishing.tables import leases
from publisher.web.readers import Readers
from tests.delivery.conftest import *  # noqa: F403
from tests.delivery.world import SLUG, add_people, make_letter

TARGETS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        url: str = request.getfixturevalue("empty_postgres_url")
        return url
    return f"sqlite:///{tmp_path}/elsewhere/.publisher/publisher.db"


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name not in {"leases", "origins", "paces"}
        }


def half_sent(config: Config, database: Database, people: int = 40) -> None:
    """A mailing that was stopped in the middle, somebody who left, and a suppression of a stranger."""
    add_people(database, people)
    with database.begin() as connection:
        suppress(connection, "stranger@weekly.test", Reason.MANUAL)
        reference = connection.execute(select(subscribers.c.reference).limit(1)).scalar_one()
        leaver = find(connection, reference)
        assert leaver
        unsubscribe(connection, leaver, ConsentSource.ONE_CLICK)
    stop = Interrupt()
    send(config, database, make_letter(), Options(interrupt=stop, progress=lambda _step: stop.request()))


def test_every_row_arrives_and_a_mailing_goes_on(config: Config, sqlite: Database, target: str) -> None:
    half_sent(config, sqlite)
    before = everything(sqlite)
    with sqlite.connect() as connection:
        reference = connection.execute(select(subscribers.c.reference).limit(1)).scalar_one()
        assert connection.execute(select(func.count()).select_from(suppressions)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(consents)).scalar_one() > 0
    link = Tokens.open(config).sign(Purpose.UNSUBSCRIBE, reference, "abc")
    sqlite.close()
    moved = move(config, target)
    assert moved.kept
    assert moved.kept.name.endswith(".moved")
    new = open_database(config, target)
    assert everything(new) == before
    elsewhere = config.model_copy(update={"root": config.root / "elsewhere"}) if moved.keys else config
    claim = Tokens.open(elsewhere).read(Purpose.UNSUBSCRIBE, link)
    assert claim
    assert claim.reference == reference
    sent = send(config, new, make_letter())
    assert (sent.account.submitted, sent.account.pending) == (39, 0)
    add_people(new, 3, start=100)  # new rows get new numbers
    with new.connect() as connection:
        newest = mailings.newest(connection, SLUG)
        assert newest
        assert newest.sequence == 1
    new.close()
    assert len(list((config.root / "outbox").rglob("*.eml"))) == 39


@pytest.mark.postgres
def test_the_way_back_to_sqlite(
    config: Config, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    postgresql = open_database(config)
    half_sent(config, postgresql)
    before = everything(postgresql)
    postgresql.close()
    moved = move(config, f"sqlite:///{tmp_path}/back.db")
    assert moved.kept is None
    back = open_database(config, f"sqlite:///{tmp_path}/back.db")
    assert everything(back) == before
    back.close()


def test_nothing_moves_into_a_full_database_or_while_somebody_works(
    config: Config, sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(sqlite, 3)
    full = f"sqlite:///{tmp_path}/full.db"
    other = open_database(config, full)
    add_people(other, 1)
    other.close()
    with pytest.raises(UsageError, match="is not empty"):
        move(config, full)
    with pytest.raises(UsageError, match="already"):
        move(config, sqlite.engine.url.render_as_string())
    monkeypatch.setattr(lease, "BEAT", 0.1)  # whoever waits for a lease waits for a beat
    with take(sqlite), pytest.raises(Exception, match="publish"):
        move(config, f"sqlite:///{tmp_path}/new.db")
    assert move(config, f"sqlite:///{tmp_path}/new.db").rows["subscribers"] == 3


def test_nothing_is_restored_while_somebody_sends_or_publishes(
    config: Config, sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(sqlite, 3)
    back_up(config, kept := tmp_path / "kept")
    send(config, sqlite, make_letter())
    before = everything(sqlite)
    with mailing_lock(sqlite, SLUG), pytest.raises(UsageError, match="being sent"):
        restore(config, kept, force=True, guard=no_sender_at_work)
    monkeypatch.setattr(lease, "BEAT", 0.1)  # whoever waits for a lease waits for a beat
    with take(sqlite), pytest.raises(LeaseLostError, match="publish"):
        restore(config, kept, force=True, guard=no_sender_at_work)
    assert everything(sqlite) == before
    restore(config, kept, force=True, guard=no_sender_at_work)
    with sqlite.connect() as connection:
        assert mailings.newest(connection, SLUG) is None
        holder = connection.execute(select(leases.c.holder)).scalar()
    assert holder is None, "whoever publishes next need not wait"


def test_a_sender_whose_database_is_replaced_says_so(config: Config, sqlite: Database, tmp_path: Path) -> None:
    """By ``pg_restore``, or a copy laid over the file."""
    add_people(sqlite, 40)
    back_up(config, kept := tmp_path / "kept")
    options = Options(started=lambda _started: restore(config, kept, force=True) and None)
    with pytest.raises(DatabaseError, match="was replaced"):
        send(config, sqlite, make_letter(), options)


def test_whoever_has_the_old_file_open_writes_nothing_more_into_it(
    config: Config, sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``serve`` does, whose readers leave meanwhile: the write that waits while the rows are copied as well."""
    add_people(sqlite, 3)
    serving, refused = open_database(config), list[str]()

    def leave() -> None:
        try:
            with serving.begin() as connection:
                connection.execute(delete(subscribers))
        except DatabaseError as error:
            refused.append(error.message)

    waiting, copy = threading.Thread(target=leave), move_module._copy

    def copy_while_somebody_waits(*arguments: Any) -> Any:
        waiting.start()
        time.sleep(0.3)
        return copy(*arguments)

    monkeypatch.setattr(move_module, "_copy", copy_while_somebody_waits)
    kept = move(config, f"sqlite:///{tmp_path}/new.db").kept
    waiting.join()
    leave()
    assert len(refused) == 2
    assert kept
    assert all(f"was moved to another one, and put aside as {kept.name}" in message for message in refused)
    with pytest.raises(DatabaseError, match="was moved to another one"):
        Readers(serving, tuple).alive()
    with pytest.raises(DatabaseError, match="was moved to another one"):
        open_database(config)  # an empty one would forget everybody
    serving.close()
    with closing(sqlite3.connect(kept)) as old:
        assert old.execute("SELECT count(*) FROM subscribers").fetchone() == (3,)
    kept.unlink()
    open_database(config).close()


def test_the_marks_go_along(config: Config, sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere/publisher.db"
    back_up(config, kept := tmp_path / "kept")
    half_sent(config, sqlite)
    sqlite.close()
    before = read_mark(mark_path(sqlite.engine.url, SLUG))
    assert before
    move(config, url)
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", url)
    new = open_database(config)
    assert read_mark(mark_path(new.engine.url, SLUG)) == before
    new.close()
    restore(config, kept, force=True)
    with pytest.raises(UsageError, match="was it restored"):
        send(config, open_database(config), make_letter())


def test_a_database_that_knows_less_than_was_done_is_not_moved(
    config: Config, sqlite: Database, tmp_path: Path, target: str
) -> None:
    """PostgreSQL has no marks, so nothing would report it any more."""
    add_people(sqlite, 3)
    back_up(config, kept := tmp_path / "kept")
    send(config, sqlite, make_letter())
    sqlite.close()
    restore(config, kept, force=True)
    with pytest.raises(UsageError, match=r"Nothing was moved") as refused:
        move(config, target)
    assert f"--mailed {SLUG}" in str(refused.value.help)
    with sqlite.begin() as connection:
        note(connection, SLUG, settled_how="mailed", settled_at=datetime.now(UTC))
    sqlite.close()
    assert move(config, target).rows["subscribers"] == 3
