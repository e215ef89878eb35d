"""The message: what Python's parser gives back is exactly what was composed, whatever the text."""

from __future__ import annotations

import base64
import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publisher.audience.tokens import Purpose, Tokens
from publisher.config.model import Config
from publisher.delivery.ledger import Claim
from publisher.delivery.send import envelope_factory
from publisher.edition.model import Slot, Slotted
from publisher.errors import TransportError
from publisher.mail.encoding import Base64, QuotedPrintable, encode
from publisher.mail.headers import clean, encoded_words
from publisher.mail.message import Envelope, compose
from tests.delivery.world import make_config, make_letter

NOW = datetime(2024, 12, 29, 0, 0, tzinfo=UTC)
URL = "https://letters.example.com/unsubscribe/abc~def.ghi"
VALUES = {
    Slot.UNSUBSCRIBE_URL: URL,
    Slot.PREFERENCES_URL: "https://letters.example.com/p/x?a=1&b=2",
    Slot.GREETING: "<王>&",
}
BODY = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=300)


def parse(message: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def one(config: Config, **changes: object) -> bytes:
    envelope = Envelope("0a1b2c3d-7", "reader@example.com", URL, 2, VALUES)
    return compose(config, make_letter(**changes)).message(envelope, NOW)


def test_answers_go_to_the_address_of_a_name(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    named = config.newsletter.model_copy(update={"reply_to": "编辑部 <editors@news.example.com>"})
    assert parse(one(config.model_copy(update={"newsletter": named})))["reply-to"] == "editors@news.example.com"


def content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_the_headers_are_what_providers_ask_for(tmp_path: Path) -> None:
    message = parse(one(make_config(tmp_path)))
    assert message["from"].addresses[0].display_name == "AI 周报"
    assert message["from"].addresses[0].addr_spec == "weekly@news.example.com"
    assert message["to"] == "reader@example.com"
    assert message["reply-to"] == "editors@news.example.com"
    assert message["date"].datetime == NOW
    assert re.fullmatch(r"<0a1b2c3d-7\.2\.[0-9a-f]{12}@news\.example\.com>", message["message-id"])
    assert message["list-unsubscribe"] == f"<{URL}>"
    assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert message["list-id"].endswith("<weekly.news.example.com>")
    assert message["list-archive"] == "<https://news.example.com/>"
    assert message["content-language"] == "zh-CN"
    assert message["x-publisher-edition"] == f"sha256:{'ab' * 32}; commit={'c0ffee' * 6}"
    assert [p.get_content_type() for p in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert message.defects == []


def test_an_edition_without_a_commit_names_its_digest_alone(tmp_path: Path) -> None:
    assert parse(one(make_config(tmp_path), commit=None))["x-publisher-edition"] == f"sha256:{'ab' * 32}"


def test_values_are_escaped_for_html_and_left_alone_in_text(tmp_path: Path) -> None:
    message = parse(one(make_config(tmp_path)))
    assert "正文<王>&\n" in content(message, "plain")
    assert "正文&lt;王&gt;&amp;</p>" in content(message, "html")
    assert "?a=1&amp;b=2" in content(message, "html")


def test_chinese_is_base64_and_english_is_quoted_printable(tmp_path: Path) -> None:
    message = parse(one(make_config(tmp_path), text=Slotted(("Plain English, mostly, with one é in it.\n" * 3,))))
    assert [p["content-transfer-encoding"] for p in message.iter_parts()] == ["quoted-printable", "base64"]


@given(parts=st.lists(st.one_of(BODY, st.sampled_from(list(Slot))), max_size=6), greeting=BODY)
def test_any_text_comes_back_exactly_in_either_encoding(parts: list[str | Slot], greeting: str) -> None:
    text = Slotted(tuple(parts))
    values = {slot: greeting.replace("\n", " ") for slot in Slot}
    filled = {slot: value.encode() for slot, value in values.items()}
    expected = text.with_values(values)
    for encoded in (Base64(text), QuotedPrintable(text), encode(text)):
        raw = encoded.fill(filled)
        assert raw.isascii()
        assert all(len(line) <= 76 for line in raw.split(b"\r\n"))
        assert b"\n" not in raw.replace(b"\r\n", b"")
        head = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoded.encoding}\r\n\r\n"
        got = email.message_from_bytes(head.encode() + raw, policy=email.policy.default).get_payload(decode=True)
        assert isinstance(got, bytes)
        text_got = got.decode()
        if encoded.encoding == "quoted-printable":
            text_got = text_got.replace("\r\n", "\n").removesuffix("\n")
        assert text_got == expected


@given(subject=st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
@example(subject="第一条新闻" * 12)
def test_any_subject_comes_back_on_short_lines_with_no_character_split(subject: str) -> None:
    raw = one(make_config(Path("/")), subject=subject)
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    field = re.search(r"^Subject: (.*?)(?=\r\n\S)", head, re.DOTALL | re.MULTILINE)
    assert field
    assert all(len(line) <= 78 for line in f"Subject: {field[1]}".split("\r\n"))
    for word in re.findall(r"=\?utf-8\?B\?(.*?)\?=", field[1]):
        base64.b64decode(word).decode()  # whole characters in every word
    assert re.sub(r"\s+", " ", parse(raw)["subject"]).strip() == re.sub(r"\s+", " ", clean(subject)).strip()


@pytest.mark.parametrize("character", ["👨\u200d👩\u200d👧\u200d👦", "🇨🇳", "é́", "❤️", "👍🏻", "👍🏿"])
def test_a_character_keeps_its_marks(character: str) -> None:
    for word in encoded_words(character * 20, 9):
        assert base64.b64decode(word[10:-2]).decode().replace(character, "") == ""


def test_a_character_with_more_marks_than_a_line_holds_loses_none() -> None:
    value = "a" + "\u0301" * 70
    words = [base64.b64decode(word[10:-2]) for word in encoded_words(value, 9)]
    assert "".join(word.decode() for word in words) == value  # each word is whole characters of UTF-8
    assert all(len(word) <= 45 for word in words)


HOSTILE = "x\r\nBcc: evil@example.com\r\n\r\n<b>body"


def test_no_header_can_be_injected(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    config = config.model_copy(update={"newsletter": config.newsletter.model_copy(update={"name": HOSTILE})})
    letter = make_letter(subject=HOSTILE, language="zh\r\nBcc: evil@example.com")
    envelope = Envelope("0a1b2c3d-7", "reader@example.com", URL + "\r\nBcc: evil@example.com", 1, VALUES)
    message = parse(compose(config, letter).message(envelope, NOW))
    assert message["bcc"] is None
    assert len(message.keys()) == len(set(message.keys())) == 15


@pytest.mark.parametrize(
    "address",
    ["a@b\r\nBcc: c@d", "a b@example.com", "王@example.com", "no-at", "<a@example.com>", "a,b@example.com", "@x"],
)
def test_an_address_that_could_break_a_header_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(TransportError) as failure:
        compose(make_config(tmp_path), make_letter()).message(Envelope("r-1", address, URL, 1, VALUES), NOW)
    assert address not in str(failure.value)


@pytest.mark.parametrize(("domain", "labels"), [("例子", "xn--fsqu00a"), ("straße", "xn--strae-oqa"), ("☃", "xn--n3h")])
def test_an_internationalised_domain_is_written_in_a_labels(tmp_path: Path, domain: str, labels: str) -> None:
    config, host, written = make_config(tmp_path), f"{domain}.example", f"{labels}.example"
    own = {"from_": f"W <w@{host}>", "reply_to": f"r@{host}", "url": f"https://{host}:81/é/"}
    config = config.model_copy(
        update={
            "newsletter": config.newsletter.model_copy(update=own),
            "service": config.service.model_copy(update={"url": f"https://{host}/ü/"}),
        }
    )
    assert config.newsletter.domain == written
    unsubscribe = Tokens.open(config).url(Purpose.UNSUBSCRIBE, "abc")
    message = compose(config, make_letter()).message(Envelope("r-1", f"a@{host}", unsubscribe, 1, VALUES), NOW)
    head = message.partition(b"\r\n\r\n")[0].decode("ascii")
    for line in (
        f"To: a@{written}", f"From: W <w@{written}>", f"Reply-To: r@{written}",
        f"List-Unsubscribe: <https://{written}/%C3%BC/unsubscribe/", f"List-Archive: <https://{written}:81/%C3%A9/>",
    ):  # fmt: skip
        assert f"\r\n{line}" in f"\r\n{head}"


@pytest.mark.parametrize("name", ["Weekly, the", 'The "Weekly"', "周报", "W", "=?utf-8?Q?x?="])
def test_the_sender_name_comes_back(tmp_path: Path, name: str) -> None:
    config = make_config(tmp_path)
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    sender = f'"{escaped}" <weekly@news.example.com>'
    config = config.model_copy(update={"newsletter": config.newsletter.model_copy(update={"from_": sender})})
    assert parse(one(config))["from"].addresses[0].display_name == name


@given(st.text(st.characters() | st.sampled_from("\x00\x1f\x7f\x85\xa0\u2028\u2029\u200b \t\r\n"), max_size=30))
def test_no_value_brings_a_line_of_its_own(value: str) -> None:
    assert clean(value) == re.sub("[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", value).strip()


def test_a_name_cannot_turn_the_text_after_the_greeting(tmp_path: Path) -> None:
    """As the personal fields: neither control characters nor marks of direction."""
    config, letter = make_config(tmp_path), make_letter(language="en")
    claim = Claim(1, 1, "ref", "a@example.com", "\u202eadA\u2066\x07")
    assert envelope_factory(config, letter, "m")("m-1", claim).values[Slot.GREETING] == "Hello adA,"
