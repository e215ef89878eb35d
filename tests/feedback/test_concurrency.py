"""Several pullers at once on PostgreSQL: the same events from both sides give one account, and nobody deadlocks."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, text

from publisher.delivery.settle import Settled
from publisher.errors import DatabaseError
from publisher.feedback.apply import Applier
from publisher.providers import read_events
from publisher.providers.events import Event
from tests.feedback import shapes
from tests.feedback.conftest import open_room
from tests.feedback.test_apply import EXPECTED, story_lines, summary


@pytest.mark.postgres
def test_two_pullers_of_the_same_events_give_one_account(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    room = open_room(tmp_path)
    lines = story_lines(room)
    failures: list[BaseException] = []

    def pull(seed: int) -> None:
        try:
            applier = Applier(room.database, room.config)
            for round_ in range(10):
                events = [event for line in lines for event in read_events(line)]
                Random(seed + round_).shuffle(events)
                for start in range(0, len(events), 5):
                    applier.apply(events[start : start + 5])
                applier.settle_waiting()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=pull, args=(seed,)) for seed in (1, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert summary(room) == EXPECTED
    room.database.close()


@pytest.mark.postgres
def test_who_loses_a_deadlock_tries_again(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    room = open_room(tmp_path)
    room.subscribe("ann@example.com", "ben@example.org")
    mailing = room.freeze()
    room.send(mailing)
    first, second = room.recipients(mailing).values()
    number = [int(recipient.rpartition("-")[2]) for recipient in (first, second)]

    def line(recipient: str) -> str:
        return shapes.event("Delivery", shapes.mail(f"m-{recipient}", "x@example.com", recipient=recipient))

    applier = Applier(room.database, room.config)
    events = [event for recipient in (first, second) for event in read_events(line(recipient))]
    row = text("SELECT 1 FROM recipients WHERE mailing_id = :mailing AND number = :number FOR UPDATE")
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with room.database.begin() as ours, room.database.connect() as observer:
        # The longer patience is ours: it is the applier whom PostgreSQL breaks.
        ours.execute(text("SET LOCAL deadlock_timeout = '60s'"))
        ours.execute(row, {"mailing": mailing.id, "number": number[1]})
        thread = threading.Thread(target=applier.apply, args=(events,))
        thread.start()
        while not observer.execute(waiting).scalar_one():
            observer.rollback()
        ours.execute(row, {"mailing": mailing.id, "number": number[0]})
    thread.join()
    assert applier.applied.changed == 2
    assert room.account().delivered == 2
    room.database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(("state", "again"), [("40001", True), ("40P01", True), ("22012", False)])
def test_a_serialization_failure_of_postgresql_is_tried_again_and_other_failures_are_not(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, again: bool, waits: bool
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    room = open_room(tmp_path)
    room.subscribe("ann@example.com")
    mailing = room.freeze()
    (recipient,) = room.recipients(mailing).values()
    tags = {} if waits else {"recipient": recipient}
    mail = shapes.mail(f"m-{recipient}", "ann@example.com", **tags)
    events = list(read_events(shapes.event("Delivery", mail, shapes.delivery("ann@example.com"))))
    applier, original = Applier(room.database, room.config), Applier._settle
    if waits:
        applier.apply(events)
    room.send(mailing)
    failed: list[str] = []

    def fails_once(self: Applier, connection: Connection, event: Event) -> Settled:
        if not failed:
            failed.append(state)
            connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '{state}'; END $$"))
        return original(self, connection, event)

    monkeypatch.setattr(Applier, "_settle", fails_once)
    with nullcontext() if again else pytest.raises(DatabaseError):
        if waits:
            applier.settle_waiting()
        else:
            applier.apply(events)
    assert room.account().delivered == again
    room.database.close()
