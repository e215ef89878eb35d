"""Half-open, slow and vanishing clients on real sockets: readers are answered meanwhile, no log has a traceback."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.model import ConsentSource, ConsentState
from publisher.audience.tokens import Purpose, Tokens
from publisher.config import load_config
from publisher.database import open_database
from publisher.web import server as connections
from tests.web.conftest import Site

HALF = b"POST /subscribe HTTP/1.1\r\nHost: letters.example\r\n"


@contextlib.contextmanager
def serving(root: Path) -> Iterator[str]:
    """``publisher serve`` as a process; its URL. On leaving it is stopped, and its log holds no traceback."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PUBLISHER_")}
    command = [sys.executable, "-m", "publisher", "--root", str(root), "serve", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = ""
        while "serving readers at" not in line:
            line = process.stderr.readline()
            assert line, "serve ended"
        yield line.rpartition(" at ")[2].strip()
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert "Traceback" not in log
    assert "Exception" not in log


def connect(url: str, data: bytes, source: str = "127.0.0.2") -> socket.socket:
    parts = urlsplit(url)
    one = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10, source_address=(source, 0))
    one.sendall(data)
    return one


def is_open(one: socket.socket) -> bool:
    one.settimeout(0.01)
    try:
        return one.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_with_500_half_open_connections_a_one_click_post_is_answered_at_once(tmp_path: Path) -> None:
    newsletter = "newsletter: {name: n, url: 'https://n.example/', from: a@n.example}\n"
    (tmp_path / "config.yaml").write_text(newsletter + "service: {url: 'https://letters.example/'}\n")
    config = load_config(tmp_path)
    tokens, database = Tokens.open(config), open_database(config)
    with database.begin() as connection:
        ann = store.add(
            connection, read_address("ann@n.example"), how=ConsentSource.COMMAND, state=ConsentState.CONFIRMED
        )
        ben = store.add(
            connection, read_address("ben@n.example"), how=ConsentSource.COMMAND, state=ConsentState.CONFIRMED
        )
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(serving(tmp_path))
        one_click = {"List-Unsubscribe": "One-Click"}
        for person, source in ((ann, "127.0.0.1"), (ben, "127.0.0.2")):  # as through a proxy; as one attacker
            half_open = [stack.enter_context(connect(url, HALF, source)) for _ in range(500)]
            path = urlsplit(tokens.url(Purpose.UNSUBSCRIBE, person.reference)).path
            answer = httpx.post(url.rstrip("/") + path, data=one_click, timeout=10)
            assert answer.status_code == 200
        assert sum(map(is_open, half_open)) <= connections.SHARE
    with database.connect() as connection:
        assert store.counts(connection)["unsubscribed"] == 2
    database.close()


def test_when_there_are_too_many_the_longest_silent_makes_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 4)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connect(site.url, HALF, f"127.0.0.{2 + i}")) for i in range(6)]
        assert httpx.get(site.url + "healthz").status_code == 200
        time.sleep(0.1)
        assert [is_open(one) for one in silent] == [False, False, False, True, True, True]


@pytest.mark.parametrize(
    "first",
    [b"", HALF, HALF + b"Content-Length: 20\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nemail="],
    ids=["nothing", "half a head", "half a body"],
)
def test_a_request_that_does_not_come_to_its_end_is_hung_up_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, first: bytes
) -> None:
    monkeypatch.setattr(connections, "SECONDS", {"head": 0.3, "body": 0.3, "answer": 60.0})
    with caplog.at_level(logging.DEBUG), connect(site.url, first) as slow:
        while is_open(slow):
            with contextlib.suppress(OSError):
                slow.sendall(b"X" if first else b"")  # a byte now and then does not buy time
            time.sleep(0.05)
    site.settled()
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


def test_a_second_request_on_a_connection_has_its_own_deadline(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines: list[asyncio.TimerHandle] = []
    watch = connections.Connection._watch

    def watched(self: connections.Connection) -> None:
        watch(self)
        if self._deadline is not None and self._deadline not in deadlines:
            deadlines.append(self._deadline)

    monkeypatch.setattr(connections.Connection, "_watch", watched)
    monkeypatch.setattr(connections, "SECONDS", {"head": 600.0, "body": 600.0, "answer": 600.0})
    with connect(site.url, b"") as one:
        for number in range(3):
            if number == 2:  # the head that is awaited after this answer does not come in time
                monkeypatch.setitem(connections.SECONDS, "head", 0.1)
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"ok\n"):
                answer += one.recv(4096)
        one.settimeout(60)
        assert one.recv(1) == b""
    assert len(deadlines) > 3
    assert all(deadline.cancelled() for deadline in deadlines[:-1])


@pytest.mark.parametrize("path", ["subscribe", "unsubscribe/x", "preferences/x", "webhooks/sns"])
def test_a_client_that_goes_away_leaves_no_traceback(site: Site, caplog: pytest.LogCaptureFixture, path: str) -> None:
    ann = site.add("ann@example.com")
    path = path.replace("x", site.service.tokens.url(Purpose.PREFERENCES, ann.reference).rpartition("/")[2])
    kind = "application/json" if "sns" in path else "application/x-www-form-urlencoded"
    with caplog.at_level(logging.DEBUG):
        head = f"POST /{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 50\r\n\r\nemail="
        connect(site.url, head.encode()).close()
        time.sleep(0.2)
        assert site.client.get("healthz").status_code == 200
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert re.search(r'status="(4\d\d)"', site.client.get("metrics").text)
