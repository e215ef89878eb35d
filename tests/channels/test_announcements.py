"""An issue is announced once per channel, after its mailing; only an operator can repeat uncertain announcements."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from publisher.channels import Post, RefusedError, outbox
from publisher.channels.channel import open_channels
from publisher.channels.outbox import AnnouncementState
from publisher.config import load_config
from publisher.database import Database, open_database
from publisher.errors import UsageError
from publisher.providers import Quota
from publisher.publishing.lease import LeaseLostError
from publisher.publishing.publish import PublishOptions
from publisher.publishing.publish import publish as run_publish
from publisher.publishing.run import to_post
from publisher.testing import FakeTransport
from tests.acceptance.conftest import CONFIG, Newsletter, newsletter
from tests.delivery.world import add_people
from tests.warm import clean_environment

__all__ = ["newsletter"]

SLUG = f"{date.today()}-weekly"
TEAM = "channels: [{name: team}]\n"


class Board:
    """A service on loopback that keeps what is posted to it; ``answer`` says what it answers, None nothing at all."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.answer: Callable[[], int | None] = lambda: 200
        board = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                board.posts.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                if (status := board.answer()) is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"json://127.0.0.1:{self.server.server_address[1]}/secret-path"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def database(newsletter: Newsletter, dialect: str) -> Iterator[Database]:
    opened = open_database(load_config(newsletter.root))
    yield opened
    opened.close()


@pytest.fixture
def room(newsletter: Newsletter) -> Newsletter:
    newsletter.write("config.yaml", CONFIG + TEAM)
    newsletter.issue(SLUG, "subtitle: 副标题\ntags: [ai]\n")
    text = newsletter.root / f"issues/{SLUG}/issue.yaml"
    text.write_text(text.read_text(encoding="utf-8").replace("2024-12-29", str(date.today())), encoding="utf-8")
    newsletter.subscribers("ann@example.com")
    return newsletter


def publish(room: Newsletter, board: Board, *words: str) -> Any:
    return room.run("publish", *words, PUBLISHER_CHANNEL_TEAM=board.address)


def mailed(room: Newsletter) -> int:
    return len(list((room.root / "outbox").glob("*/*.eml")))


def state(room: Newsletter) -> list[str]:
    return [one["state"] for one in room.run("status", SLUG, "--format", "json").json["announcements"]]


def test_an_issue_is_announced_once_with_title_summary_and_page(room: Newsletter, board: Board) -> None:
    first = publish(room, board)
    assert first.status == 0, first.err
    assert publish(room, board).status == 0
    (post,) = board.posts
    assert post["title"] == "一周"
    assert post["message"].split() == ["副标题", f"https://news.weekly.test/issues/{SLUG}/"]
    assert state(room) == ["posted"]
    assert mailed(room) == 1


def test_nothing_is_sent_where_a_channel_has_no_address(room: Newsletter) -> None:
    ran = room.run("publish")
    assert ran.status == 2
    assert "PUBLISHER_CHANNEL_TEAM" in ran.err
    assert mailed(room) == 0


def test_nothing_is_sent_without_apprise(room: Newsletter, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setenv("PUBLISHER_CHANNEL_TEAM", board.address)
    with pytest.raises(UsageError) as told:
        open_channels(load_config(room.root))
    assert "newsletter-publisher[channels]" in (told.value.help or "")


def test_an_address_that_apprise_does_not_know_is_not_shown(room: Newsletter) -> None:
    ran = room.run("publish", PUBLISHER_CHANNEL_TEAM="nonsense://secret-token")
    assert ran.status == 2
    assert "secret-token" not in ran.err + ran.out
    assert mailed(room) == 0


def test_a_refusal_is_tried_again_by_the_next_run(room: Newsletter, board: Board) -> None:
    board.answer = lambda: 403
    ran = publish(room, board)
    assert ran.status == 1
    assert "status-403" in ran.err
    assert "secret-path" not in ran.err + ran.out
    assert mailed(room) == 1
    with closing(open_database(load_config(room.root))) as database, database.connect() as connection:
        assert [one.slug for one in to_post(connection)] == [SLUG], "a plan says that there is work"
    board.answer = lambda: 200
    assert publish(room, board).status == 0
    assert len(board.posts) == 2
    assert state(room) == ["posted"]


def test_a_program_that_logs_everything_logs_no_address(
    room: Newsletter, board: Board, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setenv("PUBLISHER_CHANNEL_TEAM", board.address)
    (channel,) = open_channels(load_config(room.root)).values()
    channel.post(Post(SLUG, "T", "S", "https://x.test/", "en", "text"))
    board.answer = lambda: 403
    with pytest.raises(RefusedError):
        channel.post(Post(SLUG, "T", "S", "https://x.test/", "en", "text"))
    assert len(board.posts) == 2
    assert "secret-path" not in caplog.text


@pytest.mark.parametrize("more", ["mmost://{host}/abcdef123456?channels=a,b", "json://{host}/?overflow=split"])
def test_of_several_messages_a_refusal_of_the_second_is_uncertain(
    room: Newsletter, board: Board, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    host = "{}:{}".format(*board.server.server_address[:2])
    monkeypatch.setenv("PUBLISHER_CHANNEL_TEAM", more.format(host=host))
    (channel,) = open_channels(load_config(room.root)).values()
    board.answer = lambda: 200 if len(board.posts) < 2 else 403
    with pytest.raises(TimeoutError):
        channel.post(Post(SLUG, "T", "S", "https://x.test/", "en", "text " * 8000))
    assert len(board.posts) == 2


def test_a_service_that_is_not_there_is_a_refusal(room: Newsletter, board: Board) -> None:
    board.server.shutdown()
    board.server.server_close()
    assert publish(room, board).status == 1
    assert state(room) == ["refused"]


@pytest.mark.parametrize("answer", [None, 502])
def test_a_lost_answer_is_uncertain_and_not_repeated(room: Newsletter, board: Board, answer: int | None) -> None:
    board.answer = lambda: answer
    assert publish(room, board).status == 1
    board.answer = lambda: 200
    ran = publish(room, board)
    assert ran.status == 1
    assert f"reconcile {SLUG} --announcements" in ran.err
    (told,) = publish(room, board, "--format", "json").json["announcements"]
    assert (told["issue"], told["channel"], told["state"]) == (SLUG, "team", "uncertain")
    assert len(board.posts) == 1
    assert state(room) == ["uncertain"]
    assert "uncertain" in room.run("status").out


@pytest.mark.chaos
def test_a_run_killed_before_the_answer_leaves_an_uncertain_announcement(room: Newsletter, board: Board) -> None:
    running: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        os.kill(running[0].pid, signal.SIGKILL)
        running[0].wait()

    board.answer = kill
    environment = clean_environment() | {"PUBLISHER_CHANNEL_TEAM": board.address}
    command = [sys.executable, "-m", "publisher", "publish"]
    running.append(subprocess.Popen(command, cwd=room.root, env=environment, stdout=-3, stderr=-3))
    assert running[0].wait() == -signal.SIGKILL
    assert state(room) == ["claimed"]
    board.answer = lambda: 200
    assert publish(room, board).status == 1
    assert state(room) == ["uncertain"]
    assert len(board.posts) == 1
    assert mailed(room) == 1
    assert room.run("reconcile", SLUG).status == 1
    assert room.run("reconcile", SLUG, "--announcements", "again").status == 2  # nobody to be asked
    released = room.run("reconcile", SLUG, "--announcements", "again", "--yes", "--format", "json")
    assert (released.status, "announcements" in released.json) == (0, False)
    assert publish(room, board).status == 0
    assert len(board.posts) == 2
    assert state(room) == ["posted"]


def test_an_operator_can_say_that_it_is_there(room: Newsletter, board: Board) -> None:
    board.answer = lambda: None
    publish(room, board)
    assert room.run("reconcile", SLUG, "--announcements", "posted").status == 0
    assert publish(room, board).status == 0
    assert len(board.posts) == 1


def test_an_operators_word_is_about_what_was_shown(database: Database) -> None:
    """The answer does not apply to an announcement that became uncertain again after somebody else had it repeated."""
    shown = []
    with database.begin() as connection:
        outbox.enter(connection, SLUG, ["team"])
        for tries in range(2):
            (one,) = outbox.entries(connection, SLUG)
            assert outbox.claim(connection, one)
            outbox.record(connection, one, AnnouncementState.UNCERTAIN, "Timeout")
            shown += outbox.entries(connection, SLUG)
            if not tries:
                assert outbox.settle(connection, shown[0], posted=False)
        assert not outbox.settle(connection, shown[0], posted=False)
        assert outbox.settle(connection, shown[1], posted=False)


def test_a_mailing_that_is_not_complete_is_announced_by_the_run_that_completes_it(
    room: Newsletter, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.subscribers("ben@example.com")
    monkeypatch.setenv("PUBLISHER_CHANNEL_TEAM", board.address)
    config = load_config(room.root)
    with closing(open_database(config)) as database:
        first = FakeTransport(quota=Quota(left_today=0))
        run_publish(config, database, PublishOptions(transport=first))
        assert (len(first.accepted), len(board.posts)) == (0, 0)
        second = FakeTransport()
        run_publish(config, database, PublishOptions(transport=second))
        assert (len(second.accepted), len(board.posts)) == (2, 1)


def test_issues_mailed_before_there_was_a_channel_are_not_announced(room: Newsletter, board: Board) -> None:
    room.write("config.yaml", CONFIG)
    assert room.run("publish").status == 0
    room.write("config.yaml", CONFIG + TEAM)
    assert publish(room, board).status == 0
    assert board.posts == []


def test_a_first_publish_that_is_refused_announces_nothing(room: Newsletter, board: Board) -> None:
    other = f"{date.today()}-another"
    room.issue(other)
    text = room.root / f"issues/{other}/issue.yaml"
    text.write_text(text.read_text(encoding="utf-8").replace("2024-12-29", str(date.today())), encoding="utf-8")
    assert publish(room, board).status == 2
    assert board.posts == []
    assert mailed(room) == 0


def test_a_channel_may_want_one_language_and_words_of_its_own(room: Newsletter, board: Board) -> None:
    own = '{name: ai, text: "{newsletter}: {title}"}'
    room.write("config.yaml", CONFIG + f"channels: [{{name: team, language: en}}, {own}]\n")
    ran = room.run("publish", PUBLISHER_CHANNEL_TEAM=board.address, PUBLISHER_CHANNEL_AI=board.address)
    assert ran.status == 0, ran.err
    assert [post["message"] for post in board.posts] == ["AI 周报: 一周"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("channels: [{name: Team A}]\n", "bad-value"),
        ("channels: [{name: a}, {name: a}]\n", "bad-value"),
        ("channels: [{name: a, via: pigeon}]\n", "bad-value"),
        ("channels: [{name: a, text: '{titel}'}]\n", "bad-value"),
        ("channels: [{name: a, url: json://x}]\n", "unknown-key"),
    ],
)
def test_what_a_channel_cannot_be_is_reported_at_its_place(newsletter: Newsletter, text: str, code: str) -> None:
    newsletter.write("config.yaml", CONFIG + text)
    (found,) = newsletter.check()
    assert (found["code"], found["line"]) == (code, 11)


def test_two_runs_of_publish_at_once_announce_once(
    database: Database, room: Newsletter, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_CHANNEL_TEAM", board.address)
    config = load_config(room.root)
    add_people(database, 2)
    both = threading.Barrier(2)

    def run() -> None:
        both.wait()
        with suppress(LeaseLostError):
            run_publish(config, database, PublishOptions(transport=FakeTransport()))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(board.posts) == 1
    with database.connect() as connection:
        assert [one.state for one in outbox.entries(connection)] == [AnnouncementState.POSTED]


def test_of_two_runs_at_once_one_claims(database: Database) -> None:
    with database.begin() as connection:
        outbox.enter(connection, SLUG, ["team"])
        outbox.enter(connection, SLUG, ["team"])
        (one,) = outbox.entries(connection)
    both = threading.Barrier(2)
    won: list[bool] = []

    def claim() -> None:
        both.wait()
        with database.begin() as connection:
            won.append(outbox.claim(connection, one))

    threads = [threading.Thread(target=claim) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, True]
    with database.begin() as connection:
        outbox.recover(connection, outbox.LEASE)
        assert outbox.entries(connection, SLUG)[0].state == AnnouncementState.CLAIMED
        outbox.recover(connection)
        outbox.record(connection, one, AnnouncementState.POSTED, "")
        assert outbox.entries(connection, SLUG)[0].state == AnnouncementState.POSTED
        assert not outbox.settle(connection, one, posted=False)
