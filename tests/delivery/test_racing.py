"""One mailing, whoever starts it: two simultaneous starts result in one, on which both agree."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.database.migrations import STEPS
from publisher.delivery import freeze as freeze_module
from publisher.delivery import mailings
from publisher.delivery import send as send_module
from publisher.delivery.ledger import Ledger
from publisher.delivery.mailings import set_operator
from publisher.delivery.send import Options, send
from publisher.delivery.sender import SendProgress
from publisher.delivery.states import Account, Operator
from publisher.delivery.tables import mailings as mailings_table
from publisher.delivery.tables import paces, recipients, senders
from publisher.delivery.worker import Duties, _drain, _waiting
from publisher.errors import ConflictError, DatabaseError, UsageError
from publisher.providers.outcomes import Outcome, Verdict, submitted
from tests.delivery.world import SLUG, add_people, make_config, make_letter

PEOPLE = 40
RACES = int(os.environ.get("RACES", "1"))
CHANGED = make_letter(digest="sha256:" + "cd" * 32)
Start = Callable[[Config, Database], object]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Slow enough that a second start comes while the first is sending."""
    return make_config(tmp_path, max_send_rate=300)


def _send(config: Config, database: Database) -> object:
    return send(config, database, make_letter())


def _correct(config: Config, database: Database) -> object:
    return send(config, database, CHANGED, Options(correction=True))


def _work(config: Config, database: Database) -> object:
    for _ in range(200):
        if waiting := _waiting(database):
            return [_drain(config, database, number, Duties()) for number in waiting]
        time.sleep(0.005)
    return None


def _resume(config: Config, database: Database) -> object:
    with suppress(UsageError):  # it is done already: the other start was quicker
        set_operator(database, SLUG, Operator.GOING)
    return _send(config, database)


@pytest.fixture
def both_decided(monkeypatch: pytest.MonkeyPatch) -> threading.Barrier:
    """Both starts have looked for a mailing, and found none, before either freezes one."""
    barrier = threading.Barrier(2, timeout=10)
    original = send_module.open_transport

    def opened(*arguments: Any, **named: Any) -> Any:
        barrier.wait()
        time.sleep(random.Random().random() * 0.05)
        return original(*arguments, **named)

    monkeypatch.setattr(send_module, "open_transport", opened)
    return barrier


def _race(config: Config, *starts: Start) -> list[BaseException]:
    failures: list[BaseException] = []

    def one(start: Start) -> None:
        database = open_database(config)
        try:
            start(config, database)
        except BaseException as error:
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=one, args=(start,)) for start in starts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def _copies(config: Config) -> Counter[int]:
    """How many messages each subscriber has in the outbox, by how often that many."""
    names = [path.name for path in (config.root / "outbox").rglob("*.eml")]
    return Counter(Counter(name.rpartition("-")[2] for name in names).values())


def _mailings(database: Database) -> int:
    with database.connect() as connection:
        return connection.execute(select(func.count()).select_from(mailings_table)).scalar_one()


@pytest.mark.postgres
@pytest.mark.parametrize("race", range(RACES))
@pytest.mark.parametrize(("first", "second"), [(_send, _send), (_correct, _correct)], ids=["send", "correction"])
def test_two_starts_on_postgresql_make_one_mailing(
    race: int,
    first: Start,
    second: Start,
    config: Config,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database = open_database(config)
    add_people(database, PEOPLE)
    before = 0
    if first is _correct:
        _send(config, database)
        before = 1
    request.getfixturevalue("both_decided")
    assert _race(config, first, second) == []
    assert _mailings(database) == before + 1
    assert _copies(config) == {before + 1: PEOPLE} if before else {1: PEOPLE}
    database.close()


@pytest.mark.postgres
def test_a_freeze_that_the_database_ends_for_another_is_tried_again(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first mailing of a database writes whose it is: another start has, since this one began to look."""
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database, original, calls = open_database(config), freeze_module.adopt_database, []
    add_people(database, 2)

    def overtaken(connection: Connection, now: datetime) -> None:
        calls.append(now)
        if len(calls) == 1:
            with database.begin() as other:
                original(other, now)
        original(connection, now)

    monkeypatch.setattr(freeze_module, "adopt_database", overtaken)
    _send(config, database)
    assert len(calls) == 2
    assert _copies(config) == {1: 2}
    database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("race", range(RACES))
def test_a_worker_joins_the_mailing_that_a_send_froze(
    race: int, config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database = open_database(config)
    add_people(database, PEOPLE)
    assert _race(config, _send, _work) == []
    assert _mailings(database) == 1
    assert _copies(config) == {1: PEOPLE}
    database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("race", range(RACES))
@pytest.mark.parametrize("first", [_send, _work, _resume])
def test_a_resumed_mailing_has_one_message_a_reader_whoever_else_starts(
    race: int, first: Start, config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database = open_database(config)
    add_people(database, PEOPLE)
    with database.begin() as connection:
        send_module.freeze(connection, make_letter())
    set_operator(database, SLUG, Operator.PAUSED)
    assert _race(config, first, _resume) == []
    assert _mailings(database) == 1
    _resume(config, database)
    assert _copies(config) == {1: PEOPLE}
    database.close()


@pytest.mark.parametrize(("first", "second"), [(_send, _send), (_correct, _correct)], ids=["send", "correction"])
def test_on_sqlite_the_second_start_is_refused_or_finds_it_done(
    first: Start, second: Start, config: Config, sqlite: Database
) -> None:
    add_people(sqlite, PEOPLE)
    before = 0
    if first is _correct:
        _send(config, sqlite)
        before = 1
    assert all(isinstance(failure, DatabaseError) for failure in _race(config, first, second))
    assert _mailings(sqlite) == before + 1
    assert set(_copies(config)) <= {1, before + 1}


def test_the_database_itself_refuses_a_second_unfinished_mailing(config: Config, database: Database) -> None:
    add_people(database, 2)
    with database.begin() as connection:
        mailing = send_module.freeze(connection, make_letter())
        row = connection.execute(select(mailings_table).where(mailings_table.c.id == mailing.id)).mappings().one()
    twin = {key: value for key, value in row.items() if key != "id"} | {"reference": "other", "sequence": 2}
    with pytest.raises((ConflictError, IntegrityError)), database.begin() as connection:
        connection.execute(insert(mailings_table).values(twin))


def test_a_mailing_that_was_cancelled_or_reached_nobody_makes_room_for_another(
    config: Config, database: Database
) -> None:
    _send(config, database)  # before anybody had subscribed
    add_people(database, 2)
    with database.begin() as connection:
        first = send_module.freeze(connection, make_letter())
        mailings.write_operator(connection, first.id, Operator.CANCELLED)
        send_module.freeze(connection, make_letter())
    with database.connect() as connection:
        pending = select(func.count()).select_from(recipients).where(recipients.c.state == "pending")
        assert connection.execute(pending).scalar_one() == 4
        newest = mailings.newest(connection, SLUG)
    assert newest is not None
    assert newest.sequence == 3


def test_a_mailing_that_was_frozen_twice_is_migrated_and_mails_nobody_twice(database: Database) -> None:
    add_people(database, 3)
    with database.begin() as connection:
        mailing = send_module.freeze(connection, make_letter())
        row = connection.execute(select(mailings_table).where(mailings_table.c.id == mailing.id)).mappings().one()
        connection.exec_driver_sql("DROP INDEX uq_mailings_unfinished")
        twin = {key: value for key, value in row.items() if key != "id"} | {"reference": "other", "sequence": 2}
        second = connection.execute(insert(mailings_table).values(twin).returning(mailings_table.c.id)).scalar_one()
        rows = connection.execute(select(recipients)).mappings().all()
        connection.execute(insert(recipients), [dict(row) | {"mailing_id": second} for row in rows])
        connection.exec_driver_sql("UPDATE recipients SET state = 'submitted' WHERE mailing_id = 1 AND number = 1")
        connection.exec_driver_sql("UPDATE recipients SET state = 'uncertain' WHERE mailing_id = 1 AND number = 2")
    with database.begin() as connection:
        for statement in STEPS["0005_one_mailing"][1]:
            connection.execute(text(statement))
    with database.connect() as connection:
        states = connection.execute(select(mailings_table.c.operator).order_by(mailings_table.c.id)).scalars().all()
        left = mailings.account(connection, second)
    assert states == ["cancelled", "paused"]
    assert (left.pending, left.excluded_by_reason) == (1, {"reached": 2})  # a resume mails nobody twice


def _frozen(database: Database, people: int) -> Ledger:
    """The ledger of a mailing to so many, with nobody claimed."""
    add_people(database, people)
    with database.begin() as connection:
        ledger = Ledger(database, freeze_module.freeze(connection, make_letter()))
    ledger.open()
    return ledger


@pytest.mark.postgres
def test_results_that_meet_events_of_the_same_recipients_are_recorded(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes in events holds one recipient and wants the other, the sender the other way round."""
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database = open_database(config)
    ledger = _frozen(database, 2)
    claims = ledger.record_and_claim([], 2, 1).claims
    row = text("SELECT 1 FROM recipients WHERE mailing_id = :mailing AND number = :number FOR UPDATE")
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with database.begin() as ours, database.connect() as observer:
        # The longer patience is ours: it is the sender whom PostgreSQL breaks.
        ours.execute(text("SET LOCAL deadlock_timeout = '60s'"))
        ours.execute(row, {"mailing": ledger.mailing.id, "number": claims[1].number})
        results = [(claim, submitted(f"m-{claim.number}")) for claim in claims]
        thread = threading.Thread(target=ledger.record_and_claim, args=(results,))
        thread.start()
        while not observer.execute(text(waits)).scalar_one():
            observer.rollback()
        ours.execute(row, {"mailing": ledger.mailing.id, "number": claims[0].number})
    thread.join()
    with database.connect() as connection:
        assert mailings.account(connection, ledger.mailing.id).submitted == 2
    database.close()


@pytest.mark.postgres
def test_a_spread_is_of_its_mailing_alone_and_of_every_worker_that_shares_it(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database = open_database(config)
    add_people(database, 24)
    worker = threading.Thread(target=_race, args=(config, _work))

    def join(step: SendProgress) -> None:
        if step.submitted and not worker.ident:
            worker.start()

    began = time.monotonic()
    sent = send(config, database, make_letter(), Options(spread=timedelta(seconds=2), progress=join))
    worker.join()
    assert time.monotonic() - began > 1.5
    assert _copies(config) == {1: 24}
    with database.connect() as connection:
        held = {row.name: row.ceiling for row in connection.execute(select(paces))}
    assert held == {f"folder:{config.root}/outbox": 300, f"mailing {sent.mailing.reference}": 12}
    database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("ends", ["answers", "dies"])
def test_a_cancelled_mailing_ends_before_the_next_begins_so_that_nobody_is_left_out(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database = open_database(config)
    ledger = _frozen(database, 3)
    claims = ledger.record_and_claim([], 2, 1).claims
    set_operator(database, SLUG, Operator.CANCELLED)
    with pytest.raises(UsageError, match="last messages"):
        send(config, database, CHANGED)
    if ends == "answers":
        ledger.record_and_claim([(claims[0], submitted("m")), (claims[1], Outcome(Verdict.THROTTLED, "fast"))])
        ledger.close()
    else:
        with database.begin() as connection:
            connection.execute(update(senders).values(beat=senders.c.beat - 100))
    sent = send(config, database, CHANGED).account
    assert (sent.submitted, sent.excluded_by_reason) == (
        (2, {"reached": 1}) if ends == "answers" else (1, {"reached": 2})
    )
    database.close()


@pytest.mark.postgres
def test_whoever_is_being_claimed_as_an_operator_cancels_is_claimed_before(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the next mailing's freeze, which comes after the word, knows of them."""
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database, said = open_database(config), list[Account]()
    ledger = _frozen(database, 3)
    word = threading.Thread(target=lambda: said.append(set_operator(database, SLUG, Operator.CANCELLED)))

    def cancel(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "operator" in statement and not word.ident:
            word.start()
            word.join(0.5)

    event.listen(database.engine, "after_cursor_execute", cancel)
    assert len(ledger.record_and_claim([], 2, 1).claims) == 2
    word.join()
    with database.connect() as connection:
        assert mailings.account(connection, ledger.mailing.id).claimed == 2
    assert said[0].claimed == 2
    database.close()
