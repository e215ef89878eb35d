"""Signed links: RFC 8058 to the letter, GET changes nothing, forged ones open nothing."""

from __future__ import annotations

import re
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from publisher.audience.address import read_address
from publisher.audience.model import ConsentState
from publisher.audience.suppressions import erase
from publisher.audience.tokens import Purpose, Tokens
from publisher.config import load_config
from publisher.delivery.freeze import freeze
from publisher.delivery.send import send_test
from publisher.edition.model import Slot, Slotted
from publisher.errors import UsageError
from publisher.mail.message import MailContent
from publisher.proofing.checking import check_repository
from publisher.web.readers import SubscribeRequest
from publisher.web.service import Service
from tests.delivery.world import make_config
from tests.edition.make import ROOT
from tests.site.conftest import CONFIG
from tests.web.conftest import Hook, Site, link_of


def test_one_click_urlencoded_as_in_the_rfc(site: Site) -> None:
    """RFC 8058, section 8.1 and 8.2: the POST of a mail client, without cookie, origin or redirect."""
    ann = site.add("ann@example.com")
    answer = site.client.post(
        site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference, "m7"),
        content=b"List-Unsubscribe=One-Click",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, answer.text) == (200, "unsubscribed\n")
    assert "set-cookie" not in answer.headers
    assert site.state("ann@example.com") == "unsubscribed"
    last = site.history("ann@example.com")[-1]
    assert (last.change, last.how, last.evidence["mailing"]) == ("unsubscribed", "one-click", "m7")


def test_one_click_multipart_as_in_the_rfc(site: Site) -> None:
    ann = site.add("ann@example.com")
    body = (
        b"---FormBoundaryjWmhtjORrn\r\n"
        b'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n---FormBoundaryjWmhtjORrn--\r\n'
    )
    answer = site.client.post(
        site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference),
        content=body,
        headers={
            "content-type": "multipart/form-data; boundary=-FormBoundaryjWmhtjORrn",
            "origin": "https://mail.example",
            "sec-fetch-site": "cross-site",
        },
    )
    assert answer.status_code == 200
    assert site.history("ann@example.com")[-1].how == "one-click"


@pytest.mark.parametrize("content", [b"", b"\xff\x00nonsense", b"--x\r\nbroken"])
@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "application/json"]
)
def test_a_body_that_cannot_be_read_keeps_nobody_subscribed(site: Site, content: bytes, kind: str) -> None:
    ann = site.add("ann@example.com")
    link = site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference)
    assert site.client.post(link, content=content, headers={"content-type": kind}).status_code == 200
    assert site.state("ann@example.com") == "unsubscribed"


NOBODY = {
    "en": "belongs to nobody on the list",
    "zh-CN": "不属于名单上的任何人",
    "zh-TW": "不屬於名單上的任何人",
    "ja": "名簿のどなたのものでもありません",
}


@pytest.mark.parametrize("language", NOBODY)
def test_a_link_of_nobody_says_so(site: Site, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    link = site.service.tokens.url(Purpose.UNSUBSCRIBE, "0" * 24, "m7")
    newsletter = site.service.config.newsletter.model_copy(update={"language": language})
    monkeypatch.setattr(
        site.service.pages, "_config", site.service.config.model_copy(update={"newsletter": newsletter})
    )
    for answer in (site.client.get(link), site.client.post(link)):
        assert answer.status_code == 200
        assert NOBODY[language] in answer.text
        assert "<form" not in answer.text


def test_one_click_for_nobody_is_answered_and_tells_the_operator(
    site: Site, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, heard = hook
    monkeypatch.setenv("PUBLISHER_ALERTS_WEBHOOK", webhook)
    for number in range(3):
        link = site.service.tokens.url(Purpose.UNSUBSCRIBE, f"{number:024x}", "m7")
        answer = site.client.post(link, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    for _ in range(200):
        if heard:
            break
        time.sleep(0.02)
    assert [[trip["name"] for trip in told["tripwires"]] for told in heard] == [["unknown-link"]]
    assert "0000" not in str(heard)
    assert 'publisher_web_changes_total{change="unknown"} 3' in site.client.get("/metrics").text


def test_who_was_erased_is_no_alarm(site: Site, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook, heard = hook
    monkeypatch.setenv("PUBLISHER_ALERTS_WEBHOOK", webhook)
    ann = site.add("ann@example.com")
    body = Slotted(("hello",))
    with site.service.database.begin() as connection:
        freeze(connection, MailContent("2026-05-04-weekly", "a", body, "en", "sha256:0", None, body, body))
        erase(connection, read_address("ann@example.com"))
    link = site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference, "m7")
    assert site.client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    other = site.service.tokens.url(Purpose.UNSUBSCRIBE, "f" * 24, "m7")
    site.client.post(other, data={"List-Unsubscribe": "One-Click"})
    for _ in range(200):
        if heard:
            break
        time.sleep(0.02)
    assert len(heard) == 1  # the second one's


def test_the_links_of_a_test_mail_say_so_and_change_nobody(
    site: Site, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, heard = hook
    monkeypatch.setenv("PUBLISHER_ALERTS_WEBHOOK", webhook)
    body = Slotted(("see ", Slot.PREFERENCES_URL, " "))
    letter = MailContent("2026-05-04-weekly", "a", body, "en", "sha256:0", None, body, body)
    assert send_test(site.service.config, letter, ["editor@example.com"]) == []
    (mail,) = site.mails(1)
    for link in (mail["list-unsubscribe"].strip("<>"), link_of(mail, "preferences")):
        for answer in (
            site.client.get(link),
            site.client.post(link, data={"List-Unsubscribe": "One-Click"}),
            site.client.post(link, data={"action": "stay"}),
        ):
            assert answer.status_code == 200
            assert "这是测试邮件里的链接" in answer.text
            assert "<form" not in answer.text
    assert "changes_total{" not in site.client.get("/metrics").text
    assert heard == []


@pytest.mark.parametrize("token", ["x", "0" * 24, "0" * 24 + "~m7.forged", "", "a" * 600])
def test_a_forged_link_is_no_alarm(site: Site, hook: Hook, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    webhook, heard = hook
    monkeypatch.setenv("PUBLISHER_ALERTS_WEBHOOK", webhook)
    answer = site.client.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code in {404, 410}
    assert heard == []
    assert "unknown" not in site.client.get("/metrics").text


def test_every_spelling_of_the_mailbox_leaves(site: Site) -> None:
    ann = site.add("Ann@example.com")
    site.add("ann@example.com")
    site.client.post(site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference))
    assert {site.state("Ann@example.com"), site.state("ann@example.com")} == {"unsubscribed"}


def test_get_head_and_options_change_nothing(site: Site) -> None:
    ann = site.add("ann@example.com", ConsentState.PENDING, topics=["weekly"])
    before = site.subscriber("ann@example.com"), site.history("ann@example.com")
    tokens = site.service.tokens
    links = [
        tokens.url(Purpose.UNSUBSCRIBE, ann.reference),
        tokens.url(Purpose.PREFERENCES, ann.reference),
        tokens.url(Purpose.CONFIRM, ann.reference),
    ]
    for link in links:
        page = site.client.get(link)
        assert page.status_code == 200
        assert "<button" in page.text
        assert site.client.get(link + "?List-Unsubscribe=One-Click&action=stay&confirm=1").status_code == 200
        assert site.client.head(link).status_code == 200
        assert site.client.options(link).status_code == 405
        for follow in re.findall(r'href="([^"]+)"', page.text):  # as a scanner would
            if follow.startswith("../"):
                assert site.client.get(link.rsplit("/", 2)[0] + follow[2:]).status_code == 200
    assert (site.subscriber("ann@example.com"), site.history("ann@example.com")) == before


def test_the_button_leads_to_a_way_back(site: Site) -> None:
    ann = site.add("ann@example.com")
    link = site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference)
    assert "退订" in site.client.get(link).text
    page = site.client.post(link)
    assert "已退订" in page.text
    assert site.state("ann@example.com") == "unsubscribed"
    action = re.search(r'action="\.\./(preferences/[^"]+)"', page.text)
    assert action
    stayed = site.client.post(action[1], data={"action": "stay"}, headers={"origin": site.url.rstrip("/")})
    assert "继续订阅" in stayed.text
    assert site.state("ann@example.com") == "confirmed"
    assert [entry.change for entry in site.history("ann@example.com")][-2:] == ["unsubscribed", "resubscribed"]


def test_staying_does_not_confirm_who_never_did(site: Site) -> None:
    ann = site.add("ann@example.com", ConsentState.PENDING)
    site.client.post(site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference))
    site.client.post(site.service.tokens.url(Purpose.PREFERENCES, ann.reference), data={"action": "stay"})
    assert site.state("ann@example.com") == "pending"


def test_preferences_keep_what_the_page_does_not_show(site: Site) -> None:
    ann = site.add("ann@example.com", topics=["vip", "weekly"], name="Ann", language="zh-CN")
    link = site.service.tokens.url(Purpose.PREFERENCES, ann.reference)
    page = site.client.post(link, data={"action": "save", "topics": ["daily", "invented"], "name": " 安 "})
    assert "偏好已保存" in page.text
    ann = site.subscriber("ann@example.com")
    assert ann is not None
    assert (ann.topics, ann.name, ann.language) == (("vip", "daily"), "安", "zh-CN")
    assert ann.preferred_at is not None
    assert site.history("ann@example.com")[-1].evidence["changed"] == ["name", "topics"]


def test_forged_links_open_nothing(site: Site) -> None:
    ann, ben = site.add("ann@example.com"), site.add("ben@example.com")
    tokens = site.service.tokens
    good = tokens.sign(Purpose.UNSUBSCRIBE, ann.reference)
    reference, _, signature = good.partition(".")
    forged = [
        good[:-1],
        good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1],  # the last one carries two bits that nobody reads
        reference,
        f"{reference}.",
        f".{signature}",
        f"{ben.reference}.{signature}",
        f"{reference}~9.{signature}",
        tokens.sign(Purpose.PREFERENCES, ann.reference),
        tokens.sign(Purpose.CONFIRM, ann.reference),
        Tokens(["another key, long enough"], site.url).sign(Purpose.UNSUBSCRIBE, ann.reference),
        good * 20,
        "%00",
        "%ff%fe",
        "..%2f..%2fetc",
        "令牌",
    ]
    for token in forged:
        for method in ("GET", "POST"):
            answer = site.client.request(method, f"unsubscribe/{token}")
            assert answer.status_code in {404, 410}, token
    for purpose in (Purpose.PREFERENCES, Purpose.CONFIRM):
        for method in ("GET", "POST"):
            assert site.client.request(method, f"{purpose}/{good}").status_code == 410
    assert site.state("ann@example.com") == "confirmed"


@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.PREFERENCES])
def test_whoever_cannot_leave_by_a_damaged_link_is_told_whom_to_write_to(site: Site, purpose: Purpose) -> None:
    damaged = site.service.tokens.url(purpose, site.add("ann@example.com").reference)[:-1]
    for answer in (site.client.get(damaged), site.client.post(damaged)):
        assert answer.status_code == 410
        assert "mailto:weekly@news.example.com" in answer.text
        assert "由我们为您退订" in answer.text
        assert 'subscribe"' not in answer.text, "nobody who leaves is asked to subscribe"
        assert "ann@example.com" not in answer.text
    asking = site.client.get("confirm/damaged").text
    assert "../subscribe" in asking
    assert "mailto:" not in asking


def test_a_link_of_somebody_erased_is_no_error_to_a_mail_client(site: Site) -> None:
    nobody = site.service.tokens.url(Purpose.UNSUBSCRIBE, "nobody")
    assert site.client.post(nobody, content=b"List-Unsubscribe=One-Click").status_code == 200
    assert site.client.get(nobody).status_code == 200
    assert site.client.get(site.service.tokens.url(Purpose.PREFERENCES, "nobody")).status_code == 410


def test_keys_rotate(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = "an old key that is long", "a new key that is long"
    monkeypatch.setenv("PUBLISHER_SECRET_KEYS", old)
    token = Tokens.open(site.service.config).sign(Purpose.UNSUBSCRIBE, "r", 1)
    monkeypatch.setenv("PUBLISHER_SECRET_KEYS", f"{new}, {old}")
    rotated = Tokens.open(site.service.config)
    claim = rotated.read(Purpose.UNSUBSCRIBE, token)
    assert claim is not None
    assert (claim.reference, claim.mailing) == ("r", "1")
    monkeypatch.setenv("PUBLISHER_SECRET_KEYS", new)
    assert Tokens.open(site.service.config).sign(Purpose.UNSUBSCRIBE, "r", 1) == rotated.sign(
        Purpose.UNSUBSCRIBE, "r", 1
    )
    assert Tokens.open(site.service.config).read(Purpose.UNSUBSCRIBE, token) is None


@pytest.mark.parametrize("keys", ["k" * 15, f"{'k' * 32},{'o' * 15}", f"{'o' * 15}, {'k' * 32}"])
def test_a_short_key_signs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    config = make_config(tmp_path)
    monkeypatch.setenv("PUBLISHER_SECRET_KEYS", keys)
    with pytest.raises(UsageError, match="shorter than 16"):
        Tokens.open(config)
    monkeypatch.setenv("PUBLISHER_SECRET_KEYS", keys.replace("k" * 15, "k" * 16).replace("o" * 15, "o" * 16))
    Tokens.open(config)


def test_a_key_file_that_was_cut_short_signs_nothing_and_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUBLISHER_SECRET_KEYS", raising=False)
    config, path = make_config(tmp_path), tmp_path / ".publisher" / "secret.key"
    Tokens.open(config)
    whole = path.read_text()
    path.write_text(whole[:15])
    with pytest.raises(UsageError, match="too short"):
        Tokens.open(config)
    assert path.read_text() == whole[:15]
    path.write_text(whole[:16])
    Tokens.open(config)


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        ("base.html", "</main>", "{% endif %}</main>", 19), ("base.html", "</main>", "{{ oops }}</main>", None),
        ("unsubscribe.html", "<form", "<div", None), ("mail.mjml", "{{ link }}", "{{ lnk }}", None),
        ("mail.mjml", "{{ link }}", "#", None),
        ("unsubscribe.html", "<form", '{% include "service/unsubscribe.html.j2" %}<form', None),
    ],
)  # fmt: skip
def test_a_template_of_the_newsletter_that_fails_keeps_nobody_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, old: str, new: str, line: int | None
) -> None:
    source = (ROOT / "templates/paper/service" / f"{name}.j2").read_text(encoding="utf-8")
    assert old in source
    own = tmp_path / "templates/service" / f"{name}.j2"
    own.parent.mkdir(parents=True)
    own.write_text(source.replace(old, new), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "issues").mkdir()
    config = load_config(tmp_path)
    service = Service.open(config)
    for _ in range(3):
        assert b"<form" in service.pages.page("unsubscribe", preferences_link="p", may_pause=False).body
    assert service.readers.ask(SubscribeRequest(read_address("ann@example.com"), "", None, ()), {})
    service.postman.deliver(5)
    (mail,) = (message_from_bytes(file.read_bytes(), policy=default) for file in tmp_path.rglob("*.eml"))
    html = mail.get_body(("html",))
    assert html is not None
    assert html.get_content().count('href="https://letters.example.com/confirm/') == 2
    service.close()
    assert caplog.text.count("readers get the built-in") in {1, 2}  # once for the page, once for the mail
    found = [one.line for one in check_repository(config).diagnostics if one.code == "theme-broken"]
    assert found == ([line] if line else [])
