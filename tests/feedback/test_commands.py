"""``events apply`` and ``reconcile`` through the real command."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from publisher.delivery.ledger import Ledger
from publisher.delivery.lock import lock_path, mailing_lock
from publisher.delivery.mailings import Mailing, write_operator
from publisher.delivery.settle import Uncertain, release_uncertain
from publisher.delivery.settle import uncertain as doubtful
from publisher.feedback import intake, reconcile
from publisher.feedback.apply import Applier
from publisher.providers.outcomes import submitted
from tests.feedback import shapes
from tests.feedback.conftest import SLUG, Room, uncertain
from tests.warm import command

ROOT = Path(__file__).resolve().parents[2]
ANN, BEN = "ann@example.com", "ben@example.org"
CONFIG = """\
newsletter: {name: Weekly, url: https://news.example.com/, from: W <w@news.example.com>}
"""


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PUBLISHER_", "AWS_", "COVERAGE_"))}
    fixed = {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    return kept | fixed | more


def run(room: Room, *words: str, stdin: str | bytes = b"", config: str = "") -> subprocess.CompletedProcess[str]:
    (room.config.root / "config.yaml").write_text(CONFIG + config)
    away = {"AWS_EC2_METADATA_DISABLED": "true"}
    given = stdin if isinstance(stdin, bytes) else stdin.encode()
    return command(room.config.root, *words, environment=away, stdin=given)


@pytest.fixture
def mailing(room: Room) -> Mailing:
    """Two recipients, both uncertain."""
    room.subscribe(ANN, BEN)
    mailing = room.freeze()
    room.send(mailing, uncertain)
    return mailing


def event(room: Room, mailing: Mailing, kind: str, address: str) -> str:
    recipient = room.recipients(mailing)[address]
    body = shapes.bounce(address) if kind == "Bounce" else {}
    return shapes.event(kind, shapes.mail(f"m-{recipient}", address, recipient=recipient), body)


def test_a_line_that_is_no_event_is_named_and_the_rest_is_applied(room: Room, mailing: Mailing) -> None:
    lines = [event(room, mailing, "Send", ANN), "{", "", "\ufeff" + event(room, mailing, "Bounce", BEN), '{"a": 1}']
    (room.config.root / "events.jsonl").write_text("\r\n".join(lines), encoding="utf-8")
    ran = run(room, "events", "apply", "events.jsonl")
    assert ran.returncode == 1
    assert "events.jsonl: line 2: not JSON" in ran.stderr
    assert "events.jsonl: line 5: it has the keys of no provider's event" in ran.stderr
    assert (room.account().submitted, room.account().bounced) == (2, 1)
    assert ANN not in ran.stdout + ran.stderr


def test_a_file_that_holds_no_events_is_told_once(room: Room) -> None:
    (room.config.root / "events.log").write_text("2025-01-05 a line of a log\n" * 40, encoding="utf-8")
    ran = run(room, "events", "apply", "events.log")
    assert ran.returncode == 1
    assert "events.log: 37 more lines: not a JSON object" in ran.stderr
    assert len(ran.stderr.splitlines()) == 5
    assert "one event a line" in ran.stderr


def test_standard_input_is_read_and_json_is_for_machines(room: Room, mailing: Mailing) -> None:
    stream = "\n".join([event(room, mailing, "Send", ANN)] * 3 + [shapes.event("Teleported", shapes.mail("x", BEN))])
    ran = run(room, "events", "apply", "-", "--format", "json", stdin=stream)
    found = json.loads(ran.stdout)
    assert ran.returncode == 0
    assert (found["events"], found["changed"], found["unknown"]) == ({"send": 3, "unknown": 1}, 1, {"Teleported": 1})


def test_a_file_that_is_not_there_is_one_line(room: Room) -> None:
    ran = run(room, "events", "apply", "missing.jsonl")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "missing.jsonl cannot be read" in ran.stderr


def test_a_second_copy_shouts(room: Room) -> None:
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing)
    recipient = room.recipients(mailing)[ANN]
    twice = shapes.event("Send", shapes.mail("another", ANN, recipient=recipient))
    ran = run(room, "events", "apply", "-", stdin=twice)
    assert ran.returncode == 1
    assert "reached-twice" in ran.stderr


def test_pull_without_a_queue_says_what_to_set(room: Room) -> None:
    ran = run(room, "events", "pull")
    assert ran.returncode == 2
    assert "delivery.ses.events_queue" in ran.stderr


def test_where_events_come_to_the_webhook_a_job_that_pulls_goes_on(room: Room) -> None:
    service = "service: {url: https://letters.example.com/, sns_topics: ['arn:aws:sns:eu-west-1:111122223333:news']}\n"
    ran = run(room, "events", "pull", "--format", "json", config=service)
    assert (ran.returncode, json.loads(ran.stdout)["changed"]) == (0, 0)
    assert "events come to the webhook" in ran.stderr


def test_reconcile_sends_to_nobody_by_itself(room: Room, mailing: Mailing) -> None:
    ran = run(room, "reconcile")
    assert (ran.returncode, room.account().uncertain) == (1, 2)
    assert f"{SLUG}: 2 uncertain" in ran.stdout
    assert "younger than an hour" in ran.stderr


def test_release_without_a_terminal_needs_yes(room: Room, mailing: Mailing) -> None:
    refused = run(room, "reconcile", SLUG, "--release-uncertain")
    assert (refused.returncode, room.account().uncertain) == (2, 2)
    assert "--yes" in refused.stderr
    ran = run(room, "reconcile", SLUG, "--release-uncertain", "--yes")
    assert (ran.returncode, room.account().pending) == (0, 2)
    for recipient in room.recipients(mailing).values():
        assert recipient in ran.stdout
    assert ANN not in ran.stdout + ran.stderr


def asked(room: Room, *words: str, answer: str, meanwhile: Callable[[], object]) -> tuple[int, str]:
    """Status and standard error of a command on a terminal; ``meanwhile`` runs while its question waits."""
    (room.config.root / "config.yaml").write_text(CONFIG)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "publisher", *words],
        cwd=room.config.root, env=environment(), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr
    said = b""
    while not said.endswith(b"[y/N] "):
        some = process.stderr.read1(4096)
        assert some, said
        said += some
    meanwhile()
    os.write(ours, f"{answer}\n".encode())
    _, more = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    return process.returncode, (said + more).decode()


@pytest.mark.parametrize(("answer", "pending", "status"), [("n", 0, 1), ("y", 2, 0)])
def test_release_asks_on_a_terminal(room: Room, mailing: Mailing, answer: str, pending: int, status: int) -> None:
    ran, said = asked(room, "reconcile", SLUG, "--release-uncertain", answer=answer, meanwhile=lambda: None)
    assert "2 again?" in said
    assert (ran, room.account().pending) == (status, pending)


def test_release_concerns_only_who_was_shown(room: Room, mailing: Mailing) -> None:
    first = mailing.recipient(1)

    def meanwhile() -> None:
        """One is released by somebody else, mailed, and uncertain again; another comes by an event."""
        with room.database.begin() as connection:
            assert release_uncertain(connection, mailing.id, doubtful(connection, mailing.id)) == 2
        room.send(mailing, lambda message: uncertain(message) if message.endswith(first) else submitted(message))
        assert (room.account().uncertain, room.account().submitted) == (1, 1)

    status, said = asked(room, "reconcile", SLUG, "--release-uncertain", answer="y", meanwhile=meanwhile)
    assert (status, room.account().pending, room.account().uncertain) == (1, 0, 1), said
    assert "2 changed meanwhile" in said


def test_many_are_released_in_parts(room: Room, mailing: Mailing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "PART", 1)
    parts = list[int]()

    def noted(connection: Connection, mailing_id: int, whom: list[Uncertain]) -> int:
        parts.append(len(whom))
        return release_uncertain(connection, mailing_id, whom)

    monkeypatch.setattr(reconcile, "release_uncertain", noted)
    (doubt,) = reconcile.doubtful(room.database, SLUG)
    assert reconcile.release(room.database, doubt) == 2
    assert (parts, room.account().pending) == ([1, 1], 2)


def test_of_an_issue_that_is_frozen_again_meanwhile_nobody_is_released_or_lost(room: Room, mailing: Mailing) -> None:
    room.subscribe("carl@example.com")  # after the freeze

    def meanwhile() -> None:
        with room.database.begin() as connection:
            write_operator(connection, room.newest(SLUG).id, "cancelled")
        assert room.freeze().id != mailing.id

    status, said = asked(room, "reconcile", SLUG, "--release-uncertain", answer="y", meanwhile=meanwhile)
    with room.database.connect() as connection:
        assert (status, len(doubtful(connection, mailing.id))) == (1, 2), said
    status, said = asked(room, "cancel", SLUG, answer="y", meanwhile=meanwhile)
    assert (status, "frozen anew meanwhile" in said, room.newest(SLUG).operator) == (2, True, "going")


def test_a_late_event_stops_the_second_copy(room: Room, mailing: Mailing) -> None:
    assert run(room, "reconcile", "--release-uncertain", "--yes").returncode == 0
    run(room, "events", "apply", "-", stdin=event(room, mailing, "Send", ANN))
    assert (room.account().submitted, room.account().pending) == (1, 1)


def test_what_a_dead_sender_had_claimed_can_be_released(room: Room) -> None:
    room.subscribe(ANN, BEN)
    mailing = room.freeze()
    dead = Ledger(room.database, mailing)
    dead.open()
    dead.record_and_claim([], 2, 1)
    assert room.account().claimed == 2
    lock = lock_path(room.database.engine.url, SLUG)
    assert lock
    lock.mkdir()
    ran = run(room, "reconcile")
    assert (ran.returncode, f"{lock} cannot be opened" in ran.stderr) == (2, True), "not: nobody is uncertain"
    lock.rmdir()
    found = json.loads(run(room, "reconcile", "--release-uncertain", "--yes", "--format", "json").stdout)
    assert found["issues"][0]["released"] == 2
    assert room.account().pending == 2


def test_nothing_is_released_under_a_running_sender(room: Room, mailing: Mailing) -> None:
    with mailing_lock(room.database, SLUG):
        ran = run(room, "reconcile", SLUG, "--release-uncertain", "--yes")
    assert (ran.returncode, room.account().uncertain) == (2, 2)
    assert "another sender" in ran.stderr


def test_a_mistyped_issue_is_reported(room: Room, mailing: Mailing) -> None:
    assert run(room, "reconcile", "2026-05-05-weekly").returncode == 2


def test_a_line_without_end_is_held_only_in_part(room: Room) -> None:
    class Endless(io.RawIOBase):
        left = 50_000_000

        def readable(self) -> bool:
            return True

        def readinto(self, into: Any) -> int:
            size = min(self.left, len(into))
            self.left -= size
            into[:size] = b"x" * size
            return size

    applier = Applier(room.database, room.config)
    tracemalloc.start()
    intake.apply_stream(applier, Endless(), pytest.fail)  # type: ignore[arg-type]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert applier.applied.malformed == [("line 1", "the line is too long")]
    assert most < 20_000_000
