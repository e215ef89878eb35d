"""An issue with ``deliver_at``, from its file to the inboxes: due with the first zone, and carried on by every run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher.config import load_config
from publisher.database import open_database
from publisher.publishing.due import Action
from publisher.publishing.publish import PublishOptions, publish
from publisher.publishing.run import IssueResult
from tests.acceptance.conftest import CONFIG, Newsletter

SLUG = "weekly"
ZONES = {"east": "Etc/GMT-3", "home": "", "west": "Etc/GMT+5"}


@pytest.fixture
def letter(tmp_path: Path) -> Newsletter:
    found = Newsletter(tmp_path)
    found.write("config.yaml", CONFIG.replace("Asia/Shanghai", "UTC") + "deploy: {path: live}\n")
    found.write("people.csv", "email,tz\n" + "".join(f"{who}@example.com,{zone}\n" for who, zone in ZONES.items()))
    assert found.run("subscribers", "import", "people.csv").status == 0
    return found


def issue(letter: Newsletter, day: datetime, clock: str, body: str = "正文。", head: str = "") -> None:
    text = f"title: 一周\ndate: {day:%Y-%m-%d}\nstatus: ready\ndeliver_at: {clock} local\n{head}"
    letter.write(f"issues/{SLUG}/issue.yaml", text)
    letter.write(f"issues/{SLUG}/a.md", f"---\nheadline: 甲\n---\n{body}\n")


def mails(letter: Newsletter) -> int:
    return len(list((letter.root / "outbox" / SLUG).glob("*.eml")))


def shift(letter: Newsletter, hours: float) -> None:
    """Time goes on: what is to come comes nearer."""
    with closing(sqlite3.connect(letter.root / ".publisher/publisher.db")) as database, database:
        rows = database.execute(
            "SELECT mailing_id, number, not_before FROM recipients WHERE not_before > ''"
        ).fetchall()
        for mailing, number, moment in rows:
            earlier = (datetime.fromisoformat(moment) - timedelta(hours=hours)).isoformat(timespec="microseconds")
            update = "UPDATE recipients SET not_before = ? WHERE mailing_id = ? AND number = ?"
            database.execute(update, (earlier, mailing, number))


def test_publish_mails_whose_time_has_come_and_waiting_is_no_failure(letter: Newsletter) -> None:
    now = datetime.now(UTC)
    issue(letter, now, f"{now:%H:%M}")
    first, last = (now + timedelta(hours=hours) for hours in (-3, 5))
    told = f"{SLUG}: would be mailed now; at local time from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    assert told in letter.run("plan").out
    assert [moment[:16] for moment in letter.run("plan", "--format", "json").json["decisions"][0]["local_time"]] == [
        f"{first:%Y-%m-%dT%H:%M}", f"{last:%Y-%m-%dT%H:%M}"
    ]  # fmt: skip
    dry = letter.run("send", SLUG, "--dry-run").out
    assert "3 recipients would be mailed" in dry
    ran = letter.run("publish")
    assert (ran.status, mails(letter)) == (0, 2), ran.err
    until = f"1 waits until {last:%Y-%m-%d %H:%M} UTC or later"
    assert until in ran.out

    status = letter.run("status", SLUG, "--format", "json").json
    assert (status["state"], status["pending"], status["submitted"], status["waiting"]) == ("waiting", 1, 2, 1)
    assert status["next_at"].startswith(f"{last:%Y-%m-%dT%H:%M}")
    assert f"{SLUG}: {until}" in letter.run("status").out
    for words in (("publish",), ("send", SLUG)):
        ran = letter.run(*words)
        assert (ran.status, mails(letter), until in ran.out + ran.err) == (0, 2, True), ran.err
    plan = letter.run("plan", "--format", "json").json
    assert plan["due"] == []
    assert f"would go on: {until}" in letter.run("plan").out

    shift(letter, 5.1)
    assert letter.run("plan", "--format", "json").json["work"]
    assert letter.run("publish").status == 0
    assert mails(letter) == 3
    assert letter.run("status", SLUG, "--format", "json").json["state"] == "done"


def test_a_changed_issue_is_a_conflict_until_a_correction_reaches_who_waits(letter: Newsletter) -> None:
    now = datetime.now(UTC)
    issue(letter, now, f"{now:%H:%M}")
    assert letter.run("publish").status == 0
    issue(letter, now, f"{now:%H:%M}", body="改正的正文。")
    ran = letter.run("publish")
    assert (ran.status, f"publisher send {SLUG} --correction" in ran.err) == (1, True)
    ran = letter.run("send", SLUG, "--correction")
    assert (ran.status, mails(letter)) == (0, 2), ran.err
    shift(letter, 5.1)
    ran = letter.run("publish")
    assert (ran.status, mails(letter)) == (0, 3), ran.err
    texts = [path.read_bytes() for path in (letter.root / "outbox" / SLUG).glob("*.eml")]
    assert len(set(texts)) == 3
    row = letter.run("status", SLUG, "--format", "json").json
    assert (row["submitted"], row["excluded_by_reason"]) == (1, {"reached": 2})


def test_who_waited_while_publish_was_down_is_expired(letter: Newsletter) -> None:
    now = datetime.now(UTC)
    issue(letter, now, f"{now:%H:%M}")
    assert letter.run("publish").status == 0
    shift(letter, 5 + 24.1)
    ran = letter.run("publish")
    assert (ran.status, mails(letter)) == (0, 2), ran.err
    assert letter.run("status", SLUG, "--format", "json").json["excluded_by_reason"] == {"expired": 1}


def test_an_issue_is_due_with_the_first_zone_and_expires_after_the_last(letter: Newsletter) -> None:
    day = datetime(2035, 3, 9, 8, tzinfo=UTC)
    issue(letter, day, "08:00")
    config = load_config(letter.root)

    def at(hours: float) -> IssueResult:
        options = PublishOptions(now=day + timedelta(hours=hours))
        with closing(open_database(config)) as database:
            return publish(config, database, options).outcomes[0]

    assert at(-14.1).decision.kind is Action.WAITING
    assert not (letter.root / "live/issues" / SLUG).exists()
    frozen = at(-13.9)
    assert frozen.sent is not None
    assert (frozen.exit_status, frozen.sent.account.waiting, mails(letter)) == (0, 3, 0)
    assert (letter.root / "live/issues" / SLUG / "index.html").exists()
    assert (at(-3.1).exit_status, mails(letter)) == (0, 0)
    assert [(at(hours).exit_status, mails(letter)) for hours in (-3, 0, 4.9, 5)] == [(0, 1), (0, 2), (0, 2), (0, 3)]
    assert at(6).decision.kind is Action.DONE


@pytest.mark.parametrize(("hours", "kind", "mailed"), [(23.9, Action.DUE, 2), (35.9, Action.DUE, 0), (36.1, None, 0)])
def test_a_late_merge_mails_whose_time_passed_by_less_than_a_day(
    letter: Newsletter, hours: float, kind: Action | None, mailed: int
) -> None:
    day = datetime(2035, 3, 9, 8, tzinfo=UTC)
    issue(letter, day, "08:00")
    config = load_config(letter.root)
    with closing(open_database(config)) as database:
        result = publish(config, database, PublishOptions(now=day + timedelta(hours=hours))).outcomes[0]
    assert result.decision.kind is (kind or Action.EXPIRED)
    assert result.exit_status == (0 if kind else 1)
    assert mails(letter) == mailed


def test_a_publish_at_keeps_mail_and_page_back_until_then(letter: Newsletter) -> None:
    day = datetime(2035, 3, 9, 8, tzinfo=UTC)
    issue(letter, day, "08:00", head="publish_at: 2035-03-09T07:00\n")
    config = load_config(letter.root)
    for hours, sent in ((-2, 0), (-1, 1), (0, 2), (5, 3)):
        with closing(open_database(config)) as database:
            publish(config, database, PublishOptions(now=day + timedelta(hours=hours)))
        assert mails(letter) == sent


def test_an_issue_expired_everywhere_is_mailed_at_once_by_who_sends_it_all_the_same(letter: Newsletter) -> None:
    issue(letter, datetime.now(UTC) - timedelta(days=9), "08:00")
    assert letter.run("publish").status == 1
    assert (letter.run("send", SLUG).status, mails(letter)) == (0, 3)


@pytest.mark.parametrize("hours", [-2, 0.5, 2])
def test_an_issue_is_overdue_an_hour_after_its_time_at_home(letter: Newsletter, hours: float) -> None:
    due = datetime.now(UTC) - timedelta(hours=hours)
    issue(letter, due, f"{due:%H:%M}")
    said = letter.run("status").err
    assert (f"{SLUG} was due" in said) is (hours > 1)


def test_a_waiting_mailing_is_no_overdue_one(letter: Newsletter) -> None:
    now = datetime.now(UTC) - timedelta(hours=4)
    issue(letter, now, f"{now:%H:%M}")
    assert letter.run("publish").status == 0
    assert "overdue" not in letter.run("status").err
    assert json.loads(letter.run("status", SLUG, "--format", "json").out)["waiting"] == 1
