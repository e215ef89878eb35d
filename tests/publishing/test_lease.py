"""One run at a time: on one machine and on several, through crashes and long sleeps."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
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


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.delenv("PUBLISHER_DATABASE_URL", raising=False)
    if request.param == "postgresql":
        monkeypatch.setenv("PUBLISHER_DATABASE_URL", request.getfixturevalue("postgres_url"))
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    opened = open_database(load_config(tmp_path))
    yield opened
    opened.close()


def test_a_second_run_is_refused_while_the_first_lives(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT", 0.2)
    with take(database), pytest.raises(LeaseLostError, match=f"process {os.getpid()}"), take(database):
        pass
    with take(database):  # and free again after it
        pass


def test_a_run_that_died_here_is_succeeded_at_once(database: Database) -> None:
    died = subprocess.Popen([sys.executable, "-c", "pass"])
    died.wait()
    with take(database) as held:
        pass
    with database.begin() as connection:
        left = {"holder": "dead", "pid": died.pid, "host": module._host(), "beat": module._now(connection)}
        connection.execute(update(leases).values(**left))
    told: list[str] = []
    with take(database, waiting=told.append) as taken:
        assert taken.fence == held.fence + 1
    assert told == []


def test_a_run_that_died_elsewhere_is_succeeded_after_its_term(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TERM", 1.0)
    with take(database):
        pass
    with database.begin() as connection:
        left = {"holder": "dead", "pid": 1, "host": "elsewhere", "beat": module._now(connection)}
        connection.execute(update(leases).values(**left))
    told: list[str] = []
    with take(database, waiting=told.append):
        assert told == ["process 1 on elsewhere"]


def write(database: Database, held: Lease) -> None:
    with database.begin() as connection:
        connection.execute(update(leases).values(host="written by the sleeper"))
        held.check_in(connection)


def test_whoever_slept_through_its_term_finds_out_before_it_does_anything(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", 60.0)
    monkeypatch.setattr(module, "TERM", 0.3)
    with take(database) as sleeper:
        sleeper.check()
        time.sleep(0.5)
        with take(database) as other:
            with pytest.raises(LeaseLostError):
                sleeper.check()
            with pytest.raises(LeaseLostError):
                write(database, sleeper)
            other.check()
    with take(database) as after:
        assert after.fence == other.fence + 1


def test_a_sign_of_life_from_the_future_blocks_for_a_term_and_not_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TERM", 1.0)
    with take(database):
        pass
    with database.begin() as connection:  # its machine's clock was a day ahead, and it died
        ahead = module._now(connection) + 86_400
        connection.execute(update(leases).values(holder="dead", pid=1, host="elsewhere", beat=ahead))
    began = time.monotonic()
    with take(database) as taken:
        taken.check()
    assert 0.5 < time.monotonic() - began < 10


def test_a_holder_that_lives_through_a_clock_set_back_is_not_robbed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", 0.2)
    with take(database) as held:
        with database.begin() as connection:
            connection.execute(update(leases).values(beat=module._now(connection) + 86_400))
        with pytest.raises(LeaseLostError), take(database):
            pass
        held.check()
