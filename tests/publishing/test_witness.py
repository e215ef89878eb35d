"""A ledger that was lost or restored mails nobody again: the archive says which mailings began."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.conftest import CONFIG, Newsletter, Ran
from tests.publishing.newsroom import PEOPLE, Newsroom

SLUG = "2035-01-01-weekly"
STATE = f"issues/{SLUG}/state.json"


@pytest.fixture(params=["apart", "in place"])
def newsletter(tmp_path: Path, request: pytest.FixtureRequest) -> Newsletter:
    made = Newsletter(tmp_path)
    made.write("config.yaml", CONFIG + ("deploy: {path: public}\n" if request.param == "apart" else ""))
    made.subscribers("ann@example.com", "ben@example.com")
    write_issue(made)
    return made


def write_issue(newsletter: Newsletter, slug: str = SLUG, words: str = "正文。") -> None:
    newsletter.write(f"issues/{slug}/issue.yaml", f"title: 周报\ndate: {slug[:10]}\nstatus: ready\n")
    newsletter.write(f"issues/{slug}/a.md", f"---\nheadline: {words[:2]}的消息\n---\n{words}\n")


def archive(newsletter: Newsletter) -> Path:
    apart = newsletter.root / "public"
    return apart if apart.is_dir() else newsletter.root / "dist/site"


def mailed(newsletter: Newsletter) -> int:
    """How many messages lie in the outbox, which is then emptied: it is a witness too."""
    outbox = newsletter.root / "outbox"
    count = len(list(outbox.rglob("*.eml")))
    shutil.rmtree(outbox, ignore_errors=True)
    return count


def forget_marks(newsletter: Newsletter) -> None:
    for mark in (newsletter.root / ".publisher").glob("*.mark"):
        mark.unlink()


def refuses(newsletter: Newsletter, words: str) -> None:
    for command in (("send", SLUG), ("send", SLUG, "--dry-run"), ("publish",)):
        ran = newsletter.run(*command)
        assert ran.status == 2, ran
        assert words in ran.err, ran.err
        assert f"--mailed {SLUG}" in ran.err
    assert mailed(newsletter) == 0
    assert '"decision": "unknown"' in newsletter.run("plan", "--format", "json").out


def test_a_database_lost_with_its_folder_mails_nobody_again(newsletter: Newsletter) -> None:
    assert newsletter.run("publish").status == 0
    assert mailed(newsletter) == 2
    shutil.rmtree(newsletter.root / ".publisher")
    assert '"decision": "unknown"' in newsletter.run("plan", "--format", "json").out  # before there is a database
    newsletter.subscribers("ann@example.com", "ben@example.com")
    refuses(newsletter, "this database knows nothing of it")
    assert newsletter.run("publish", "--mailed", SLUG).status == 0
    assert newsletter.run("send", SLUG).status == 2
    assert mailed(newsletter) == 0


def test_a_backup_from_between_the_page_and_its_mailing_mails_nobody_again(newsletter: Newsletter) -> None:
    config = (newsletter.root / "config.yaml").read_text("utf-8")
    newsletter.write("config.yaml", config + "delivery: {transport: smtp, smtp: {host: 127.0.0.1, port: 9}}\n")
    assert newsletter.run("publish").status == 2
    assert (archive(newsletter) / f"issues/{SLUG}/index.html").is_file()
    assert not (archive(newsletter) / STATE).exists()
    assert newsletter.run("backup", "kept").status == 0
    newsletter.write("config.yaml", config)
    assert newsletter.run("publish").status == 0
    assert mailed(newsletter) == 2
    assert newsletter.run("restore", "--force", "kept").status == 0
    forget_marks(newsletter)
    refuses(newsletter, "this database knows nothing of it")
    # the operator's word holds for what began before it, and not for what begins after, whatever the clocks say
    state = archive(newsletter) / STATE
    hour = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    state.write_text(json.dumps(json.loads(state.read_text()) | {"at": hour}))
    assert newsletter.run("publish", "--unmailed", SLUG).status == 0
    assert mailed(newsletter) == 2
    with sqlite3.connect(newsletter.root / ".publisher/publisher.db") as ledger:
        ledger.executescript("DELETE FROM recipients; DELETE FROM senders; DELETE FROM mailings")
    forget_marks(newsletter)
    refuses(newsletter, "this database knows nothing of it")


def test_a_ledger_put_back_to_the_middle_of_a_finished_mailing_stops(newsletter: Newsletter) -> None:
    assert newsletter.run("send", SLUG).status == 0 if archive(newsletter).exists() else True
    assert newsletter.run("publish").status == 0
    mailed(newsletter)
    with sqlite3.connect(newsletter.root / ".publisher/publisher.db") as ledger:
        ledger.execute("UPDATE mailings SET finished_at = NULL")
        ledger.execute("UPDATE recipients SET state = 'pending', message_id = NULL WHERE number = 2")
    forget_marks(newsletter)
    refuses(newsletter, "came further than this database knows")
    for words in (("publish", "--mailed", SLUG), ("publish",)):
        ran = newsletter.run(*words)
        assert (ran.status, mailed(newsletter)) == (0, 0), ran
        assert "1 issue mailed elsewhere" in ran.out
    assert newsletter.run("send", SLUG).status == 2
    assert mailed(newsletter) == 0
    assert newsletter.run("publish", "--unmailed", SLUG).status == 0
    assert mailed(newsletter) == 1


def test_that_readers_have_an_issue_which_is_being_mailed_is_refused(newsletter: Newsletter) -> None:
    """As far as ledger and witnesses tell, some have not: the word would be broken by the same run."""
    assert newsletter.run("publish").status == 0
    mailed(newsletter)
    with sqlite3.connect(newsletter.root / ".publisher/publisher.db") as ledger:
        ledger.execute("UPDATE recipients SET state = 'pending', message_id = NULL WHERE number = 2")
    (archive(newsletter) / STATE).unlink()
    forget_marks(newsletter)
    for stopped in (False, True):
        ran = newsletter.run("publish", "--mailed", SLUG)
        assert (ran.status, mailed(newsletter)) == (2, 0), ran
        assert f"publisher cancel {SLUG}" in ran.err
        assert stopped or newsletter.run("pause", SLUG).status == 0
    assert newsletter.run("cancel", SLUG, "--yes").status == 0
    assert newsletter.run("publish", "--mailed", SLUG).status == 0
    assert mailed(newsletter) == 0


def test_of_two_databases_that_mail_one_issue_at_once_one_does(tmp_path: Path) -> None:
    """Two jobs of a CI, each with a database of its own: both looked at the archive before either mailed."""
    shared = f"deploy: {{path: {tmp_path / 'public'}}}\n"
    made = [Newsletter(tmp_path / name) for name in ("one", "two")]
    for newsletter in made:
        newsletter.write("config.yaml", CONFIG + shared)
        newsletter.subscribers("ann@example.com", "ben@example.com")
        write_issue(newsletter)
    with ThreadPoolExecutor() as pool:
        ran = list(pool.map(lambda one: publish_together(one, tmp_path), made))
    assert sorted(one.status for one in ran) == [0, 2], ran
    assert sorted(mailed(one) for one in made) == [0, 2]
    loser = made[0] if ran[0].status else made[1]
    assert "this database knows nothing of it" in ran[made.index(loser)].err
    for words in (("publish",), ("send", SLUG)):
        assert loser.run(*words).status == 2
    assert (loser.run("publish", "--mailed", SLUG).status, mailed(loser)) == (0, 0)


def publish_together(newsletter: Newsletter, meeting: Path) -> Ran:
    """``publish``, which waits, once it has seen the page live, until the other has as well."""
    program = (
        "import pathlib, time, os\n"
        "import publisher.publishing.publish as module\n"
        "from publisher.cli import main\n"
        "see = module.wait_until_live\n"
        f"meeting = pathlib.Path({str(meeting)!r})\n"
        "def wait(*args):\n"
        "    (meeting / f'{os.getpid()}.here').touch()\n"
        "    until = time.monotonic() + 30\n"
        "    while len(list(meeting.glob('*.here'))) < 2 and time.monotonic() < until: time.sleep(0.01)\n"
        "    return see(*args)\n"
        "module.wait_until_live = wait\n"
        "main()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, "--root", str(newsletter.root), "publish"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_of_two_copies_of_one_database_that_go_on_with_a_mailing_one_does(newsletter: Newsletter) -> None:
    """A cache of a CI put an old database back: what it has begun may be under way from another copy of it."""
    assert newsletter.run("publish").status == 0
    mailed(newsletter)
    ledger = newsletter.root / ".publisher/publisher.db"
    with sqlite3.connect(ledger) as connection:
        connection.execute("UPDATE mailings SET finished_at = NULL")
        connection.execute("UPDATE recipients SET state = 'pending', message_id = NULL WHERE number = 2")
    forget_marks(newsletter)
    state = json.loads((archive(newsletter) / STATE).read_text())
    (archive(newsletter) / STATE).write_text(json.dumps(state | {"finished": False, "run": "0123456789abcdef"}))
    refuses(newsletter, "came further than this database knows")
    (archive(newsletter) / STATE).write_text(json.dumps(state | {"finished": False}))
    assert (newsletter.run("publish").status, mailed(newsletter)) == (0, 1)


def test_the_state_stays_through_corrections_withdrawal_and_other_issues(newsletter: Newsletter) -> None:
    assert newsletter.run("publish").status == 0
    state = json.loads((archive(newsletter) / STATE).read_text())
    assert state["finished"] is True
    assert set(state) == {"mailing", "digest", "at", "runs", "finished", "run"}  # and no number of readers
    write_issue(newsletter, words="改过的正文。")
    write_issue(newsletter, "2035-01-08-weekly", "另外一期说别的事。")
    assert newsletter.run("publish").status == 0
    assert newsletter.run("send", SLUG, "--correction").status == 0
    assert json.loads((archive(newsletter) / STATE).read_text())["mailing"] != state["mailing"]
    assert newsletter.run("send", SLUG).status == 0  # which sends nothing twice
    write_issue(newsletter, "2035-01-15-weekly", "第三期没有网页。")
    assert newsletter.run("send", "2035-01-15-weekly").status == 0
    for slug in (SLUG, "2035-01-15-weekly"):
        shutil.rmtree(newsletter.root / "issues" / slug)
    ran = newsletter.run("publish")
    assert (ran.status, ran.out.count("withdrawn: no longer in the repository")) == (0, 2)
    assert (archive(newsletter) / STATE).is_file()


def test_a_state_that_cannot_be_read_stops(newsletter: Newsletter) -> None:
    assert newsletter.run("publish").status == 0
    (archive(newsletter) / STATE).write_text("{}")
    shutil.rmtree(newsletter.root / ".publisher")
    newsletter.subscribers("ann@example.com")
    ran = newsletter.run("send", SLUG)
    assert (ran.status, "state.json cannot be read" in ran.err) == (2, True)


def test_a_bucket_tells_what_began_and_an_archive_out_of_reach_stops_send(newsroom: Newsroom) -> None:
    newsroom.set_up()
    newsroom.subscribers("ann@example.com", "ben@example.com")
    slug = newsroom.issue()
    newsroom.commit("One")
    assert newsroom.run("publish").status == 0
    newsroom.issue("2035-03-16-weekly", body="别的一期。")
    newsroom.commit("Two")
    assert newsroom.run("publish").status == 0
    key = f"issues/{slug}/state.json"
    held = newsroom.s3.get_object(Bucket=newsroom.bucket, Key=key)
    assert held["CacheControl"] == "no-store"
    assert json.loads(held["Body"].read())["finished"] is True
    before = newsroom.mailed()
    shutil.rmtree(newsroom.root / ".publisher")
    newsroom.subscribers("ann@example.com", "ben@example.com")
    assert newsroom.run("send", slug).status == 2
    away = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    ran = newsroom.run("send", slug, **away)
    assert (ran.status, "--without-archive" in ran.err) == (2, True)
    assert newsroom.mailed() == before
    assert newsroom.run("send", slug, "--without-archive", **away).status == 0  # an operator's own word
    assert newsroom.mailed() != before


@pytest.mark.parametrize("restored", ["restore", "dump"])
def test_whom_events_name_gets_no_second_copy_from_a_restored_ledger(
    newsroom: Newsroom, restored: str, request: pytest.FixtureRequest
) -> None:
    """By the mark beside SQLite; by ``state.json`` where PostgreSQL was put back from a dump."""
    newsroom.set_up()
    if restored == "dump":
        newsroom.environment |= {"PUBLISHER_DATABASE_URL": request.getfixturevalue("postgres_url")}
    newsroom.subscribers(*PEOPLE)
    slug = newsroom.issue()
    newsroom.commit("One")
    if restored == "restore":
        assert newsroom.run("backup", "kept").status == 0
    assert newsroom.run("publish").status == 0
    told = newsroom.ses.account.events(("Send", "Delivery"))
    events = [event for event in told if event["mail"]["destination"] != ["cy@example.com"]]
    if restored == "restore":
        assert newsroom.run("restore", "--force", "kept").status == 0
    else:
        with psycopg.connect(newsroom.environment["PUBLISHER_DATABASE_URL"]) as ledger:
            for table in ("recipients", "senders", "mailings", "publications"):
                ledger.execute(f"DELETE FROM {table}".encode())  # as a dump of before has it
    newsroom.newsletter.write("events.jsonl", "".join(json.dumps(event) + "\n" for event in events))
    assert newsroom.run("events", "apply", "events.jsonl").status == 0
    assert newsroom.run("publish").status == 2
    ran = newsroom.run("publish", "--unmailed", slug)
    assert (ran.status, "2 readers had it" in ran.err) == (0, True), ran
    assert newsroom.mailed() == [*PEOPLE, "cy@example.com"]  # of cy nobody knew
    account = json.loads(newsroom.run("status", slug, "--format", "json").out)
    assert account["excluded_by_reason"] == {"reached": 2}
    assert newsroom.run("publish").status == 0
    assert len(newsroom.mailed()) == 4
