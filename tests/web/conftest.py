"""The service on a loopback port, as readers meet it."""

from __future__ import annotations

import email
import email.policy
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.model import Consent, ConsentSource, ConsentState, Subscriber
from publisher.config.audience import AudienceConfig
from publisher.config.model import Config, Newsletter, ServiceConfig
from publisher.web import outbox
from publisher.web.forms import Limiter
from publisher.web.server import server_of
from publisher.web.service import Service as WebService


@dataclass
class Site:
    """The running service, its parts, and a client."""

    url: str
    root: Path
    service: WebService
    client: httpx.Client

    def subscriber(self, address: str) -> Subscriber | None:
        with self.service.database.connect() as connection:
            return store.find(connection, read_address(address))

    def add(self, address: str, state: ConsentState = ConsentState.CONFIRMED, **values: Any) -> Subscriber:
        with self.service.database.begin() as connection:
            return store.add(connection, read_address(address), how=ConsentSource.COMMAND, state=state, **values)

    def state(self, address: str) -> str | None:
        found = self.subscriber(address)
        return found.state.value if found else None

    def history(self, address: str) -> list[Consent]:
        found = self.subscriber(address)
        assert found is not None
        with self.service.database.connect() as connection:
            return store.history(connection, found.id)

    def mails(self, number: int | None = None) -> list[EmailMessage]:
        """The outbox; waits for ``number`` mails, which leave after the answer."""
        for _ in range(200):
            files = sorted((self.root / "outbox").glob("*/*.eml"), key=lambda path: path.stat().st_mtime)
            if number is None or len(files) >= number:
                break
            time.sleep(0.02)
        policy = email.policy.default
        return [email.message_from_bytes(path.read_bytes(), policy=policy) for path in files]  # type: ignore[arg-type]

    def settled(self) -> None:
        """Wait until what follows an answer is done: the writing thread works in order."""
        time.sleep(0.05)
        self.service._writer.submit(int).result()
        for _ in range(50):
            with self.service.database.connect() as connection:
                due = outbox.next_due(connection)
            if due is None or due > store.now():
                break
            time.sleep(0.02)


def link_of(message: EmailMessage, kind: str) -> str:
    """The link of that kind in the plain text."""
    body = message.get_body(("plain",))
    assert body is not None
    found = re.search(rf"http://\S+/{kind}/\S+", body.get_content())
    assert found, body.get_content()
    return found[0]


ATTRIBUTES = {
    "city": {"editable": True, "label": "城市", "default": "北京"},
    "children": {"editable": True, "type": "number", "label": "几个孩子"},
    "born": {"editable": True, "type": "date", "label": "生日"},
    "tea": {"editable": True, "type": "choice", "choices": ["龙井", "普洱"], "label": "茶"},
    "tier": {"default": "free"},
}

Hook = tuple[str, list[dict[str, Any]]]


@pytest.fixture
def hook() -> Iterator[Hook]:
    """An alarm's webhook: its URL, and the requests that it received."""
    heard: list[dict[str, Any]] = []

    class Ears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Ears)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A service with a Chinese newsletter, two topics, five attributes and no limits."""
    yield from serve(tmp_path, monkeypatch, Limiter("1000000/minute", "1000000/day"))


@pytest.fixture
def limited_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A service with its limits."""
    yield from serve(tmp_path, monkeypatch, Limiter("5/minute", "2/day"))


def serve(root: Path, monkeypatch: pytest.MonkeyPatch, limiter: Limiter, **about: str) -> Iterator[Site]:
    for name in ("PUBLISHER_DATABASE_URL", "PUBLISHER_SECRET_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("publisher.web.subscribing.BEAT", 0.01)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    newsletter = {
        "name": "AI 周报",
        "language": "zh-CN",
        "url": "https://news.example.com/",
        "from": "AI 周报 <weekly@news.example.com>",
        **about,
    }
    topics = {"weekly": "每周要闻", "daily": "每日快讯"}
    config = Config(
        newsletter=Newsletter(**newsletter),
        topics=topics,
        audience=AudienceConfig.model_validate({"attributes": ATTRIBUTES}),
        service=ServiceConfig(url=url),
        root=root,
    )
    service = WebService.open(config, limiter=limiter)
    server = server_of(service)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    with httpx.Client(base_url=url, timeout=20) as client:
        yield Site(url, root, service, client)
    server.should_exit = True
    thread.join()
