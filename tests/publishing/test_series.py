"""Series of steps: each sentence of what is promised, by publish itself on SQLite and PostgreSQL, with the clock moved.

Started readers confirm by the web service's own step. A run is ``publish`` as cron calls it, at a moment of the test.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, delete, event, func, insert, select, text, update

from publisher.audience import importing, store
from publisher.audience.address import read_address
from publisher.audience.backup import back_up, restore
from publisher.audience.model import ConsentSource, ConsentState
from publisher.audience.own import export, record
from publisher.audience.series import enrol
from publisher.audience.suppressions import Reason, suppress
from publisher.audience.tables import enrolments, series, subscribers, taken_steps
from publisher.audience.tokens import TokenPayload
from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.delivery import mailings
from publisher.delivery import series as series_module
from publisher.delivery.send import send
from publisher.delivery.series import freeze_due, plan_steps, ready_series, ready_steps
from publisher.delivery.states import Operator
from publisher.delivery.status import statuses
from publisher.delivery.tables import mailings as mailing_table
from publisher.delivery.tables import recipients, unmatched_messages
from publisher.edition.others import OtherIssues
from publisher.errors import UsageError
from publisher.feedback.apply import Applier
from publisher.feedback.reconcile import doubtful, release
from publisher.insights.store import report
from publisher.issue.series import steps_of
from publisher.mail.message import MailContent
from publisher.proofing.proof import proofread, proofread_steps
from publisher.providers.events import Event, EventKind
from publisher.publishing import series as series_publishing
from publisher.publishing.doctor import Level, questions
from publisher.publishing.publish import PublishOptions, publish
from publisher.publishing.run import Published
from publisher.publishing.series import freeze_here, plan_of
from publisher.web.readers import Readers, SubscribeRequest, Unsubscribe
from tests.acceptance.conftest import CONFIG
from tests.delivery.world import make_config, person
from tests.postgres import dump, put_back
from tests.warm import command

ROOT = Path(__file__).resolve().parents[2]
HELLO, BEST = "series/welcome/hello", "series/welcome/best-of"


@dataclass
class Newsletter:
    """A newsletter with the series ``welcome``: hello at once, best-of three days later."""

    config: Config
    database: Database
    start: datetime = field(default_factory=lambda: datetime.now(UTC))

    def step(self, path: str, after: str, body: str = "正文。", status: str = "ready", more: str = "") -> Path:
        """Write the step ``series/<path>.md``."""
        file = self.config.root / "series" / f"{path}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"---\ntitle: 题 {file.stem}\nafter: {after}\nstatus: {status}\n{more}---\n{body}\n", "utf-8")
        return file

    def remove(self, path: str) -> None:
        (self.config.root / "series" / f"{path}.md").unlink()

    def confirm(self, name: str) -> str:
        """Somebody subscribes by the form and confirms by the link; the reference."""
        readers = Readers(self.database, partial(ready_series, self.config))
        readers.ask(SubscribeRequest(read_address(f"{name}@example.com"), "", None, ()), {})
        with self.database.connect() as connection:
            reader = store.find(connection, read_address(f"{name}@example.com"))
        assert reader
        at = datetime.now(UTC) + timedelta(seconds=2)
        assert readers.confirm(TokenPayload(reader.reference, None, at), {})
        return reader.reference

    def leave(self, reference: str) -> None:
        Readers(self.database).leave([Unsubscribe(reference, ConsentSource.ONE_CLICK, {})])

    def run(self, after: float = 0, **options: object) -> Published:
        """publish, so many days after the start."""
        moment = self.start + timedelta(days=after, seconds=5)
        return publish(self.config, self.database, PublishOptions(now=moment, **options))  # type: ignore[arg-type]

    def mailed(self) -> Counter[tuple[str, str]]:
        """How often each reader has each step, by the messages that left."""
        found = Counter[tuple[str, str]]()
        for file in (self.config.root / "outbox").glob("series-*/*.eml"):
            message = message_from_bytes(file.read_bytes())
            found[str(message["To"]).partition("@")[0], file.parent.name.removeprefix("series-welcome-")] += 1
        return found

    def status(self, slug: str) -> dict[str, object]:
        (row,) = statuses(self.config, self.database, slug).rows
        return row


@pytest.fixture
def letter(dialect: str, tmp_path: Path) -> Iterator[Newsletter]:
    """On both databases."""
    yield from made(tmp_path)


@pytest.fixture
def shared(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsletter]:
    """On PostgreSQL, which workers share."""
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    yield from made(tmp_path)


def on_sqlite(root: Path) -> Newsletter:
    """Without a step, on the database beside which marks lie."""
    config = make_config(root)
    (root / "issues").mkdir()
    (root / "config.yaml").write_text("newsletter: {name: AI 周报}\n", encoding="utf-8")
    return Newsletter(config, open_database(config))


def made(root: Path) -> Iterator[Newsletter]:
    config = make_config(root)
    (root / "issues").mkdir()
    (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
    database = open_database(config)
    found = Newsletter(config, database)
    found.step("welcome/01-hello", "0")
    found.step("welcome/02-best-of", "3d")
    yield found
    database.close()


def test_a_confirmation_starts_the_series_and_each_step_comes_once_at_its_time(letter: Newsletter) -> None:
    letter.confirm("ann")
    assert letter.run().exit_status == 0
    assert letter.mailed() == {("ann", "hello"): 1}
    for days in (0.1, 1, 2.9):
        letter.run(days)
    assert letter.mailed() == {("ann", "hello"): 1}
    letter.run(3)
    letter.run(3.1)
    letter.run(90)
    assert letter.mailed() == {("ann", "hello"): 1, ("ann", "best-of"): 1}
    row = letter.status(BEST)
    assert (row["state"], row["audience"], row["submitted"], row["excluded"]) == ("done", 1, 1, 0)


def test_a_run_says_whether_a_step_is_due_goes_on_or_is_paused(letter: Newsletter) -> None:
    def told(ran: Published) -> list[tuple[str, str, str]]:
        return [(one.decision.slug, one.decision.kind, one.decision.why) for one in ran.outcomes]

    letter.confirm("ann")
    assert told(letter.run()) == [(HELLO, "due", "due now")]
    with letter.database.begin() as connection:  # as if the run had died before it mailed
        connection.execute(update(recipients).values(state="pending", attempts=0))
    mailings.set_operator(letter.database, HELLO, Operator.PAUSED)
    assert told(letter.run(0.1)) == [(HELLO, "paused", "paused; 1 recipient is left")]
    mailings.set_operator(letter.database, HELLO, Operator.GOING)
    text = letter.config.root / "series/welcome/01-hello.md"
    away = text.rename(text.with_name("01-hi.md"))
    _waits(letter, "no longer in the repository; 1 recipient is left", told(letter.run(0.2)))
    away.unlink()
    letter.step("welcome/01-hello", "0", status="draft")
    _waits(letter, "a draft again; 1 recipient is left", told(letter.run(0.3)))
    letter.step("welcome/01-hello", "0")
    assert told(letter.run(0.4)) == [(HELLO, "resume", "1 recipient is left")]
    letter.remove("welcome/01-hello")
    assert told(letter.run(0.5)) == [], "nobody is left"


def _waits(letter: Newsletter, why: str, ran: list[tuple[str, str, str]]) -> None:
    """Whoever is left of a step that is gone waits for somebody, and every command that looks says so."""
    assert ran == [(HELLO, "withdrawn", why)]
    (planned,) = plan_of(letter.config, letter.database, [], None, letter.start)[1]
    assert (planned.why, planned.needs_operator) == (why, True)
    (tripped,) = statuses(letter.config, letter.database, HELLO).tripped
    assert (tripped.message, f"publisher cancel {HELLO}" in tripped.help) == (f"{HELLO}: {why}", True)
    found = questions.database(questions.Probes(letter.config))
    assert (found.level, found.message) == (Level.WARNING, f"{HELLO}: {why}")


def test_a_step_has_no_archive_page(letter: Newsletter) -> None:
    letter.confirm("ann")
    letter.run()
    pages = [path.as_posix() for path in (letter.config.root / "dist" / "site").rglob("*") if path.is_file()]
    assert pages
    assert not [path for path in pages if "welcome" in path or "hello" in path]
    mail = next((letter.config.root / "outbox" / "series-welcome-hello").iterdir()).read_bytes()
    assert b"issues/" not in mail


def test_a_draft_is_not_sent(letter: Newsletter) -> None:
    letter.step("welcome/01-hello", "0", status="draft")
    letter.confirm("ann")
    letter.run()
    assert letter.mailed() == {}


def test_who_is_there_when_the_series_appears_and_the_imported_start_only_when_asked(letter: Newsletter) -> None:
    with letter.database.begin() as connection:
        connection.execute(insert(subscribers), [person(n) for n in range(3)])
        (first, *_) = connection.execute(select(subscribers.c.id).order_by(subscribers.c.id)).scalars().all()
    letter.run()
    letter.run(5)
    assert letter.mailed() == {}
    with letter.database.begin() as connection:
        assert enrol(connection, [first], {"welcome"}, letter.start + timedelta(days=5)) == 1
        assert enrol(connection, [first], {"welcome"}, letter.start + timedelta(days=6)) == 0
    letter.run(5)
    letter.run(8)
    assert letter.mailed() == {("reader0", "hello"): 1, ("reader0", "best-of"): 1}


def test_a_reader_who_confirmed_before_the_series_came_gets_nothing(letter: Newsletter) -> None:
    for name in ("01-hello", "02-best-of"):
        letter.remove(f"welcome/{name}")
    letter.confirm("ann")
    letter.step("welcome/01-hello", "0")
    letter.run()
    letter.run(1)
    assert letter.mailed() == {}


def test_who_left_before_the_series_came_and_confirms_again_starts_it(letter: Newsletter) -> None:
    for name in ("01-hello", "02-best-of"):
        letter.remove(f"welcome/{name}")
    letter.leave(letter.confirm("ann"))
    letter.step("welcome/01-hello", "0")
    letter.run()
    with letter.database.begin() as connection:
        connection.execute(update(subscribers).values(asked_at=None))
    letter.confirm("ann")
    letter.run()
    assert letter.mailed() == {("ann", "hello"): 1}


def test_an_inserted_step_reaches_only_readers_who_are_not_past_it(letter: Newsletter) -> None:
    letter.confirm("past")
    letter.run()
    letter.run(2)
    letter.step("welcome/03-middle", "1d")
    letter.start += timedelta(days=1.5)  # the second reader confirms a day and a half later
    reference = letter.confirm("within")
    with letter.database.begin() as connection:
        who = select(subscribers.c.id).where(subscribers.c.reference == reference).scalar_subquery()
        moved = update(enrolments).where(enrolments.c.subscriber_id == who)
        connection.execute(moved.values(started_at=letter.start))
    for days in (0.6, 1.6, 2, 3.1, 5):
        letter.run(days)
    assert letter.mailed() == {
        ("past", "hello"): 1, ("past", "best-of"): 1,
        ("within", "hello"): 1, ("within", "middle"): 1, ("within", "best-of"): 1,
    }  # fmt: skip


def test_a_step_added_at_the_end_does_not_reach_who_finished_long_ago(letter: Newsletter) -> None:
    letter.confirm("ann")
    for days in (0, 3, 30):
        letter.run(days)
    letter.step("welcome/03-tips", "1w")
    letter.run(30.1)
    letter.run(40)
    assert letter.mailed() == {("ann", "hello"): 1, ("ann", "best-of"): 1}


def test_renumbering_and_editing_mail_nobody_twice(letter: Newsletter) -> None:
    letter.confirm("ann")
    letter.run()
    letter.remove("welcome/01-hello")
    letter.step("welcome/07-hello", "0", "全新的正文。")
    letter.run(0.1)
    letter.confirm("ben")
    letter.run(0.2)
    letter.run(1.5)
    assert letter.mailed() == {("ann", "hello"): 1, ("ben", "hello"): 1}
    row = letter.status(HELLO)
    assert (row["audience"], row["submitted"], row["state"]) == (2, 2, "done")


def test_a_step_that_is_edited_after_a_run_died_at_its_very_end_still_reaches_whoever_is_due(
    letter: Newsletter,
) -> None:
    letter.confirm("ann")
    letter.run()
    with letter.database.begin() as connection:  # all were mailed; that nobody is left was not written any more
        connection.execute(update(mailing_table).values(finished_at=None))
    letter.step("welcome/01-hello", "0", "全新的正文。")
    letter.confirm("ben")
    assert letter.run(0.1).exit_status == 0
    assert letter.mailed() == {("ann", "hello"): 1, ("ben", "hello"): 1}


def test_a_step_that_went_and_came_back_is_not_sent_to_who_passed_it_meanwhile(letter: Newsletter) -> None:
    letter.run()
    letter.confirm("ann")
    letter.run()
    letter.remove("welcome/02-best-of")
    letter.run(2)
    letter.run(4)
    letter.step("welcome/02-best-of", "3d")
    letter.run(4.1)
    assert letter.mailed() == {("ann", "hello"): 1}


def test_at_most_one_step_a_day_and_reader_the_oldest_first(letter: Newsletter) -> None:
    letter.step("welcome/03-noon", "12h")
    letter.step("course/01-first", "0")
    letter.confirm("ann")
    seen = list[int]()
    for hour in (0, 1, 12, 23, 24, 25, 47, 48, 49, 71, 72, 73, 95, 96, 97):
        letter.run(hour / 24)
        if (had := sum(letter.mailed().values())) != len(seen):
            assert had == len(seen) + 1
            seen.append(hour)
    assert len(seen) == 4
    assert all(later - sooner >= 24 for sooner, later in pairwise(seen))


def test_steps_that_waited_while_nothing_ran_come_one_a_day_in_their_order(letter: Newsletter) -> None:
    letter.confirm("ann")
    letter.run(10)
    assert letter.mailed() == {("ann", "hello"): 1}
    letter.run(11)
    assert letter.mailed() == {("ann", "hello"): 1, ("ann", "best-of"): 1}


def test_leaving_ends_it_and_confirming_again_brings_no_step(letter: Newsletter) -> None:
    reference = letter.confirm("ann")
    letter.run()
    letter.leave(reference)
    letter.run(3)
    assert letter.mailed() == {("ann", "hello"): 1}
    with letter.database.begin() as connection:
        connection.execute(update(subscribers).values(asked_at=None))
    letter.confirm("ann")
    with letter.database.connect() as connection:
        reader = store.find(connection, reference)
        assert reader
        assert reader.state is ConsentState.CONFIRMED
    letter.run(3.1)
    letter.run(30)
    assert letter.mailed() == {("ann", "hello"): 1}


def test_the_suppressed_are_excluded_and_the_account_adds_up(letter: Newsletter) -> None:
    letter.confirm("ann")
    letter.confirm("ben")
    with letter.database.begin() as connection:
        suppress(connection, "ben@example.com", Reason.BOUNCE)
    letter.run()
    row = letter.status(HELLO)
    assert row["excluded_by_reason"] == {"suppressed": 1}
    assert (row["audience"], row["submitted"], row["excluded"]) == (2, 1, 1)
    assert letter.mailed() == {("ann", "hello"): 1}


def test_one_inbox_spelled_twice_gets_a_step_once(letter: Newsletter) -> None:
    with letter.database.begin() as connection:
        rows = [person(1), person(2, address_key="Reader1@example.com", mailbox_key="reader1@example.com"), person(3)]
        connection.execute(insert(subscribers), rows)
        ids = connection.execute(select(subscribers.c.id)).scalars().all()
        enrol(connection, ids[:2], {"welcome"}, letter.start)
    letter.run()
    assert letter.status(HELLO)["excluded_by_reason"] == {"duplicate": 1}
    with letter.database.begin() as connection:  # and once the other copy has had it
        enrol(connection, ids, {"welcome"}, letter.start)
        connection.execute(
            insert(subscribers), [person(4, address_key="READER1@example.com", mailbox_key="reader1@example.com")]
        )
        enrol(connection, connection.execute(select(subscribers.c.id)).scalars().all(), {"welcome"}, letter.start)
    letter.run()
    assert sum(letter.mailed().values()) == 2
    row = letter.status(HELLO)
    assert (row["audience"], row["submitted"], row["excluded_by_reason"]) == (4, 2, {"duplicate": 1, "reached": 1})


def test_the_audience_of_a_step_leaves_the_others_out_for_good(letter: Newsletter) -> None:
    letter.step("welcome/01-hello", "0", more="audience: topic:ai\n")
    letter.confirm("ann")
    letter.run()
    assert letter.status(HELLO)["excluded_by_reason"] == {"segment": 1}
    letter.step("welcome/01-hello", "0")
    letter.run(0.1)
    letter.run(3)
    assert letter.mailed() == {("ann", "best-of"): 1}


def test_a_pause_holds_a_step_and_a_cancelled_one_never_comes_again(letter: Newsletter) -> None:
    letter.confirm("ann")
    letter.run()
    with letter.database.begin() as connection:  # as if the run had died before it mailed
        connection.execute(update(recipients).values(state="pending", attempts=0))
    mailings.set_operator(letter.database, HELLO, Operator.PAUSED)
    (letter.config.root / "outbox" / "series-welcome-hello").rename(letter.config.root / "gone")
    letter.confirm("ben")
    assert letter.run(0.1).exit_status == 0
    letter.run(3)
    assert letter.mailed() == {}
    assert letter.status(HELLO)["pending"] == 2
    mailings.set_operator(letter.database, HELLO, Operator.GOING)
    letter.run(3.1)
    assert letter.mailed() == {("ann", "hello"): 1, ("ben", "hello"): 1}
    with letter.database.begin() as connection:
        connection.execute(update(recipients).values(state="pending", attempts=0))
    mailings.set_operator(letter.database, HELLO, Operator.CANCELLED)
    letter.run(3.2)
    letter.run(5)
    assert letter.mailed() == {(name, step): 1 for name in ("ann", "ben") for step in ("hello", "best-of")}


@pytest.mark.parametrize("state", ["uncertain", "rejected"])
def test_an_uncertain_or_rejected_step_is_not_sent_again(letter: Newsletter, state: str) -> None:
    letter.confirm("ann")
    letter.run()
    with letter.database.begin() as connection:
        connection.execute(update(recipients).values(state=state))
    for file in (letter.config.root / "outbox" / "series-welcome-hello").iterdir():
        file.unlink()
    letter.run(0.1)
    letter.run(3)
    assert letter.mailed() == {("ann", "best-of"): 1}


def test_a_step_is_not_held_and_nobody_thinks_so(letter: Newsletter) -> None:
    refused = _command(letter, "hold", HELLO)
    assert (refused.returncode, f"{HELLO} is a step of a series" in refused.stderr) == (2, True)
    assert "status: draft" in refused.stderr
    assert _command(letter, "hold", HELLO, "--release").returncode == 0


def test_the_plan_says_what_a_run_left_and_what_is_held_back(letter: Newsletter) -> None:
    def told() -> tuple[list[str], list[tuple[str, str]], list[int]]:
        found = json.loads(_command(letter, "plan", "--format", "json").stdout)
        decisions = [(one["issue"], one["decision"]) for one in found["decisions"]]
        return found["due"], decisions, [one["now"] for one in found["series"]]

    letter.confirm("ann")
    assert told() == ([], [], [1, 0])
    letter.run()
    assert told() == ([], [], [0, 0])
    with letter.database.begin() as connection:  # as if the run had died before it mailed
        connection.execute(update(recipients).values(state="pending", attempts=0))
    assert told() == ([HELLO], [(HELLO, "resume")], [0, 0])
    mailings.set_operator(letter.database, HELLO, Operator.PAUSED)
    assert told() == ([], [(HELLO, "paused")], [0, 0])
    letter.confirm("ben")
    letter.step("welcome/02-best-of", "3d", "![](images/none.png)")
    assert told() == ([], [(BEST, "broken"), (HELLO, "paused")], [0, 0])


def test_a_broken_step_holds_its_series_back_and_the_run_says_so(letter: Newsletter) -> None:
    letter.step("welcome/01-hello", "0", "![](images/none.png)")
    letter.step("course/01-first", "0")
    letter.confirm("ann")
    ran = letter.run()
    assert ran.exit_status == 1
    assert [one.decision.says for one in ran.outcomes if one.decision.slug == HELLO] == ["broken: it has errors"]
    assert [path.name for path in (letter.config.root / "outbox").iterdir()] == ["series-course-first"]
    letter.step("welcome/01-hello", "0")
    letter.run(1)
    assert letter.mailed()["ann", "hello"] == 1


def test_a_freeze_writes_only_who_is_due(letter: Newsletter) -> None:
    with letter.database.begin() as connection:
        connection.execute(insert(subscribers), [person(n) for n in range(50)])
    letter.confirm("ann")
    for hour in range(10):
        letter.run(hour / 24)
    with letter.database.connect() as connection:
        assert len(connection.execute(select(recipients)).all()) == 1
        assert len(connection.execute(select(taken_steps)).all()) == 1
        assert len(connection.execute(select(series)).all()) == 1
        assert len(mailings.every_newest(connection)) == 1


def planned(letter: Newsletter, now: datetime) -> list[tuple[str, int | None, int | None]]:
    plans, _ = plan_of(
        letter.config, letter.database, proofread_steps(letter.config, OtherIssues.of(letter.config)), None, now
    )
    return [(one.slug, one.now, one.in_7_days) for one in plans]


def test_the_plan_says_to_how_many_now_and_within_a_week(letter: Newsletter) -> None:
    letter.step("welcome/03-tips", "2w")
    letter.confirm("ann")
    letter.confirm("ben")
    now = letter.start + timedelta(seconds=5)
    assert planned(letter, now) == [
        (HELLO, 2, 2), (BEST, 0, 2), ("series/welcome/tips", 0, 0),
    ]  # fmt: skip
    letter.run()
    later = now + timedelta(days=4)
    letter.step("welcome/04-new", "1d")  # an inserted one: nobody of today is past it at the run before
    assert planned(letter, later) == [
        (HELLO, 0, 0), ("series/welcome/new", 2, 2), (BEST, 0, 2), ("series/welcome/tips", 0, 0),
    ]  # fmt: skip
    letter.run(4)
    assert Counter(step for _, step in letter.mailed()) == {"hello": 2, "new": 2}


def _command(letter: Newsletter, *words: str) -> subprocess.CompletedProcess[str]:
    url = os.environ.get("PUBLISHER_DATABASE_URL")
    return command(letter.config.root, *words, environment={"PUBLISHER_DATABASE_URL": url} if url else {})


def test_the_commands_plan_and_publish_tell_of_steps_and_mail_each_once(letter: Newsletter) -> None:
    letter.confirm("ann")
    letter.confirm("ben")
    rows = json.loads(_command(letter, "plan", "--format", "json").stdout)["series"]
    assert rows == [{"slug": HELLO, "now": 2, "in_7_days": 2}, {"slug": BEST, "now": 0, "in_7_days": 2}]
    assert f"{HELLO}: to 2 now, to 2 within 7 days\n" in _command(letter, "plan").stdout
    table = _command(letter, "plan", "--format", "markdown").stdout
    assert f"| Step of a series | goes |\n|---|---|\n| `{HELLO}` | to 2 now, to 2 within 7 days |" in table
    assert letter.mailed() == {}  # a plan writes nothing
    done = _command(letter, "publish", "--format", "json")
    (told,) = json.loads(done.stdout)["issues"]
    assert (done.returncode, told["issue"], told["account"]["submitted"]) == (0, HELLO, 2)
    again = _command(letter, "publish")
    assert (again.returncode, HELLO in again.stdout) == (0, False)
    assert letter.mailed() == {("ann", "hello"): 1, ("ben", "hello"): 1}
    letter.step("welcome/02-best-of", "3d", "![](images/none.png)")
    broken = _command(letter, "publish")
    assert (broken.returncode, f"{BEST}: broken: it has errors" in broken.stderr) == (1, True)


@pytest.mark.postgres
def test_a_worker_in_a_checkout_freezes_and_mails_the_steps_that_a_publish_knows(
    shared: Newsletter, request: pytest.FixtureRequest
) -> None:
    letter = shared
    letter.run()  # it writes down which steps there are
    letter.step("course/01-first", "0")  # and not this one
    letter.confirm("ann")
    letter.step("welcome/01-hello", "0", "改过的正文。")
    words = [sys.executable, "-m", "publisher", "--root", str(letter.config.root), "worker"]
    worker = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    request.addfinalizer(worker.kill)
    assert worker.stderr
    said = []
    for line in worker.stderr:
        said.append(line)
        if f"{HELLO}: done" in line:
            break
    worker.terminate()
    assert worker.wait(30) == 0, said
    assert f"worker: {HELLO} frozen for 1 reader in all\n" in said
    assert letter.mailed() == {("ann", "hello"): 1}
    letter.run(0.1)
    assert letter.mailed()["ann", "hello"] == 1


def test_status_names_every_step_and_send_freezes_none(letter: Newsletter) -> None:
    letter.confirm("ann")
    letter.run()
    rows = {str(row["issue"]): row["state"] for row in statuses(letter.config, letter.database).rows}
    assert rows == {HELLO: "done", BEST: "new"}
    with pytest.raises(UsageError, match="is a step of a series"):
        send(letter.config, letter.database, proofread(letter.config, BEST).edition)  # type: ignore[arg-type]
    with letter.database.connect() as connection:
        assert len(mailings.every_newest(connection)) == 1
    assert report(letter.database, letter.config, HELLO) is not None


def test_export_and_import_keep_the_way_of_a_reader(letter: Newsletter, tmp_path: Path) -> None:
    letter.confirm("ann")
    letter.run()
    file = tmp_path / "people.csv"
    with letter.database.connect() as connection, file.open("w", encoding="utf-8", newline="") as out:
        export(connection, out)
    other = open_database(letter.config, f"sqlite:///{tmp_path}/other.db")
    importing.write(other, importing.survey(file, complain=print))
    moved = Newsletter(letter.config, other, letter.start)
    ways = [_record(one, "ann")["enrolments"] for one in (letter.database, other)]
    assert ways[0] == ways[1] != {}
    moved.run(0.1)
    assert letter.mailed() == {("ann", "hello"): 1}
    moved.run(3)
    assert letter.mailed() == {("ann", "hello"): 1, ("ann", "best-of"): 1}
    other.close()


def _record(database: Database, name: str) -> dict[str, object]:
    with database.connect() as connection:
        reader = store.find(connection, read_address(f"{name}@example.com"))
        assert reader
        return record(connection, reader)


def test_a_pause_of_the_reader_lets_the_steps_wait(letter: Newsletter) -> None:
    letter.confirm("ann")
    with letter.database.begin() as connection:
        connection.execute(update(subscribers).values(paused_until=letter.start + timedelta(days=10)))
    letter.run()
    letter.run(4)
    assert letter.mailed() == {}
    with letter.database.begin() as connection:  # the sender goes by the machine's clock
        connection.execute(update(subscribers).values(paused_until=letter.start))
    letter.run(10.1)
    letter.run(11.2)
    assert letter.mailed() == {("ann", "hello"): 1, ("ann", "best-of"): 1}


@pytest.mark.parametrize("steps", [["hello"], ["hello", "best-of"]])
def test_who_pauses_between_the_freeze_and_the_claim_gets_the_step_after_the_pause(
    letter: Newsletter, steps: list[str]
) -> None:
    letter.confirm("ann")
    for number, _ in enumerate(steps):
        letter.run(3.2 * number)
    (letter.config.root / "outbox" / f"series-welcome-{steps[-1]}").rename(letter.config.root / "gone")
    with letter.database.begin() as connection:  # as if the run had died before it mailed
        last = recipients.c.mailing_id == connection.scalar(select(func.max(recipients.c.mailing_id)))
        connection.execute(update(recipients).where(last).values(state="pending", attempts=0))
        connection.execute(update(subscribers).values(paused_until=letter.start + timedelta(days=10)))
    letter.run(4)
    assert letter.mailed() == {("ann", step): 1 for step in steps[:-1]}
    assert letter.status(f"series/welcome/{steps[-1]}")["excluded_by_reason"] == {"paused": 1}
    letter.run(10.1)
    letter.run(11.2)
    letter.run(12.3)
    assert letter.mailed() == {("ann", "hello"): 1, ("ann", "best-of"): 1}


def test_an_older_ledger_that_was_put_back_stops(tmp_path: Path) -> None:
    letter = on_sqlite(tmp_path)
    letter.step("welcome/01-hello", "0")
    letter.confirm("ann")
    letter.run()
    with letter.database.begin() as connection:
        for table in (recipients, taken_steps, mailing_table):
            connection.execute(delete(table))
    assert letter.run(0.1).exit_status == 2
    assert letter.mailed() == {("ann", "hello"): 1}
    letter.run(0.2, unmailed=(HELLO,))
    letter.database.close()
    assert letter.mailed() == {("ann", "hello"): 2}  # an operator said so: another mailing


@pytest.mark.parametrize("days", [0, 90])
def test_whom_events_name_gets_a_forgotten_step_no_second_time_and_the_next_in_its_time(
    tmp_path: Path, days: int
) -> None:
    """The file of events may be as old as the copy that was put back."""
    letter = on_sqlite(tmp_path)
    letter.step("welcome/01-hello", "0")
    letter.step("welcome/02-best-of", "1h")
    letter.confirm("ann")
    letter.confirm("bob")
    letter.run()
    (ann,) = (file for file in (tmp_path / "outbox").rglob("*.eml") if b"ann@example.com" in file.read_bytes())
    with letter.database.begin() as connection:
        for table in (recipients, taken_steps, mailing_table):
            connection.execute(delete(table))
    assert letter.run(0.1).exit_status == 2
    sent = Event(EventKind.SEND, "m1", letter.start - timedelta(days=days), "ann@example.com", recipient=ann.stem)
    applier = Applier(letter.database, letter.config)
    applier.apply([sent])
    applier.settle_waiting()
    letter.run(0.2, unmailed=(HELLO,))
    rested = {("ann", "best-of"): 1} if days else {}
    assert letter.mailed() == {("ann", "hello"): 1, ("bob", "hello"): 2, **rested}
    letter.run(1.3)
    letter.database.close()
    assert letter.mailed() == {("ann", "hello"): 1, ("bob", "hello"): 2, ("ann", "best-of"): 1, ("bob", "best-of"): 1}


@pytest.mark.postgres
def test_a_postgresql_put_back_from_a_dump_mails_no_step_until_an_operator_says_so(
    shared: Newsletter, tmp_path: Path
) -> None:
    """The dump is older than the first step of anybody. The word is about each step, and then all is as ever."""
    url, word = os.environ["PUBLISHER_DATABASE_URL"], {"unmailed": (HELLO, BEST)}
    shared.confirm("ann")
    shared.run(0.1)
    shared.confirm("bob")
    dump(url, tmp_path / "dump")
    shared.run(0.2)
    assert shared.mailed() == {("ann", "hello"): 1, ("bob", "hello"): 1}
    (bob,) = (file for file in (tmp_path / "outbox").rglob("*.eml") if b"bob@example.com" in file.read_bytes())
    shared.database.close()
    put_back(url, tmp_path / "dump")
    shared.database = open_database(shared.config)
    assert freeze_here(shared.config, shared.database, shared.start + timedelta(days=0.3)) == [], "nor does a worker"
    held = shared.run(0.3)
    assert held.exit_status == 2
    assert any("came out of a dump" in one.decision.why for one in held.outcomes)
    assert shared.mailed() == {("ann", "hello"): 1, ("bob", "hello"): 1}
    applier = Applier(shared.database, shared.config)
    applier.apply([Event(EventKind.SEND, "m1", shared.start, "bob@example.com", recipient=bob.stem)])
    applier.settle_waiting()
    assert shared.run(0.4, unmailed=(HELLO,)).exit_status == 2, "the other step waits for its word"
    assert shared.run(0.5, **word).exit_status == 0
    shared.confirm("cy")
    shared.run(0.6)
    assert shared.mailed() == {("ann", "hello"): 1, ("bob", "hello"): 1, ("cy", "hello"): 1}
    shared.step("welcome/03-new", "5d")
    assert shared.run(0.7).exit_status == 0, "it is no copy any more"


@pytest.mark.postgres
def test_what_postgresql_does_by_itself_makes_no_copy(shared: Newsletter) -> None:
    shared.confirm("ann")
    shared.run(0.1)
    shared.database.close()
    with psycopg.connect(os.environ["PUBLISHER_DATABASE_URL"], autocommit=True) as connection:
        for statement in ("VACUUM FREEZE", "VACUUM FULL", "VACUUM (FULL, FREEZE)", "ANALYZE", "CHECKPOINT"):
            connection.execute(statement.encode())
    shared.database = open_database(shared.config)
    assert shared.run(3.2).exit_status == 0
    assert shared.mailed() == {("ann", "hello"): 1, ("ann", "best-of"): 1}


def test_whom_events_name_gets_no_second_copy_where_the_restored_ledger_has_them_pending_in_an_earlier_mailing(
    tmp_path: Path,
) -> None:
    letter = on_sqlite(tmp_path)
    letter.step("welcome/01-hello", "0")
    letter.confirm("ann")
    letter.confirm("bob")
    letter.run()
    shutil.rmtree(tmp_path / "outbox")
    with letter.database.begin() as connection:  # as if the run had died before it mailed
        connection.execute(update(recipients).values(state="pending", attempts=0))
    back_up(letter.config, tmp_path / "backup")
    with letter.database.begin() as connection:
        for table in (recipients, taken_steps, mailing_table):
            connection.execute(delete(table))
    letter.run(0.1, unmailed=(HELLO,))
    (ann,) = (file for file in (tmp_path / "outbox").rglob("*.eml") if b"ann@example.com" in file.read_bytes())
    letter.database.close()
    restore(letter.config, tmp_path / "backup", force=True)
    letter.database = open_database(letter.config)
    assert letter.run(0.2).exit_status == 2
    applier = Applier(letter.database, letter.config)
    applier.apply([Event(EventKind.SEND, "m1", letter.start, "ann@example.com", recipient=ann.stem)])
    applier.settle_waiting()
    letter.run(0.3, unmailed=(HELLO,))
    assert letter.mailed() == {("ann", "hello"): 1, ("bob", "hello"): 2}  # nothing names bob
    letter.database.close()


@pytest.mark.parametrize("told", [False, True])
def test_the_uncertain_of_an_earlier_edition_fall_due_again_on_an_operators_word(
    letter: Newsletter, told: bool
) -> None:
    letter.confirm("ann")
    letter.run()
    (letter.config.root / "outbox" / "series-welcome-hello").rename(letter.config.root / "gone")
    with letter.database.begin() as connection:  # as if nobody knew
        connection.execute(update(recipients).values(state="uncertain", message_id=None))
    letter.step("welcome/01-hello", "0", "改过。")
    letter.confirm("bob")
    letter.run(0.1)
    letter.run(0.2)
    assert letter.mailed() == {("bob", "hello"): 1}
    (doubt,) = (one for one in doubtful(letter.database, HELLO) if one.recipients)
    assert release(letter.database, doubt) == 1
    assert not any(one.recipients for one in doubtful(letter.database, HELLO))
    if told:  # an event that arrives before the next run stops the second copy
        ann = doubt.recipients[0].recipient
        Applier(letter.database, letter.config).apply([Event(EventKind.SEND, "m1", letter.start, recipient=ann)])
    letter.run(0.3)
    letter.run(0.4)
    assert letter.mailed() == {**({} if told else {("ann", "hello"): 1}), ("bob", "hello"): 1}
    row = letter.status(HELLO)
    expected = (2, 2, {}) if told else (3, 2, {"corrected": 1})
    assert (row["audience"], row["submitted"], row["excluded_by_reason"]) == expected


def test_an_id_that_was_mailed_after_the_backup_is_nobody_elses_once_it_is_restored(tmp_path: Path) -> None:
    letter = on_sqlite(tmp_path)
    letter.step("welcome/01-hello", "0")
    waits = letter.confirm("waits")
    letter.run()
    with letter.database.begin() as connection:  # as if the run had died before it mailed
        connection.execute(update(recipients).values(state="pending", attempts=0))
    back_up(letter.config, tmp_path / "backup")
    letter.confirm("ann")  # and is forgotten
    letter.run(0.1)
    letter.database.close()
    restore(letter.config, tmp_path / "backup", force=True)
    letter.database = open_database(letter.config)
    letter.confirm("bob")
    assert letter.run(0.2).exit_status == 2
    letter.run(0.3, unmailed=(HELLO,))
    assert letter.mailed() == {("waits", "hello"): 2, ("ann", "hello"): 1, ("bob", "hello"): 1}  # one file an id
    row = letter.status(HELLO)
    assert (row["audience"], row["submitted"], row["excluded"]) == (2, 2, 0)
    letter.run(0.4)
    with letter.database.connect() as connection:
        steps = dict(connection.execute(select(taken_steps.c.reference, taken_steps.c.mailing_id)).all())
    letter.database.close()
    assert set(steps) > {waits}
    assert len(set(steps.values())) == 1


def test_many_readers_through_a_month_of_hourly_runs_get_each_step_once_and_one_a_day(letter: Newsletter) -> None:
    """SERIES=10000,1 is 10,000 readers and a run each hour."""
    readers, every = map(int, os.environ.get("SERIES", "60,12").split(","))
    started = letter.start
    steps = {"a": "0", "b": "6h", "c": "1d", "d": "3d", "e": "1w"}
    letter.remove("welcome/01-hello")
    letter.remove("welcome/02-best-of")
    for number, (slug, after) in enumerate(steps.items(), 1):
        letter.step(f"welcome/{number:02}-{slug}", after)
    with letter.database.begin() as connection:
        connection.execute(insert(subscribers), [person(n) for n in range(readers)])
        ids = connection.execute(select(subscribers.c.id)).scalars().all()
        rows = [{"subscriber_id": key, "series": "welcome"} for key in ids]
        starts = [started + timedelta(hours=n * 7 % 500) for n in range(readers)]
        connection.execute(insert(enrolments), [row | {"started_at": at} for row, at in zip(rows, starts, strict=True)])
    write = {
        slug: MailContent.of(edition)
        for slug in steps_of(letter.config.root)
        if (edition := proofread(letter.config, slug).edition)
    }
    ready = ready_steps(letter.config)
    for hour in range(0, 33 * 24, every):
        with letter.database.begin() as connection:
            freeze_due(connection, ready, started + timedelta(hours=hour), lambda step: write[step.slug], "zh-CN")
            done = update(recipients).where(recipients.c.state == "pending")
            connection.execute(done.values(state="submitted", changed_at=started + timedelta(hours=hour)))
    with letter.database.connect() as connection:
        taken = connection.execute(select(taken_steps.c.reference, taken_steps.c.step, taken_steps.c.at)).all()
        assert connection.execute(select(func.count()).select_from(recipients)).scalar_one() == len(taken)
    assert len(taken) == readers * len(steps)
    by_reader: dict[str, list[datetime]] = {}
    for reference, _, at in sorted(taken, key=lambda row: row.at):
        by_reader.setdefault(reference, []).append(at)
    assert all(b - a >= timedelta(hours=24) for found in by_reader.values() for a, b in pairwise(found))
    had: dict[str, str] = {}
    for reference, step, _ in sorted(taken, key=lambda row: row.at):
        had[reference] = had.get(reference, "") + step[-1]
    assert {*had.values()} == {"".join(steps)}


_RACE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from publisher.database import open_database
from publisher.delivery.series import freeze_due, ready_steps
from publisher.mail.message import MailContent
from publisher.proofing.proof import proofread, proofread_steps
from tests.delivery.world import make_config
config = make_config(Path(sys.argv[1]))
database, now = open_database(config), datetime.fromisoformat(sys.argv[2])
letters = {s.slug: MailContent.of(proofread(config, s.slug).edition) for s in ready_steps(config)}
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    with database.begin() as connection:
        freeze_due(connection, ready_steps(config), now, lambda step: letters[step.slug], "zh-CN")
        if len(sys.argv) > 3:
            print("frozen", flush=True)
            sys.stdin.readline()
"""


def _process(letter: Newsletter, *more: str) -> subprocess.Popen[str]:
    words = [
        sys.executable,
        "-c",
        _RACE,
        str(letter.config.root),
        (letter.start + timedelta(days=1)).isoformat(),
        *more,
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    process = subprocess.Popen(words, **pipes)  # type: ignore[call-overload]
    assert process.stdout.readline() == "ready\n"
    return process  # type: ignore[no-any-return]


def test_two_processes_at_once_double_nobody_and_one_that_is_killed_leaves_nothing(letter: Newsletter) -> None:
    for name in ("ann", "ben", "cy"):
        letter.confirm(name)
    killed = _process(letter, "waits")
    print(file=killed.stdin, flush=True)
    assert killed.stdout
    assert killed.stdout.readline() == "frozen\n"
    killed.kill()
    killed.wait()
    both = [_process(letter), _process(letter)]
    for process in both:
        print(file=process.stdin, flush=True)
    assert [process.wait(60) for process in both] == [0, 0]
    with letter.database.connect() as connection:
        steps = connection.execute(select(taken_steps.c.reference, taken_steps.c.step)).all()
        assert {step for _, step in steps} == {HELLO}
        assert len(steps) == len({*steps}) == 3
        (mailing,) = mailings.every_newest(connection)
        assert mailing.audience == 3
        assert mailings.account(connection, mailing.id).pending == 3
    letter.run(1)
    letter.run(1)
    assert letter.mailed() == {(name, "hello"): 1 for name in ("ann", "ben", "cy")}


def test_a_freeze_that_dies_between_two_parts_is_carried_on_to_the_same_result(
    letter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gets a later step because the part of an earlier one was not reached."""
    monkeypatch.setattr(series_module, "PART", 2)
    names = [f"r{number}" for number in range(5)]
    for name in names:
        letter.confirm(name)
    frozen: list[int] = []

    def killed(connection: Connection, *of: Any, **named: Any) -> object:
        frozen.append(len(named["part"]))
        if len(frozen) == 3:
            raise KeyboardInterrupt
        return freeze_due(connection, *of, **named)

    monkeypatch.setattr(series_publishing, "freeze_due", killed)
    with pytest.raises(KeyboardInterrupt):
        letter.run(4)
    with letter.database.connect() as connection:
        assert connection.execute(select(func.count()).select_from(recipients)).scalar_one() == 4
    letter.run(4)
    assert frozen == [2, 2, 1, 1]
    assert letter.mailed() == {(name, "hello"): 1 for name in names}
    letter.run(5)
    letter.run(6)
    assert letter.mailed() == {(name, step): 1 for name in names for step in ("hello", "best-of")}


@pytest.mark.postgres
def test_a_worker_waits_for_a_freeze_that_is_not_committed_and_finds_nobody_due(shared: Newsletter) -> None:
    shared.run()
    shared.confirm("ann")
    edition, moment = proofread(shared.config, HELLO).edition, shared.start + timedelta(days=1)
    assert edition
    letter, steps = MailContent.of(edition), ready_steps(shared.config)
    blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with ThreadPoolExecutor() as pool, shared.database.connect() as watch:
        with shared.database.begin() as connection:
            assert len(freeze_due(connection, steps, moment, lambda _: letter, "zh-CN")) == 1
            other, until = pool.submit(freeze_here, shared.config, shared.database, moment), time.monotonic() + 10
            while not watch.execute(blocked).scalar_one() and time.monotonic() < until:
                time.sleep(0.002)
        assert other.result(10) == []


@pytest.mark.postgres
@pytest.mark.parametrize("erased", [False, True])
def test_a_reader_who_leaves_while_a_step_is_frozen_does_not_end_the_run(shared: Newsletter, erased: bool) -> None:
    for name in ("ann", "ben", "cy"):
        shared.confirm(name)
    edition, moment = proofread(shared.config, HELLO).edition, shared.start + timedelta(days=1)
    assert edition
    letter, steps, engine = MailContent.of(edition), ready_steps(shared.config), shared.database.engine
    gone, left_at = subscribers.c.address == "ann@example.com", list[datetime]()

    def leave(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "INSERT INTO recipients" in statement and not left_at:
            left_at.append(moment)
            with shared.database.begin() as other:
                left = subscribers.delete() if erased else update(subscribers).values(state="unsubscribed")
                assert other.execute(left.where(gone)).rowcount == 1

    event.listen(engine, "before_cursor_execute", leave)
    with shared.database.begin() as connection:
        (mailing,) = freeze_due(connection, steps, moment, lambda _: letter, "zh-CN")
        event.remove(engine, "before_cursor_execute", leave)
        assert left_at
        assert mailing.audience == 2
        assert mailings.account(connection, mailing.id).pending == 2


def test_steps_are_found_without_looking_through_all_lost_messages_for_each_reader(tmp_path: Path) -> None:
    (letter,) = made(tmp_path)
    readers, steps = 1_200, ready_steps(letter.config)
    with letter.database.begin() as connection:
        connection.execute(insert(subscribers), [person(n) for n in range(readers)])
        people = connection.execute(select(subscribers.c.id, subscribers.c.reference)).all()
        started = {"series": "welcome", "started_at": letter.start}
        connection.execute(insert(enrolments), [{"subscriber_id": one.id, **started} for one in people])
        lost = {"mailing": "0" * 8, "at": letter.start, "received_at": letter.start, "slug": HELLO}
        rows = [{"number": n, "reference": f"stranger{n}", **lost} for n in range(readers)]
        connection.execute(insert(unmatched_messages), rows)
    done: list[int] = []
    with letter.database.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(lambda: done.append(1), 1_000)
        (plan, *_) = plan_steps(connection, steps, letter.start + timedelta(hours=1))
        driver.set_progress_handler(None, 0)
    assert plan.now == readers
    assert len(done) < readers * 2  # thousands of instructions


def test_the_export_finds_the_steps_of_its_readers_by_key(tmp_path: Path) -> None:
    (letter,) = made(tmp_path)
    letter.confirm("ann")
    letter.run(1)
    plans: list[str] = []
    with letter.database.connect() as connection:

        def explain(_connection: object, cursor: Any, statement: str, values: Any, *_: object) -> None:
            if "taken_steps" in statement:
                told = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", values)
                plans.extend(row[3] for row in told.fetchall())

        event.listen(letter.database.engine, "before_cursor_execute", explain)
        export(connection, out := io.StringIO())
    assert HELLO in out.getvalue()
    assert plans
    assert not [step for step in plans if step.startswith("SCAN") and "json_each" not in step]


def test_writers_do_not_wait_while_a_run_looks_for_readers_who_are_due(tmp_path: Path) -> None:
    """With 300,000 enrolled this takes a second per step, in every run."""
    (letter,) = made(tmp_path)
    letter.confirm("ann")
    letter.run()
    looked: list[bool] = []

    def note(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if "AS reader" in statement:
            looked.append(bool(connection.get_execution_options().get("publisher_writes")))

    event.listen(letter.database.engine, "before_cursor_execute", note)
    letter.run(0.5)
    assert set(looked) == {False}
    letter.run(3)
    assert letter.mailed() == {("ann", "hello"): 1, ("ann", "best-of"): 1}
