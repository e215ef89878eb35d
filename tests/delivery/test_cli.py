"""``send``, ``status``, ``pause``, ``resume``, ``cancel`` as typed; a fault of the environment is one line."""

from __future__ import annotations

import json
import logging
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from publisher.audience.tables import subscribers
from publisher.cli import app as cli
from publisher.database import open_database
from publisher.delivery.mailings import newest
from publisher.delivery.tables import mailings, recipients, senders
from tests.delivery.world import SLUG, add_people, make_config
from tests.stubs.ses import SesServer
from tests.stubs.smtp import Relay

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
newsletter:
  name: AI 周报
  language: zh-CN
  timezone: Asia/Shanghai
  url: https://news.weekly.test/
  from: AI 周报 <weekly@news.weekly.test>
  postal_address: 上海市南京东路 1 号, 200001
service: {{url: "https://letters.weekly.test/"}}
delivery: {{transport: {transport}, ses: {{region: eu-west-1}}}}
"""

Run = Callable[..., tuple[int, str, str]]


def write_issue(root: Path, slug: str = SLUG, head: str = "", title: str = "一周") -> Path:
    folder = root / "issues" / slug
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "issue.yaml").write_text(f"title: {title}\ndate: {slug[:10]}\nstatus: ready\n{head}", encoding="utf-8")
    (folder / "a.md").write_text("---\nheadline: 甲\n---\n正文 {{ x }} 完。\n", encoding="utf-8")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A newsletter with an issue and two subscribers, sent into a folder."""
    (tmp_path / "config.yaml").write_text(CONFIG.format(transport="folder"), encoding="utf-8")
    write_issue(tmp_path)
    database = open_database(make_config(tmp_path))
    add_people(database, 2)
    database.close()
    return tmp_path


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("send", SLUG)``: exit status, standard output, standard error. A traceback fails the test."""

    def run_(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["publisher", "--root", str(root), *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, out, err

    return run_


def row(run: Run) -> dict[str, Any]:
    status, out, _ = run("status", SLUG, "--format", "json")
    assert status == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_life_of_a_mailing(run: Run) -> None:
    assert row(run)["state"] == "new"
    assert run("pause", SLUG)[0] == 2
    status, out, _ = run("send", SLUG, "--dry-run")
    assert (status, "2 recipients would be mailed" in out) == (0, True)
    assert row(run)["state"] == "new"
    status, out, err = run("send", SLUG)
    assert status == 0
    assert out == f"{SLUG}: audience 2: 2 submitted\n"
    assert "example.com" not in out + err
    found = row(run)
    assert (found["state"], found["submitted"], found["audience"]) == ("done", 2, 2)
    assert set(found) == {
        "issue", "state", "digest", "commit", "audience", "excluded", "pending", "claimed", "submitted", "rejected",
        "uncertain", "delivered", "bounced", "complained", "excluded_by_reason",
    }  # fmt: skip
    assert run("send", SLUG)[0] == 0
    assert run("cancel", SLUG)[0] == 2
    status, _, err = run("resume", SLUG)
    assert (status, "nothing is left to resume" in err) == (2, True)


def test_pause_resume_and_cancel(run: Run, root: Path) -> None:
    database = open_database(make_config(root))
    run("send", SLUG)
    with database.begin() as connection:
        connection.execute(update(recipients).where(recipients.c.number == 1).values(state="pending", message_id=None))
        connection.execute(update(senders).values(host="here"))  # an older version did not record the transport
    assert row(run)["state"] == "stopped"
    assert run("pause", SLUG)[0] == 0
    assert row(run)["state"] == "paused"
    status, _, err = run("send", SLUG)
    assert (status, "publisher resume" in err) == (1, True)
    assert run("resume", SLUG)[0] == 0
    assert run("cancel", SLUG, "--yes")[0] == 0
    assert row(run)["state"] == "cancelled"
    assert run("resume", SLUG)[0] == 2
    status, _, err = run("send", SLUG, "--correction")
    assert (status, "has not changed since it was cancelled" in err) == (2, True)
    assert row(run)["state"] == "cancelled"
    assert run("send", SLUG)[0] == 0  # a new mailing, to the one not reached
    with database.connect() as connection:
        mailing = newest(connection, SLUG)
    assert mailing is not None
    assert mailing.sequence == 2
    assert row(run)["excluded_by_reason"] == {"reached": 1}
    database.close()


def test_send_speaks_json_lines(run: Run) -> None:
    status, out, _ = run("send", SLUG, "--format", "json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [line["event"] for line in (lines[0], lines[-1])] == ["start", "end"]
    assert (lines[0]["pending"], lines[-1]["submitted"], lines[-1]["state"]) == (2, 2, "done")


def test_a_changed_edition_is_refused_with_the_way_out(run: Run, root: Path) -> None:
    run("send", SLUG)
    write_issue(root, title="另一周")
    status, _, err = run("send", SLUG)
    assert (status, "--correction" in err) == (2, True)
    assert run("send", SLUG, "--correction")[0] == 0
    assert len(list((root / "outbox" / SLUG).iterdir())) == 4


@pytest.mark.parametrize("head", ["status: draft\n", "colour: red\n"])
def test_what_is_a_draft_or_wrong_is_not_sent(run: Run, root: Path, head: str) -> None:
    write_issue(root, head=head if "status" not in head else "")
    if "status" in head:
        path = root / "issues" / SLUG / "issue.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("status: ready", "status: draft"), encoding="utf-8")
    status, out, err = run("send", SLUG)
    assert (status, out) == (1, "")
    assert "draft" in err or "colour" in err
    assert not (root / "outbox").exists()


def test_an_issue_that_is_early_is_sent_with_a_warning_for_the_call_is_explicit(run: Run, root: Path) -> None:
    write_issue(root, head="publish_at: 2999-01-01T08:00:00+08:00\n")
    status, _, err = run("send", SLUG)
    assert (status, "is due only 2999-01-01" in err) == (0, True)


def test_an_overdue_other_issue_is_reported_and_fails_nothing(run: Run, root: Path) -> None:
    write_issue(root, "2024-11-01-forgotten")
    status, _, err = run("send", SLUG)
    assert (status, "overdue: 2024-11-01-forgotten" in err) == (0, True)


def test_tests_go_to_each_address_given(run: Run, root: Path) -> None:
    status, out, _ = run("send", SLUG, "--test", "a@example.com", "b@example.com", "--dry-run")
    assert (status, out) == (0, "2 recipients would be mailed; nothing was sent or written\n")
    assert not (root / "outbox").exists()
    status, _, _ = run("send", SLUG, "--test", "a@example.com", "b@example.com")
    assert status == 0
    assert len(list((root / "outbox" / SLUG).glob("test*.eml"))) == 2
    assert row(run)["state"] == "new"


@pytest.mark.parametrize("wrong", ["b.example.com", "B <b@example.com>"])
def test_no_test_goes_out_where_one_address_is_none(run: Run, root: Path, wrong: str) -> None:
    status, _, err = run("send", SLUG, "--test", "a@example.com", wrong)
    assert (status, one_line(err).startswith("error: --test: ")) == (2, True)
    assert not list((root / "outbox").glob("*/test*.eml"))


@pytest.mark.parametrize("spread", ["2", "h", "-1h", "9d", "nanh"])
def test_a_spread_that_is_no_time_is_a_wrong_call(run: Run, spread: str) -> None:
    assert run("send", SLUG, f"--spread={spread}")[0] == 2


def one_line(err: str) -> str:
    """The error, which has to be one line, with a help line."""
    lines = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, err
    assert "help:" in err
    return lines[0]


def through_ses(root: Path) -> None:
    (root / "config.yaml").write_text(CONFIG.format(transport="ses"), encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"refuse": {"status": 400, "code": "MessageRejected", "message": "not verified"}}, "not verified"),
        ({"refuse_account": {"status": 403, "code": "ExpiredTokenException"}}, "expired"),
        ({"refuse": {"status": 403, "code": "ExpiredTokenException"}}, "expired"),
    ],
)
def test_a_provider_that_refuses_is_one_line(
    run: Run, root: Path, ses: Callable[..., SesServer], settings: dict[str, Any], words: str
) -> None:
    server = ses(**settings)
    through_ses(root)
    status, _, err = run("send", SLUG)
    assert (status, words in one_line(err)) == (2, True)
    server.account.change({"refuse": {}, "refuse_account": {}})
    assert run("send", SLUG)[0] == 0
    assert row(run)["submitted"] == len(server.account.accepted) == 2


def test_no_network_and_a_wrong_region_are_one_line(
    run: Run, root: Path, ses: Callable[..., SesServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    ses()
    through_ses(root)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:9")
    status, _, err = run("send", SLUG)
    assert (status, "cannot be reached" in one_line(err)) == (2, True)
    path = root / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("eu-west-1", "eu west"), encoding="utf-8")
    status, _, err = run("send", SLUG)
    assert status == 2
    assert "region" in err
    assert row(run)["state"] == "new"


def test_a_database_from_a_newer_version_is_left_alone(run: Run, root: Path) -> None:
    path = root / ".publisher" / "publisher.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_future'")
    for words in (("send", SLUG), ("status",), ("pause", SLUG)):
        status, _, err = run(*words)
        assert (status, "newer version" in one_line(err)) == (2, True)
    assert not (root / "outbox").exists()


def test_a_read_only_database_is_one_line(run: Run, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / ".publisher" / "publisher.db"
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", f"sqlite:///file:{path}?mode=ro&uri=true")
    status, _, err = run("send", SLUG)
    assert (status, "read-only" in one_line(err)) == (2, True)
    assert not (root / "outbox" / SLUG).exists() or not list((root / "outbox" / SLUG).iterdir())


def test_a_clock_that_steps_back_changes_nothing(run: Run, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import datetime

    from publisher.delivery import ledger

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(1999, 1, 1, tzinfo=tz)

    run("send", SLUG)
    database = open_database(make_config(root))
    with database.begin() as connection:
        connection.execute(update(recipients).where(recipients.c.number == 1).values(state="pending", message_id=None))
    database.close()
    monkeypatch.setattr(ledger, "datetime", Earlier)
    assert run("send", SLUG)[0] == 0
    assert row(run)["submitted"] == 2


def test_a_full_outbox_is_one_line_and_the_next_run_carries_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("publisher.providers.folder.write_file", full)
        status, _, err = run("send", SLUG)
    assert (status, "No space left" in one_line(err)) == (2, True)
    assert run("send", SLUG)[0] == 0
    assert row(run)["submitted"] == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_in_order_and_the_next_carries_on(
    run: Run, root: Path, ses: Callable[..., SesServer], number: signal.Signals
) -> None:
    server = ses(rate=200)
    through_ses(root)
    database = open_database(make_config(root))
    add_people(database, 400, start=10)
    database.close()
    heeds = partial(signal.signal, number, signal.SIG_DFL)  # whatever these tests were told to ignore, as by nohup
    process = begin(root, server, preexec_fn=heeds if number == signal.SIGHUP else None)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"publisher send {SLUG} carries on" in err
    found = row(run)
    assert (found["state"], found["claimed"], found["uncertain"]) == ("stopped", 0, 0)
    assert 0 < found["submitted"] == len(server.account.accepted) < 402
    server.account.change({"rate": 0})
    assert run("send", SLUG)[0] == 0
    assert server.account.summary()["distinct"] == len(server.account.accepted) == 402


def test_two_signals_leave_a_relay_in_mid_message(run: Run, root: Path) -> None:
    database = open_database(make_config(root))
    add_people(database, 40, start=10)
    database.close()
    with Relay(seconds=3) as relay:
        config = CONFIG.format(transport=f"smtp, smtp: {{host: 127.0.0.1, port: {relay.port}}}")
        (root / "config.yaml").write_text(config, encoding="utf-8")
        process = begin(root, relay)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1, err
        assert "Traceback" not in err
        assert f"publisher send {SLUG} carries on" in err
        found = row(run)
        assert (found["claimed"], found["uncertain"], found["pending"]) == (0, 1, 41)
        relay.seconds = 0
        run("send", SLUG)
        reached = [to for to, _ in relay.accepted]
        assert len(reached) == len({*reached}) >= 41


def test_a_signal_waits_for_the_message_that_a_slow_relay_has_and_for_no_more(run: Run, root: Path) -> None:
    """A supervisor kills after some seconds (systemd 90, Docker 10): what would still be in flight is uncertain."""
    database = open_database(make_config(root))
    add_people(database, 40, start=10)
    database.close()
    with Relay(seconds=1.5) as relay:
        config = CONFIG.format(transport=f"smtp, smtp: {{host: 127.0.0.1, port: {relay.port}}}")
        (root / "config.yaml").write_text(config, encoding="utf-8")
        process = begin(root, relay)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1, err
        assert "41 recipients are left" in err
        found = row(run)
        assert (found["submitted"], found["uncertain"], found["pending"]) == (1, 0, 41)
        relay.seconds = 0
        assert run("send", SLUG)[0] == 0
        reached = [to for to, _ in relay.accepted]
        assert len(reached) == len({*reached}) == 42


def begin(root: Path, server: SesServer | Relay, *options: str, **ways: Any) -> subprocess.Popen[str]:
    """``publisher send``, of which the provider has some messages."""
    taken = server.accepted if isinstance(server, Relay) else server.account.accepted
    words = [sys.executable, "-m", "publisher", "--root", str(root), "send", SLUG, *options]
    ways = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | ways
    process = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, **ways)
    while not taken and process.poll() is None:
        time.sleep(0.02)
    return process


def test_a_mailing_outlives_whoever_reads_what_it_says(run: Run, root: Path, ses: Callable[..., SesServer]) -> None:
    """``publisher send … | head``; a terminal that is gone, of a process that ignores the signal."""
    server = ses(rate=200)
    through_ses(root)
    database = open_database(make_config(root))
    add_people(database, 150, start=10)
    database.close()
    process = begin(root, server, "--format", "json")
    assert process.stdout
    assert '"event": "start"' in process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert server.account.summary()["distinct"] == len(server.account.accepted) == 152

    write_issue(root, title="又一周")
    server.account.accepted.clear()
    terminal, end = pty.openpty()
    nohup = {
        "stdin": end,
        "stdout": end,
        "stderr": end,
        "preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    }
    process = begin(root, server, "--correction", "--yes", **nohup)
    os.close(end)
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 0
    assert server.account.summary()["distinct"] == len(server.account.accepted) == 152
    assert row(run)["submitted"] == 152


def test_a_sender_notices_that_its_database_was_taken_away(run: Run, root: Path, ses: Callable[..., SesServer]) -> None:
    server = ses(rate=200)
    through_ses(root)
    database = open_database(make_config(root))
    add_people(database, 400, start=10)
    database.close()
    process = begin(root, server)
    path = root / ".publisher" / "publisher.db"
    path.rename(path.with_suffix(".away"))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "was moved, deleted or replaced" in err
    server.account.change({"rate": 0})
    path.unlink(missing_ok=True)
    path.with_suffix(".away").rename(path)
    found = row(run)
    assert 0 < found["submitted"] == len(server.account.accepted) < 402  # what was in flight is in the file
    assert run("send", SLUG)[0] == 0
    assert server.account.summary()["distinct"] == len(server.account.accepted) == 402


def test_a_mark_that_cannot_be_written_leaves_nobody_uncertain(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> bool:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("publisher.delivery.lock.write_file", full)
        status, _, err = run("send", SLUG)
    assert (status, "the mark" in one_line(err)) == (2, True)
    found = row(run)
    assert (found["state"], found["pending"], found["claimed"]) == ("pending", 2, 0)
    assert run("send", SLUG)[0] == 0
    assert row(run)["submitted"] == 2


def test_who_got_an_issue_and_who_did_not(run: Run, root: Path) -> None:
    assert run("subscribers", "list", "--of", SLUG)[0] == 2  # nothing of it has been frozen
    run("subscribers", "remove", "reader0@example.com")
    run("subscribers", "add", "late@example.com")
    run("send", SLUG)
    database = open_database(make_config(root))
    with database.begin() as connection:
        of = update(recipients).where(recipients.c.reference == subscribers.c.reference)
        late = of.where(subscribers.c.address_key == "late@example.com")
        connection.execute(late.values(state="rejected", reason="550"))
    assert run("subscribers", "list", "--of", SLUG)[1].splitlines() == [
        "reader0@example.com  excluded  unsubscribed",
        "reader1@example.com  submitted",
        "late@example.com  rejected  550",
    ]
    out = run("subscribers", "list", "--of", SLUG, "--state", "rejected", "--state", "bounced", "--format", "json")[1]
    told = {"email": "late@example.com", "state": "rejected", "reason": "550", "feedback": None}
    assert json.loads(out) == [told]
    # of several mailings what says most: who had it, had it
    with database.begin() as connection:
        connection.execute(
            update(recipients).where(recipients.c.state == "rejected").values(state="pending", reason=None)
        )
        connection.execute(update(mailings).values(finished_at=None))
    assert run("cancel", SLUG, "--yes")[0] == 0
    run("send", SLUG)
    run("subscribers", "erase", "late@example.com", "--yes")
    listed = run("subscribers", "list", "--of", SLUG, "--state", "submitted")[1].splitlines()
    assert listed == ["reader1@example.com  submitted", "(erased)  submitted"]
    assert run("subscribers", "list", "--of", SLUG, "--state", "sent")[0] == 2
    assert run("subscribers", "list", "--of", "nothing")[0] == 2
    assert run("subscribers", "list", "--state", "pending")[0] == 2
    database.close()


def test_status_tells_of_overdue_issues(run: Run, root: Path) -> None:
    status, out, err = run("status")
    assert (status, SLUG in out, f"overdue: {SLUG}" in err) == (0, True, True)


@pytest.mark.parametrize("source", ["variable", "config"])
def test_the_webhook_hears_of_a_tripwire(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    monkeypatch.setattr(logging.getLogger("httpx"), "level", logging.NOTSET)
    caplog.set_level(logging.INFO)  # as serve has it
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from publisher.delivery.tripwires import Tripped, alert

    heard: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    config = make_config(root)
    webhook = f"http://127.0.0.1:{server.server_address[1]}/"
    if source == "variable":
        monkeypatch.setenv("PUBLISHER_ALERTS_WEBHOOK", webhook)
    named = webhook if source == "config" else "http://127.0.0.1:1/the-variable-wins"
    told = config.model_copy(update={"alerts": config.alerts.model_copy(update={"webhook": named})})
    tripped = [Tripped("reached-twice", SLUG, "2 were reached twice", "look")]
    assert alert(told, tripped) is None
    assert heard[0]["tripwires"] == [
        {"name": "reached-twice", "issue": SLUG, "message": "2 were reached twice", "help": "look"}
    ]
    server.shutdown()
    server.server_close()
    note = str(alert(told, tripped))
    assert "ConnectError" in note
    assert "127.0.0.1" not in note + caplog.text, "the address is a secret"
    monkeypatch.delenv("PUBLISHER_ALERTS_WEBHOOK", raising=False)
    assert alert(config, tripped) is None


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("issue.yaml", "title: a\nstatus: ready\ndate: [2026\n", "issue.yaml:3: the list is not closed"),
        ("issue.yaml", "x", "issue.yaml:1: "),
        ("issue.yaml", None, "issue.yaml"),
        ("a.md", "---\nheadline: [\n---\ntext\n", "a.md:"),
        ("a.md", "---\nheadline: a\n", "a.md:"),
        ("issue.yaml", "title: a\n\0", "issue.yaml:"),
    ],
)
def test_status_says_that_an_issue_cannot_be_read(root: Path, run: Run, name: str, text: str | None, said: str) -> None:
    folder = write_issue(root)
    (folder / name).unlink() if text is None else (folder / name).write_text(text)
    for words, expected in ((["status", SLUG], 1), (["status", SLUG, "--format", "json"], 1), (["status"], 0)):
        status, out, err = run(*words)
        assert status == expected
        assert f"{SLUG} cannot be read: issues/{SLUG}/" in err
        assert said in err
        assert f"publisher check {SLUG}" in err
        assert SLUG in out
    status, out, _ = run("status", SLUG, "--format", "json")
    assert json.loads(out)["state"] == "new"
