"""Every two of send, publish, correction, worker and resume, at the same moment: nobody gets anything twice."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from sqlalchemy import func, select

from publisher.config import Config, load_config
from publisher.database import Database, open_database
from publisher.delivery.freeze import freeze
from publisher.delivery.mailings import set_operator
from publisher.delivery.send import Options, send
from publisher.delivery.states import Operator
from publisher.delivery.tables import mailings as table
from publisher.delivery.worker import Duties, _drain, _waiting
from publisher.errors import PublisherError
from publisher.mail.message import MailContent
from publisher.proofing.proof import proofread
from publisher.providers.folder import FolderTransport
from publisher.publishing.publish import PublishOptions, publish
from tests.delivery.world import add_people

RACES = int(os.environ.get("RACES", "1"))
PEOPLE = 30
SLUG = f"{date.today()}-weekly"
Start = Callable[[Config, Database, MailContent], object]


def _send(config: Config, database: Database, letter: MailContent) -> object:
    return send(config, database, letter)


def _publish(config: Config, database: Database, _letter: MailContent) -> object:
    return publish(config, database, PublishOptions(now=datetime.now(UTC)))


def _correct(config: Config, database: Database, letter: MailContent) -> object:
    return send(config, database, replace(letter, digest="sha256:" + "cd" * 32), Options(correction=True))


def _work(config: Config, database: Database, _letter: MailContent) -> object:
    for _ in range(100):
        if _waiting(database):
            break
        time.sleep(0.005)
    return _finish(config, database, _letter)


def _finish(config: Config, database: Database, _letter: MailContent) -> object:
    return [_drain(config, database, number, Duties()) for number in _waiting(database)]


def _resume(config: Config, database: Database, letter: MailContent) -> object:
    set_operator(database, SLUG, Operator.GOING)
    return send(config, database, letter)


STARTS = {"send": _send, "publish": _publish, "correction": _correct, "worker": _work, "resume": _resume}


@pytest.fixture
def config(dialect: str, tmp_path: Path) -> Config:
    (tmp_path / "config.yaml").write_text(
        "newsletter: {name: W, url: https://news.example.com/, from: W <w@news.example.com>}\n"
        "delivery: {transport: folder, max_send_rate: 300}\ndeploy: {to: folder, path: live}\n"
    )
    folder = tmp_path / "issues" / SLUG
    folder.mkdir(parents=True)
    (folder / "issue.yaml").write_text(f"title: Weekly\ndate: {date.today()}\nstatus: ready\n")
    (folder / "a.md").write_text("---\nheadline: A\n---\nText.\n")
    return load_config(tmp_path)


@pytest.mark.parametrize("race", range(RACES))
@pytest.mark.parametrize(("first", "second"), list(combinations_with_replacement(STARTS, 2)))
def test_no_pair_of_starts_mails_anybody_twice(
    config: Config, monkeypatch: pytest.MonkeyPatch, first: str, second: str, race: int
) -> None:
    written: Counter[str] = Counter()
    write = FolderTransport._write

    def counted(self: FolderTransport, envelope: object) -> object:
        written[envelope.recipient] += 1  # type: ignore[attr-defined]
        return write(self, envelope)  # type: ignore[arg-type]

    monkeypatch.setattr(FolderTransport, "_write", counted)
    database = open_database(config)
    add_people(database, PEOPLE)
    edition = proofread(config, SLUG).edition
    assert edition is not None
    letter = MailContent.of(edition)
    corrected = "correction" in (first, second)
    if corrected:
        _send(config, database, letter)
    elif "resume" in (first, second):
        with database.begin() as connection:
            freeze(connection, letter)
        set_operator(database, SLUG, Operator.PAUSED)
    failures = race_of(config, letter, STARTS[first], STARTS[second], random.Random(race))
    assert [failure for failure in failures if not isinstance(failure, PublisherError)] == []
    for start in (_correct if corrected else _send, _finish):
        try:
            start(config, database, letter)
        except PublisherError:
            continue
    with database.connect() as connection:
        found = connection.execute(select(func.count()).select_from(table)).scalar_one()
    assert found == 1 + corrected
    assert (len(written), set(written.values())) == (PEOPLE * found, {1})
    database.close()


def race_of(
    config: Config, letter: MailContent, first: Start, second: Start, chance: random.Random
) -> list[BaseException]:
    """Both at once, each with a database of its own; what they raised."""
    barrier, failures = threading.Barrier(2, timeout=20), list[BaseException]()
    pauses = [chance.random() * 0.05, chance.random() * 0.05]

    def one(start: Start, pause: float) -> None:
        database = open_database(config)
        try:
            barrier.wait()
            time.sleep(pause)
            start(config, database, letter)
        except BaseException as error:
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=one, args=(start, p)) for start, p in zip((first, second), pauses, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures
