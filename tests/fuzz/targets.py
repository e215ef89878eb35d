"""What is fuzzed, and what must hold: no traceback, no answer of 500, one clear message at a place, nothing lost.

A target is opened on a folder and is then a call with bytes. It raises AssertionError, or whatever escapes from us,
where the promise breaks. What it keeps is put back before each call, so that one input alone shows what it does.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from warnings import simplefilter

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.csvfile import RowError
from publisher.audience.importing import survey, write
from publisher.audience.model import ConsentSource, ConsentState
from publisher.audience.suppressions import suppression
from publisher.audience.tokens import Purpose, Tokens
from publisher.config.model import Config
from publisher.database import Database
from publisher.diagnostics import Diagnostic
from publisher.errors import ConfigError, PublisherError
from publisher.feedback.apply import Applier
from publisher.feedback.intake import Received, apply_stream, believe, keep
from publisher.providers import read_events
from publisher.providers.events import EventError
from publisher.providers.postmark.events import PostmarkWebhook
from publisher.providers.provider import Webhook
from publisher.providers.ses.sns import Certificates, SnsWebhook, string_to_sign
from publisher.web import subscribing
from publisher.web.app import create_app
from publisher.web.forms import Limiter
from publisher.web.service import Service
from tests.checks.corpus import Case, lay_out
from tests.feedback.conftest import open_room
from tests.feedback.test_sns import ARN, CERTIFICATE_URL, NOW, certificate
from tests.growth.measure import ISSUE, ITEM, judge

Target = Callable[[bytes], object]
_BREAK = re.compile(r"\r\n?|\n")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def _told(message: str) -> None:
    """A message is one line that a terminal can show."""
    assert message.strip(), "a message says nothing"
    assert not _CONTROL.search(message), f"a message is no single line: {message!r}"


# -- files of a newsletter


def _written(path: str) -> Callable[[Path], Target]:
    """A target whose bytes are the file at ``path`` of a sound newsletter."""

    def opened(root: Path) -> Target:
        simplefilter("ignore")
        lay_out(Case("sound-0", (), ""), root)
        if path == ITEM:
            (root / ITEM).write_bytes(b"")

        def run(data: bytes) -> None:
            (root / path).write_bytes(data)
            try:
                found: Iterable[Diagnostic] = judge(root)
            except ConfigError as error:
                found = error.diagnostics
                assert found, "config.yaml is refused without a reason"
            last = cache(partial(_last_line, root))
            for one in found:
                _placed(one, last(one.path))

        return run

    return opened


def _last_line(root: Path, path: str) -> int | None:
    """Its number, with the empty one after the last break; None where it is no text."""
    with suppress(OSError, UnicodeDecodeError):
        return len(_BREAK.findall((root / path).read_bytes().decode("utf-8"))) + 1
    return None


def _placed(found: Diagnostic, last: int | None) -> None:
    assert found.code != "rule-crashed", found.message
    _told(found.message)
    assert not found.help or not _CONTROL.search(found.help), f"no single line: {found.help!r}"
    assert (found.line, found.column) <= (found.end_line, found.end_column), f"it ends before it begins: {found}"
    assert found.line >= 1 <= found.column, f"no place: {found}"
    assert last is None or found.end_line <= last + 1, f"{found.path} has {last} lines: {found}"


# -- what comes into a database


def _rewinder(database: Database) -> Callable[[], None]:
    """What puts the database back to how it is now."""
    file = sqlite3.connect(str(database.engine.url.database), check_same_thread=False)
    pristine = sqlite3.connect(":memory:", check_same_thread=False)
    file.backup(pristine)
    return lambda: pristine.backup(file)


def imports(root: Path) -> Target:
    """A CSV file: each row is imported or reported, and no report quotes an address."""
    room = open_room(root)
    declared = Config.model_validate(
        {"newsletter": room.config.newsletter, "audience": {"attributes": {"age": {"type": "number"}}}}
    ).audience.attributes
    rewind, path = _rewinder(room.database), root / "people.csv"

    def run(data: bytes) -> None:
        rewind()
        path.write_bytes(data)
        problems: list[RowError] = []
        try:
            found = survey(path, declared=declared, complain=problems.append)
        except PublisherError as error:
            return _told(error.message)
        assert len(problems) == found.invalid, "a row was left out and not told"
        last = data.count(b"\n") + data.count(b"\r") + 2
        for line, message in [*((p.line, p.message) for p in problems), *found.warnings]:
            _told(message)
            assert 1 <= line <= last, f"line {line} is not there"
        if found.broken or found.questions or found.columns is None:
            assert problems or found.questions, "the file is refused without a reason"
            return None
        tally = write(room.database, found)
        assert tally.total() == found.rows, f"{found.rows} rows, and {tally}"
        rows = found.file.rows()
        next(rows)
        with room.database.connect() as connection:
            for line, row in rows:
                with suppress(ValueError):
                    address = found.columns.entry(line, row).address
                    there = store.find(connection, address) or suppression(connection, address.mailbox_key)
                    assert there, f"line {line} is neither in nor told"
        return None

    return run


def events(root: Path) -> Target:
    """A file of events, and the same bytes as a body of Postmark's: each event is applied, the rest is reported."""
    room = open_room(root)
    room.subscribe("ann@example.com", "bob@example.com")
    room.send(room.freeze())
    tokens, hook = Tokens.open(room.config), PostmarkWebhook("user:password")
    rewind = _rewinder(room.database)

    def run(data: bytes) -> None:
        rewind()
        applier = Applier(room.database, room.config)
        try:
            apply_stream(applier, io.BytesIO(data), lambda: tokens)
        except PublisherError as error:
            raise AssertionError(error.message) from error
        for _where, why in applier.applied.malformed:
            _told(why)
            assert "example.com" not in why
        if not data.startswith((b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff")) and b"{" in data[:1]:
            alone = sum(_events_alone(line) for line in data.split(b"\n"))
            assert applier.applied.events.total() >= alone, f"{alone} events, and {applier.applied}"
        _hooked(hook, data, room.config, room.database, {"authorization": _BASIC})

    return run


_BASIC = "Basic " + base64.b64encode(b"user:password").decode()


def _events_alone(line: bytes) -> int:
    try:
        return len(read_events(line.decode()))
    except (EventError, UnicodeDecodeError):
        return 0


def _hooked(hook: Webhook, body: bytes, config: Config, database: Database, headers: dict[str, str]) -> None:
    found = believe(hook, body, headers)
    found = found if isinstance(found, Received) else keep(found, database=database, config=config)
    assert found.status < 500, found
    _told(found.reason or "-")


def envelopes(root: Path) -> Target:
    """A request of SNS: an object whose fields are text is signed first, so that what lies behind is reached too."""
    room = open_room(root)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = certificate(key)
    hook = SnsWebhook([ARN], Certificates(lambda _url: pem), confirm=lambda *_: None, now=NOW)
    rewind = _rewinder(room.database)

    def run(data: bytes) -> None:
        rewind()
        with suppress(ValueError, RecursionError, AttributeError, KeyError, TypeError):
            fields: dict[str, Any] = json.loads(data)
            fields.setdefault("TopicArn", ARN)
            fields.setdefault("SigningCertURL", CERTIFICATE_URL)
            signature = key.sign(string_to_sign(fields), PKCS1v15(), SHA256())
            data = json.dumps({**fields, "Signature": base64.b64encode(signature).decode()}).encode()
        _hooked(hook, data, room.config, room.database, {})

    return run


# -- the readers' service


class _Lenient(Limiter):
    """Everybody may ask, and nothing is remembered."""

    def admits(self, network: str) -> bool:
        return True

    def may_mail(self, mailbox_key: str) -> bool:
        return True


_NAME, _VALUE = re.compile(rb"[!#-'*+\-.^-z|~\w]+"), re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_SAFE = {b"content-security-policy", b"x-content-type-options", b"cache-control"}


def requests(root: Path) -> Target:
    """A request as it comes over the wire: ``METHOD /path``, headers, a blank line, the body. ``{unsubscribe}`` and the
    like stand for a reader's own tokens."""
    subscribing.BEAT = 0.001
    about = {"newsletter": {"name": "n", "url": "https://n.example/", "from": "a@n.example"}, "topics": {"w": "W"}}
    attributes = {"city": {"editable": True, "label": "City"}, "age": {"editable": True, "type": "number"}}
    own = {"audience": {"attributes": attributes}, "service": {"sns_topics": [ARN]}}
    config = Config.model_validate(about | own).model_copy(update={"root": root})
    service = Service.open(config, limiter=_Lenient())
    with service.database.begin() as connection:
        state = ConsentState.CONFIRMED
        ann = store.add(connection, read_address("ann@example.com"), how=ConsentSource.COMMAND, state=state)
    tokens = {f"{{{one.value}}}".encode(): service.tokens.sign(one, ann.reference).encode() for one in Purpose}
    app, loop, rewind = create_app(service), asyncio.new_event_loop(), _rewinder(service.database)

    def run(data: bytes) -> None:
        rewind()
        for name, token in tokens.items():
            data = data.replace(name, token)
        head, _, body = data.partition(b"\n\n")
        first, *rest = head.split(b"\n")
        method, _, target = first.partition(b" ")
        path, _, query = target.partition(b"?")
        if not (re.fullmatch(rb"[A-Z]+", method) and re.fullmatch(rb"/[!-~]*", target)):
            return
        pairs = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in rest)]
        headers = [(name, value) for name, value in pairs if _NAME.fullmatch(name) and _VALUE.fullmatch(value)]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method.decode(),
            "scheme": "http", "path": unquote(path.decode()), "raw_path": path, "query_string": query,
            "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
        }  # fmt: skip
        said: list[dict[str, Any]] = []
        parts = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(parts, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            said.append(message)

        loop.run_until_complete(asyncio.wait_for(app(scope, receive, send), 30))
        assert said, "there is no answer"
        assert said[0]["status"] < 500, f"the answer was {said[:1]}"
        assert {name for name, _ in said[0]["headers"]} >= _SAFE, "safe headers are missing"
        if method == b"POST" and said[0]["status"] == 200 and body == b"List-Unsubscribe=One-Click":
            with service.database.connect() as connection:
                found = store.find(connection, ann.reference)
            assert found is not None
            assert found.state is ConsentState.UNSUBSCRIBED, "told that they left, and they did not"

    return run


TARGETS: dict[str, Callable[[Path], Target]] = {
    "item": _written(ITEM),
    "issue": _written(ISSUE),
    "config": _written("config.yaml"),
    "imports": imports,
    "events": events,
    "envelopes": envelopes,
    "requests": requests,
}
