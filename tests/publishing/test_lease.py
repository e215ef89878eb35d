"""One run at a time: on one machine and on several, through crashes and long sleeps."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import update

from publisher.config import load_config
from publisher.database import Database, open_database
from publisher.publishing import lease as module
from publisher.publishing.lease import Lease, LeaseLostError, take
from publisher.publishing.tables import leases
from tests.acceptance.conftest import CONFIG

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    """The database's clock, which goes on only where somebody sleeps; ``meanwhile`` is what others do then."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.meanwhile: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.meanwhile()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "clock", lambda _connection: made.now)
    monkeypatch.setattr(module, "time", made)
    monkeypatch.setattr(module, "BEAT", 86_400.0)  # signs of life are the test's
    return made


@pytest.fixture
def database(dialect: str, tmp_path: Path) -> Iterator[Database]:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    opened = open_database(load_config(tmp_path))
    yield opened
    opened.close()


def test_a_second_run_is_refused_while_the_first_lives(database: Database, clock: Clock) -> None:
    with take(database) as first:
        clock.meanwhile = first.check
        with pytest.raises(LeaseLostError, match=f"process {os.getpid()}"), take(database):
            pass
    with take(database):  # and free again after it
        pass


def test_a_run_that_died_here_is_succeeded_at_once(database: Database) -> None:
    died = subprocess.Popen([sys.executable, "-c", "pass"])
    died.wait()
    with take(database) as held:
        pass
    with database.begin() as connection:
        left = {"holder": "dead", "pid": died.pid, "host": module._host(), "beat": module.clock(connection)}
        connection.execute(update(leases).values(**left))
    told: list[str] = []
    with take(database, waiting=told.append) as taken:
        assert taken.fence == held.fence + 1
    assert told == []


def test_a_living_run_shows_signs_of_life_by_itself(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    beaten = threading.Event()
    monkeypatch.setattr(module, "BEAT", 0.01)
    monkeypatch.setattr(Lease, "check", lambda _lease: beaten.set())
    with take(database):
        assert beaten.wait(60)


def test_a_run_that_died_elsewhere_is_succeeded_after_its_term(database: Database, clock: Clock) -> None:
    nobody = 2**22 + 1  # above every process id of Linux: here it says nothing of a run elsewhere
    with take(database):
        pass
    with database.begin() as connection:
        left = {"holder": "dead", "pid": nobody, "host": "elsewhere", "beat": module.clock(connection)}
        connection.execute(update(leases).values(**left))
    told: list[str] = []
    began = clock.now
    with take(database, waiting=told.append):
        assert told == [f"process {nobody} on elsewhere"]
    assert module.TERM < clock.now - began <= module.TERM + 2


def write(database: Database, held: Lease) -> None:
    with database.begin() as connection:
        connection.execute(update(leases).values(host="written by the sleeper"))
        held.check_in(connection)


def test_whoever_slept_through_its_term_finds_out_before_it_does_anything(database: Database, clock: Clock) -> None:
    with take(database) as sleeper:
        sleeper.check()
        clock.sleep(module.TERM + 1)
        with take(database) as other:
            with pytest.raises(LeaseLostError):
                sleeper.check()
            with pytest.raises(LeaseLostError):
                write(database, sleeper)
            other.check()
    with take(database) as after:
        assert after.fence == other.fence + 1
    with ExitStack() as later:
        with take(database):
            clock.sleep(module.TERM + 1)
            other = later.enter_context(take(database))
        other.check()  # the end of the sleeper frees no lease but its own


def test_a_sign_of_life_from_the_future_blocks_for_a_term_and_not_for_ever(database: Database, clock: Clock) -> None:
    with take(database):
        pass
    with database.begin() as connection:  # its machine's clock was a day ahead, and it died
        ahead = module.clock(connection) + 86_400
        connection.execute(update(leases).values(holder="dead", pid=1, host="elsewhere", beat=ahead))
    began = clock.now
    with take(database) as taken:
        taken.check()
    assert module.TERM < clock.now - began <= module.TERM + 2


def test_a_holder_that_lives_through_a_clock_set_back_is_not_robbed(database: Database, clock: Clock) -> None:
    with take(database) as held:
        clock.meanwhile = held.check
        with database.begin() as connection:
            connection.execute(update(leases).values(beat=module.clock(connection) + 86_400))
        with pytest.raises(LeaseLostError), take(database):
            pass
        held.check()
