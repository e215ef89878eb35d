"""Workers on one PostgreSQL, as processes: they share a mailing, one is killed, and everybody gets one message."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout
from sqlalchemy import text

from publisher.config import Config
from publisher.database import Database, open_database
from publisher.delivery import mailings, worker
from publisher.delivery.freeze import freeze
from publisher.delivery.worker import Duties, work
from publisher.errors import UsageError
from tests.delivery.world import SLUG, add_people, make_config, make_letter
from tests.stubs.ses import SesServer
from tools.chaos.judge import apply_events, judge, release

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
newsletter:
  name: AI 周报
  url: https://news.weekly.test/
  from: AI 周报 <weekly@news.weekly.test>
  postal_address: 上海市南京东路 1 号, 200001
service: {url: "https://letters.weekly.test/"}
delivery: {transport: ses, ses: {region: eu-west-1}}
"""


def test_a_worker_needs_postgresql(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    database = open_database(config)
    with pytest.raises(UsageError, match="PostgreSQL") as refusal:
        work(config, database, Duties())
    assert "docs/scaling.md" in str(refusal.value.help)
    database.close()


def start(root: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "publisher", "--root", str(root), "worker"]
    return subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for(happens: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def work_here(config: Config, database: Database, duties: Duties) -> None:
    """Work in this process for half a minute at most, even where a browser of another test keeps a loop."""
    loop = asyncio._get_running_loop()
    stop = threading.Timer(30, duties.interrupt.request)
    stop.start()
    asyncio._set_running_loop(None)
    try:
        work(config, database, duties)
    finally:
        asyncio._set_running_loop(loop)
        stop.cancel()


@pytest.mark.postgres
def test_a_worker_looks_each_minute_again_for_work_for_dead_workers_and_for_events(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    monkeypatch.setattr("publisher.delivery.worker.EVERY_MINUTE", "* * * * * */1")
    recovered, calls, said = worker._recover, list[str](), list[str]()
    config = make_config(tmp_path)
    database = open_database(config)
    add_people(database, 3)

    def freeze_later() -> None:
        calls.append("freeze")
        if calls.count("freeze") == 2:  # not when it starts
            with database.begin() as connection:
                freeze(connection, make_letter())

    def tell(line: str) -> None:
        said.append(line)
        if {*calls} == {"freeze", "reap", "events"} and any(SLUG in one for one in said):
            duties.interrupt.request()

    def reap(of: Database) -> None:
        calls.append("reap")
        recovered(of)
        tell("")

    monkeypatch.setattr("publisher.delivery.worker._recover", reap)
    duties = Duties(reconcile=lambda: calls.append("events"), freeze=freeze_later, tell=tell)
    work_here(config, database, duties)
    assert {*calls} == {"freeze", "reap", "events"}
    assert len([*(tmp_path / "outbox" / SLUG).glob("*.eml")]) == 3
    with database.connect() as connection:  # what has ended is gone
        left = set(connection.scalars(text("SELECT status FROM procrastinate_jobs")))
    assert not left & {"succeeded", "failed"}, left
    database.close()


@pytest.mark.postgres
def test_what_a_dead_worker_was_at_is_carried_on_by_another(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    monkeypatch.setattr("publisher.delivery.worker.EVERY_MINUTE", "* * * * * */1")
    config, said = make_config(tmp_path), list[str]()
    database = open_database(config)
    add_people(database, 3)

    def tell(line: str) -> None:
        said.append(line)
        if SLUG in line:
            duties.interrupt.request()

    duties = Duties(slots=1, tell=tell)
    app = worker._app(config, database, duties)
    worker._make_tables(app, database)
    with database.begin() as connection:
        mailing = freeze(connection, make_letter())
        dead = connection.exec_driver_sql(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        ).scalar_one()
        connection.exec_driver_sql(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, lock, queueing_lock, args, status, worker_id)"
            " VALUES ('drain', 'drain', %s, %s, %s::jsonb, 'doing', %s)",
            (f"drain-{mailing.id}-0", f"drain-{mailing.id}-0", f'{{"mailing_id": {mailing.id}, "slot": 0}}', dead),
        )
    work_here(config, database, duties)
    assert len([*(tmp_path / "outbox" / SLUG).glob("*.eml")]) == 3
    database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("fault", [None, ConnectorException()], ids=["ends", "raises"])
def test_a_worker_outlives_a_restart_of_the_database(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    monkeypatch.setattr("publisher.delivery.worker.AGAIN_SECONDS", 1)
    config, said, real = make_config(tmp_path), list[str](), App.run_worker_async
    database = open_database(config)
    add_people(database, 3)

    async def lose_the_database_at_first(app: App, **options: Any) -> None:
        """Procrastinate stops in either way once its listener cannot connect; then its pool gets no connection."""
        if said == ["ready"]:
            await asyncio.to_thread(freeze_now)
            if fault:
                raise fault
        else:
            await real(app, **options)

    def freeze_now() -> None:
        with database.begin() as connection:
            freeze(connection, make_letter())

    def open_again(app: App) -> Any:
        opened.append(app)
        if len(opened) == 2:
            raise PoolTimeout
        return really(app)

    def tell(line: str) -> None:
        said.append(line)
        if SLUG in line:
            duties.interrupt.request()

    opened, really = list[App](), App.open_async
    monkeypatch.setattr(App, "open_async", open_again)
    monkeypatch.setattr(App, "run_worker_async", lose_the_database_at_first)
    duties = Duties(slots=1, tell=tell)
    work_here(config, database, duties)
    again = "the database cannot be reached; trying again in 1 seconds"
    assert said[:4] == ["ready", again, again, "ready"]
    assert len([*(tmp_path / "outbox" / SLUG).glob("*.eml")]) == 3
    database.close()


@pytest.mark.postgres
def test_a_worker_that_is_told_twice_to_stop_says_what_became_of_it(
    tmp_path: Path, postgres_url: str, ses: Callable[..., SesServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ses(latency=3)
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    database = open_database(make_config(tmp_path, "ses"))
    add_people(database, 900)
    with database.begin() as connection:
        mailing = freeze(connection, make_letter())
    worker = start(tmp_path)
    wait_for(lambda: server.account.arrived > 0)  # and is not answered for three seconds
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    worker.send_signal(signal.SIGTERM)
    _, err = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert "Traceback" not in err
    assert f"worker: {SLUG}: interrupted" in err
    with database.connect() as connection:
        account = mailings.account(connection, mailing.id)
    assert account.claimed == 0
    assert account.uncertain > 0
    database.close()


@pytest.mark.postgres
@pytest.mark.chaos
def test_workers_share_a_mailing_and_one_may_die(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    postgres_url: str,
    ses: Callable[..., SesServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = ses(rate=300, latency=0.05)
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    database = open_database(make_config(tmp_path, "ses"))
    add_people(database, 1500)
    with database.begin() as connection:
        mailing = freeze(connection, make_letter())
    workers = [start(tmp_path), start(tmp_path)]
    request.addfinalizer(lambda: [worker.kill() for worker in workers])
    wait_for(lambda: len(server.account.accepted) > 300)
    workers[0].kill()
    workers[0].wait()
    wait_for(lambda: len(server.account.accepted) > 700)
    server.account.change({"rate": 0})

    def drained() -> bool:
        with database.connect() as connection:
            account = mailings.account(connection, mailing.id)
        return account.pending == 0

    wait_for(drained)
    time.sleep(0.5)
    workers[1].send_signal(signal.SIGTERM)
    assert workers[1].wait(20) == 0
    # what the dead one held: its lease is over for the purpose of this test
    from publisher.delivery.ledger import Ledger

    last = Ledger(database, mailing)
    last.open()
    last.recover(alone=True)
    apply_events(database, server.url)
    release(database)
    from publisher.delivery.send import send

    assert send(make_config(tmp_path, "ses"), database, make_letter()).exit_status == 0
    verdict = judge(database, server.url)
    assert verdict.fine, verdict
    assert verdict.account.submitted == 1500
    assert mailing.slug == SLUG
    database.close()
