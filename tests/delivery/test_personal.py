"""Attributes of readers in messages: the same in every transport, and confined to their slot."""

from __future__ import annotations

import base64
import email
import email.policy
import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from publisher.audience.tables import subscribers
from publisher.config.model import Config
from publisher.database import Database
from publisher.delivery.freeze import freeze
from publisher.delivery.ledger import Claim
from publisher.delivery.send import Options, envelope_factory, send, send_test
from publisher.edition.model import Edition, Personal, Slot
from publisher.edition.rendering import render
from publisher.mail.message import LONGEST, MailContent, compose, value_in
from publisher.testing import FakeTransport
from tests.delivery.test_transports import relay
from tests.delivery.world import make_config, person
from tests.edition.make import issue, item
from tests.edition.test_personal import WRITTEN
from tests.stubs.postmark import PostmarkServer

Mail = tuple[str, str, str]
"""Subject, text and HTML."""
NOW = datetime(2024, 12, 29, tzinfo=UTC)
ATTRIBUTES = {
    "name": "朋友", "city": {"default": "各地"}, "size": {"type": "choice", "choices": ["S", "M"], "default": "M"},
    "age": {"type": "number", "default": "18"}, "born": {"type": "date", "default": "2000-01-01"},
}  # fmt: skip
HOSTILE = {
    "html": "<script>alert(1)</script></a><b>\"'&amp;",
    "quotes": "\"; DROP TABLE x; --'",
    "lines": "Ann\r\nBcc: evil@example.com\r\n\r\n<b>body</b>",
    "word": "=?utf-8?B?0KHQv9Cw0Lw=?= =?utf-8?q?x?=",
    "slot": "{{ subscriber.city }} {{u}} {{s0}} \\{{ {% x %}",
    "turned": "\u202egnp.exe\u2066 \u200fשלום",
    "emoji": "👨‍👩‍👧‍👦 Zoë é 🇨🇳",
    "long": "长" * 3_500,
    "controls": "a\x07b\x7fc\u2028d\x85e",
    "dots": ".\n.\r\nFrom here= =20 ",
    "url": "a/b?c=d&e=f#g%20 +",
    "blank": " \u3000\t\n",
    "empty": "",
}


def made(config: Config) -> Edition:
    """An issue with a slot in each kind of place."""
    name, city = "{{ subscriber.name }}", "{{subscriber.city}}"
    button = f"[去](https://a.example/?c={city}&s={{{{subscriber.size}}}}){{.button}}"
    body = f"正文 **{name}**：{button}，{{{{ subscriber.age }}}}"
    edition, findings = render(
        issue(
            item("甲", body, f"{name}的点评，{{{{ subscriber.born }}}}"),
            places=WRITTEN, subject=f"{name}，你好 {name}", preheader=f"给{name}",
            intro=f"| {name} |\n|---|\n| {name} |", attribution=f"{name}, {city}",
        ),
        config,
    )  # fmt: skip
    assert edition is not None, findings
    return edition


def personal_config(root: Path, transport: str = "folder", **delivery: Any) -> Config:
    config = make_config(root, transport, **delivery)
    return config.model_copy(update={"audience": type(config.audience).model_validate({"attributes": ATTRIBUTES})})


def add_rows(database: Database, rows: list[dict[str, Any]]) -> None:
    with database.begin() as connection:
        connection.execute(insert(subscribers), rows)


def read(message: bytes) -> tuple[str, Mail]:
    """To whom, and what, of a whole message."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    parts = [str(parsed.get_body((kind,)).get_content()) for kind in ("plain", "html")]  # type: ignore[union-attr]
    assert set(parsed.keys()) == {
        "To", "Date", "Message-ID", "List-Unsubscribe", "From", "Subject", "Reply-To", "List-Id",
        "List-Unsubscribe-Post", "List-Help", "List-Archive", "Content-Language", "X-Publisher-Edition",
        "MIME-Version", "Content-Type",
    }  # fmt: skip
    return str(parsed["to"]), (str(parsed["subject"]), *(_lines(part) for part in parts))  # type: ignore[return-value]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def people() -> list[dict[str, Any]]:
    return [
        person(number, name=value, attributes={"city": value, "size": value, "age": value, "born": value})
        for number, value in enumerate(HOSTILE.values())
    ]


def through(kind: str, database: Database, root: Path, request: pytest.FixtureRequest) -> dict[str, Mail]:
    """What each reader got of one mailing by one transport."""
    add_rows(database, people())
    if kind == "smtp":
        with relay() as (inbox, port):
            config = personal_config(root, "smtp", smtp={"host": "127.0.0.1", "port": port})
            assert send(config, database, made(config)).exit_status == 0
        return dict(read(message) for _, message in inbox.messages)
    if kind == "postmark":
        server: PostmarkServer = request.getfixturevalue("postmark")
        config = personal_config(root, kind)
        assert send(config, database, made(config)).exit_status == 0
        return {m["To"]: (m["Subject"], _lines(m["TextBody"]), _lines(m["HtmlBody"])) for m in server.account.accepted}
    if kind.startswith("ses"):
        account = request.getfixturevalue("ses")().account
        config = personal_config(root, "ses", bulk=kind == "ses")
        assert send(config, database, made(config)).exit_status == 0
        assert [one.failure for one in account.accepted] == [None] * len(HOSTILE)
        if kind == "ses-single":
            return dict(read(base64.b64decode(one.content["raw"])) for one in account.accepted)
        contents = ((one.to, one.content) for one in account.accepted)
        return {to: (c["Subject"], _lines(c["Text"]), _lines(c["Html"])) for to, c in contents}
    config, fake = personal_config(root), FakeTransport()
    options = Options(transport=fake) if kind == "fake" else None
    assert send(config, database, made(config), options).exit_status == 0
    files = [file.read_bytes() for file in (root / "outbox").rglob("*.eml")]
    return dict(read(message) for message in (fake.accepted if kind == "fake" else files))


def shown(value: str, default: str) -> str:
    """What a reader of a hostile value sees, in the words of the rule."""
    line = re.sub("[\x07\x7f\x85\u202a-\u202e\u2066-\u2069]", "", value)
    line = re.sub("[\r\n\t\u2028]+", " ", line).strip(" \u3000")
    return (line if len(line) <= LONGEST else line[: LONGEST // 2 - 1] + "…") or default


@pytest.mark.parametrize("kind", ["folder", "smtp", "ses", "ses-single", "postmark", "fake"])
def test_hostile_values_are_plain_text_in_every_transport(
    kind: str, sqlite: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    got = through(kind, sqlite, tmp_path, request)
    edition = made(personal_config(tmp_path))
    letter = MailContent.of(edition)
    assert len(got) == len(HOSTILE)
    for number, (key, value) in enumerate(HOSTILE.items()):
        subject, text, markup = got[f"reader{number}@example.com"]
        held = {
            "name": shown(value, "朋友"),
            "city": shown(value, "各地"),
            "size": "M",
            "age": "18",
            "born": "2000-01-01",
        }

        def fill(slot: Any, known: dict[str, str] = held) -> str:
            if isinstance(slot, Slot):
                return "\x00"
            plain = known[slot.name]
            return {"text": plain, "html": html.escape(plain), "url": quote(plain, safe="")}[slot.place]

        assert subject == letter.subject.fill(fill), key
        for slotted, part in ((letter.text, text), (letter.html, markup)):
            pattern = re.escape(_lines(slotted.fill(fill))).replace("\x00", 'https://[^<>"\\s]+')
            assert re.fullmatch(pattern, part), key


@given(value=st.text(max_size=300), other=st.text(max_size=20))
def test_a_value_changes_nothing_outside_its_slot(value: str, other: str) -> None:
    config = personal_config(Path("/"))
    edition = _EDITIONS.setdefault("made", made(config))
    letter = MailContent.of(edition)
    address = envelope_factory(config, letter, "0a1b2c3d")
    claim = Claim(7, 1, "reference", "reader@example.com", value, attributes={"city": other})
    composed = compose(config, letter)
    _, (subject, text, markup) = read(composed.message(address("0a1b2c3d-7", claim), NOW))
    name = value_in(Personal("name", "朋友", "text"), value)
    city = value_in(Personal("city", "各地", "text"), other)
    parts = ((subject, letter.subject, "text"), (text, letter.text, "text"), (markup, letter.html, "html"))
    for part, slotted, kind in parts:
        # each literal stands there in its order; between them no line ends and no tag begins or ends
        inner = "[^\n]+?" if kind == "text" else '[^\n<>"]+?'
        pattern = "".join(inner if isinstance(p, Slot | Personal) else re.escape(p) for p in slotted.parts)
        assert re.fullmatch(pattern + "\n?", part if kind == "text" and part is subject else _lines(part))
    assert html.unescape(markup).count(name) >= 4
    assert unquote(re.search(r'href="https://a\.example/\?c=([^"&]*)', markup)[1]) == city  # type: ignore[index]


_EDITIONS: dict[str, Edition] = {}


def test_a_value_that_does_not_fit_is_not_mailed_and_one_that_does_is(database: Database, tmp_path: Path) -> None:
    right = {"city": "Köln", "size": "S", "age": "41.5", "born": "1999-12-31"}
    wrong = {"city": " ", "size": "XL", "age": "many", "born": "2024-02-30"}
    add_rows(database, [person(1, attributes=right), person(2, attributes=wrong)])
    config, fake = personal_config(tmp_path), FakeTransport()
    send(config, database, made(config), Options(transport=fake))
    first, second = (dict(map(read, fake.accepted))[f"reader{n}@example.com"][2] for n in (1, 2))
    assert "?c=K%C3%B6ln&amp;s=S" in first
    assert "，41.5" in first
    assert "1999-12-31" in first
    assert "?c=%E5%90%84%E5%9C%B0&amp;s=M" in second
    assert "，18" in second
    assert "2000-01-01" in second


def test_a_frozen_mailing_keeps_its_defaults_whatever_becomes_of_the_config(sqlite: Database, tmp_path: Path) -> None:
    add_rows(sqlite, [person(1), person(2, attributes={"city": "Köln", "size": "XL"})])
    config, fake = personal_config(tmp_path), FakeTransport()
    edition = made(config)
    with sqlite.begin() as connection:
        freeze(connection, MailContent.of(edition))
    sent = send(make_config(tmp_path), sqlite, edition, Options(transport=fake))  # nothing is declared any more
    assert sent.exit_status == 0
    first, second = (dict(map(read, fake.accepted))[f"reader{n}@example.com"] for n in (1, 2))
    assert first[0] == "朋友，你好 朋友"
    assert "?c=K%C3%B6ln&amp;s=M" in second[2]


def test_the_letter_comes_back_from_the_ledger_as_it_was(tmp_path: Path) -> None:
    letter = MailContent.of(made(personal_config(tmp_path)))
    letter = replace(letter, links=((1, "https://example.com/一"), (2, "https://example.com/")))  # whose clicks count
    assert MailContent.from_json(letter.to_json()) == letter
    plain = replace(letter, subject=type(letter.subject)(("主题",)))
    assert json.loads(plain.to_json())["subject"] == "主题"


def test_a_test_mail_has_the_defaults(tmp_path: Path) -> None:
    config = personal_config(tmp_path)
    assert send_test(config, made(config), ["me@example.com"]) == []
    (file,) = (tmp_path / "outbox").rglob("*.eml")
    _, (subject, text, _) = read(file.read_bytes())
    assert subject == "[test] 朋友，你好 朋友"
    assert "朋友, 各地" in text
