"""Subscribing and unsubscribing in a real browser. Once with the mouse, once with the keyboard alone."""

from __future__ import annotations

import email
import email.policy
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from publisher.audience.tokens import Purpose
from publisher.config import load_config
from publisher.providers import open_transport
from publisher.providers.provider import Transport
from publisher.publishing.publish import PublishOptions, publish
from tests.delivery.conftest import ses
from tests.delivery.test_transports import relay
from tests.delivery.world import make_config
from tests.warm import command
from tests.web.conftest import Site, link_of

__all__ = ["ses"]

pytestmark = pytest.mark.browser
POLICY = email.policy.default


def test_in_and_out_again(site: Site, page: Any, axe: Callable[..., list[Any]]) -> None:
    def fine() -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert axe(page) == [], page.url
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.goto(site.url + "subscribe")
    fine()
    page.get_by_label("邮箱地址").fill("ann@example.com")
    page.get_by_label("每日快讯").uncheck()
    page.get_by_role("button", name="订阅").click()
    assert page.get_by_role("heading").inner_text() == "请查收邮件"
    fine()

    (mail,) = site.mails(1)
    html = mail.get_body(("html",))
    assert html is not None
    with page.context.new_page() as reading:  # the mail as a mail program shows it
        reading.set_content(html.get_content())
        found = axe(reading, ignore=("landmark-one-main", "region"))
        assert found == []
        target = reading.get_by_role("link", name="确认订阅").get_attribute("href")
    page.goto(target)
    fine()
    page.get_by_role("button", name="确认订阅").click()
    assert page.get_by_role("heading").inner_text() == "订阅成功"
    assert site.state("ann@example.com") == "confirmed"
    fine()
    page.get_by_role("link", name="订阅偏好").click()
    assert page.get_by_label("每周要闻").is_checked()
    assert not page.get_by_label("每日快讯").is_checked()
    page.get_by_label("每日快讯").check()
    page.get_by_role("button", name="保存").click()
    fine()
    page.get_by_role("link", name="我想退订").click()
    fine()
    page.get_by_role("button", name="退订").click()
    assert page.get_by_role("heading").inner_text() == "已退订"
    assert site.state("ann@example.com") == "unsubscribed"
    fine()
    page.get_by_role("button", name="继续订阅").click()
    assert page.get_by_role("heading").inner_text() == "继续订阅"
    ann = site.subscriber("ann@example.com")
    assert ann is not None
    assert (ann.state, ann.topics) == ("confirmed", ("weekly", "daily"))
    assert problems == []  # no refused style, no refused form


def test_by_keyboard_alone(site: Site, page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(site.url + "subscribe?language=en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("ben@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("Ben")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # not the weekly
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # the time zone
    page.keyboard.press("Tab")  # the trap is not in the way
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Check your inbox").wait_for()
    (mail,) = site.mails(1)
    page.goto(link_of(mail, "confirm"))
    _press(page, "Confirm my subscription")
    page.get_by_role("heading", name="You are subscribed").wait_for()
    ben = site.subscriber("ben@example.com")
    assert ben is not None
    assert (ben.state, ben.name, ben.topics, ben.language) == ("confirmed", "Ben", ("daily",), "en")
    page.goto(site.service.tokens.url(Purpose.UNSUBSCRIBE, ben.reference))
    _press(page, "Unsubscribe")
    page.get_by_role("heading", name="You are unsubscribed").wait_for()
    assert site.state("ben@example.com") == "unsubscribed"


def _press(page: Any, button: str) -> None:
    """Tab to a button by its name, and press it."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == button:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way by keyboard to {button}")


def test_from_the_form_to_the_inbox_and_out(site: Site, page: Any) -> None:
    """Subscribe, confirm, get an issue, leave by its link; the next issue leaves that person out and says why."""
    (site.root / "config.yaml").write_text(
        f"newsletter: {{name: AI 周报, language: zh-CN, url: 'https://news.example.com/', from: a <a@example.com>}}\n"
        f"service: {{url: '{site.url}'}}\n",
        encoding="utf-8",
    )
    for slug in ("one", "two"):
        folder = site.root / "issues" / slug
        folder.mkdir(parents=True)
        head = f"title: 第{slug}期\ndate: 2025-01-05\nstatus: ready\nitems:\n  - {{headline: 甲, body: 正文。}}\n"
        (folder / "issue.yaml").write_text(head, encoding="utf-8")
    page.goto(site.url + "subscribe")
    page.get_by_label("邮箱地址").fill("ann@example.com")
    page.get_by_role("button", name="订阅").click()
    (mail,) = site.mails(1)
    page.goto(link_of(mail, "confirm"))
    page.get_by_role("button", name="确认订阅").click()
    page.get_by_role("heading", name="订阅成功").wait_for()

    assert _publisher(site, "send", "one").returncode == 0
    (issue,) = [
        email.message_from_bytes(path.read_bytes(), policy=POLICY) for path in (site.root / "outbox/one").iterdir()
    ]
    assert issue["to"] == "ann@example.com"
    html = issue.get_body(("html",))
    assert html is not None
    page.set_content(html.get_content())
    with page.expect_navigation():
        page.get_by_role("link", name="退订").click()
    page.get_by_role("button", name="退订").click()
    page.get_by_role("heading", name="已退订").wait_for()
    assert site.history("ann@example.com")[-1].evidence["mailing"]  # the issue that they left from

    assert _publisher(site, "send", "two").returncode == 0
    assert not list((site.root / "outbox/two").glob("*.eml"))
    status = json.loads(_publisher(site, "status", "two", "--format", "json").stdout)
    assert (status["audience"], status["excluded_by_reason"]) == (1, {"unsubscribed": 1})


def _publisher(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    return command(site.root.parent, "--root", str(site.root), *words)


def test_preferences_in_every_light_on_a_phone_and_without_a_script(
    site: Site, page: Any, axe: Callable[..., list[Any]]
) -> None:
    """Choose everything, be refused, pause, see it, come back; once from left to right, once from right to left."""
    page.set_viewport_size({"width": 360, "height": 640})

    def fine() -> None:
        assert axe(page) == [], page.url
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    for language, scheme in (("en", "light"), ("ar", "dark")):
        reader = site.add(f"{language}@example.com", language=language)
        page.emulate_media(color_scheme=scheme)
        page.goto(site.service.tokens.url(Purpose.PREFERENCES, reader.reference))
        fine()
        page.locator("[name=timezone]").select_option("America/Sao_Paulo")
        page.locator("[name=pause]").select_option("1m")
        page.get_by_label("城市").fill("São Paulo")
        page.get_by_label("茶").select_option("龙井")
        page.get_by_label("生日").fill("1990-02-28")
        page.get_by_label("几个孩子").fill("two")
        page.locator("button[type=submit]").click()
        assert page.locator("[aria-invalid=true]").get_attribute("name") == "children"
        assert page.locator("[name=timezone]").input_value() == "America/Sao_Paulo"
        fine()
        assert site.subscriber(f"{language}@example.com") == reader
        page.get_by_label("几个孩子").fill("2")
        page.locator("button[type=submit]").click()
        page.get_by_role("status").wait_for()
        fine()
        saved = site.subscriber(f"{language}@example.com")
        assert saved is not None
        assert (saved.timezone, saved.attributes["born"]) == ("America/Sao_Paulo", "1990-02-28")
        assert saved.paused_until is not None
        page.locator("[name=pause]").select_option("off")
        page.locator("button[type=submit]").click()
        page.get_by_role("status").wait_for()
        page.locator("main a").last.click()  # to leave
        fine()
        page.get_by_role("button").nth(1).click()  # or rather to pause
        page.get_by_role("status").wait_for()
        assert page.locator("[name=pause]").input_value() == "keep"
        assert site.state(f"{language}@example.com") == "confirmed"


ISSUES = """
title: {title}
subject: "{{{{ subscriber.name }}}}, {title}"
date: {date}
language: {language}
status: ready
{of}
intro: |
  {{{{ subscriber.name }}}} - {{{{ subscriber.city }}}}

  ::: only city:Berlin
  {berlin}
  :::
items:
  - headline: {title}
    body: {body}
"""


@pytest.mark.parametrize("kind", ["folder", "smtp", "ses"])
def test_welcomed_addressed_by_name_paused_back_and_gone(
    kind: str, site: Site, page: Any, request: pytest.FixtureRequest
) -> None:
    """Subscribe with a name and a zone, get the series while the clock moves, an issue in one's own language and
    variant, pause, come back, leave: what arrives is the same by every transport.
    """
    (site.root / "config.yaml").write_text(
        "newsletter: {name: AI 周报, language: zh-CN, timezone: Asia/Shanghai, url: 'https://news.example.com/',\n"
        "  from: a <a@example.com>}\naudience: {attributes: {name: 朋友, city: {default: 北京, editable: true}}}\n"
        f"service: {{url: '{site.url}'}}\n",
        encoding="utf-8",
    )
    for number, name, after in ((1, "hello", "0"), (2, "best-of", "3d")):
        step = site.root / f"series/welcome/0{number}-{name}.md"
        step.parent.mkdir(parents=True, exist_ok=True)
        step.write_text(f"---\ntitle: Step {name}\nlanguage: en\nafter: {after}\nstatus: ready\n---\nHi, "
                        "{{ subscriber.name }}.\n", encoding="utf-8")  # fmt: skip
    config, start = load_config(site.root), datetime.now(ZoneInfo("Asia/Shanghai"))  # as its issues are dated
    (site.root / "issues").mkdir()

    def issue(day: int) -> str:
        slug = f"{(start + timedelta(days=day)).date()}-x"
        for name, language, of in ((slug, "zh-CN", ""), (f"{slug}-en", "en", f"translation_of: {slug}")):
            folder = site.root / "issues" / name
            folder.mkdir(parents=True)
            told = ("第一", "柏林的读者", "正文。") if language != "en" else ("Issue", "Readers of Berlin", "Text.")
            values = dict(zip(("title", "berlin", "body"), told, strict=True))
            (folder / "issue.yaml").write_text(
                ISSUES.format(**values, language=language, of=of, date=(start + timedelta(days=day)).date()), "utf-8"
            )
        return slug

    with _mailbox(kind, site, request) as (transport, read):

        def publish_on(day: float) -> list[tuple[str, str]]:
            """Subject and text of what arrives by a run of that day."""
            before = len(read())
            moment = start + timedelta(days=day, minutes=1)
            publish(config, site.service.database, PublishOptions(now=moment, transport=transport()))
            return read()[before:]

        page.goto(site.url + "subscribe?language=en")
        page.get_by_label("Email").fill("ann@example.com")
        page.locator("[name=name]").fill("Ann")
        page.locator("[name=timezone]").select_option("Europe/Berlin")
        page.locator("button[type=submit]").click()
        page.get_by_role("heading", name="Check your inbox").wait_for()
        (mail,) = site.mails(1)
        page.goto(link_of(mail, "confirm"))
        page.locator("button").click()
        page.get_by_role("heading", name="You are subscribed").wait_for()
        ann = site.subscriber("ann@example.com")
        assert ann is not None
        assert (ann.name, ann.timezone, ann.language) == ("Ann", "Europe/Berlin", "en")

        ((subject, text),) = publish_on(0)
        assert (subject, "Hi, Ann." in text) == ("Step hello", True)
        assert publish_on(2) == []
        ((subject, text),) = publish_on(3.1)
        assert (subject, "Hi, Ann." in text) == ("Step best-of", True)

        page.goto(site.service.tokens.url(Purpose.PREFERENCES, ann.reference))
        page.locator("[name=city]").fill("Berlin")
        page.locator("button[type=submit]").click()
        page.get_by_role("status").wait_for()
        issue(4)
        ((subject, text),) = publish_on(4)
        assert subject == "Ann, Issue"
        assert "Ann - Berlin" in text
        assert "Readers of Berlin" in text
        assert "柏林" not in text

        page.reload()
        page.locator("[name=pause]").select_option("1m")
        page.locator("button[type=submit]").click()
        page.get_by_role("status").wait_for()
        issue(6)
        assert publish_on(6) == []
        page.locator("[name=pause]").select_option("off")
        page.locator("button[type=submit]").click()
        page.get_by_role("status").wait_for()
        issue(8)
        ((subject, text),) = publish_on(8)
        assert subject == "Ann, Issue"

        (link,) = re.findall(rf"{site.url}unsubscribe/\S+", text)
        page.goto(link)
        page.locator("button").first.click()
        page.get_by_role("heading", name="You are unsubscribed").wait_for()
        issue(10)
        assert publish_on(10) == []


@contextmanager
def _mailbox(
    kind: str, site: Site, request: pytest.FixtureRequest
) -> Iterator[tuple[Callable[[], Transport | None], Callable[[], list[tuple[str, str]]]]]:
    """How a transport is opened, and what has arrived by it: subject and text, in order."""
    if kind == "folder":

        def files() -> list[tuple[str, str]]:
            found = [path for path in site.root.glob("outbox/*/*.eml") if path.parent.name != "confirm"]
            return [_read(path.read_bytes()) for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]

        yield lambda: None, files
    elif kind == "smtp":
        with relay() as (inbox, port):
            smtp = make_config(site.root, "smtp", smtp={"host": "127.0.0.1", "port": port})
            config = load_config(site.root).model_copy(update={"delivery": smtp.delivery})
            yield lambda: open_transport(config), lambda: [_read(message) for _, message in inbox.messages]
    else:
        account = request.getfixturevalue("ses")().account
        config = load_config(site.root).model_copy(update={"delivery": make_config(site.root, "ses").delivery})

        def contents() -> list[tuple[str, str]]:
            return [(one.content["Subject"], one.content["Text"]) for one in account.accepted]

        yield lambda: open_transport(config), contents


def _read(message: bytes) -> tuple[str, str]:
    parsed = email.message_from_bytes(message, policy=POLICY)
    assert isinstance(parsed, EmailMessage)
    body = parsed.get_body(("plain",))
    assert body is not None
    return str(parsed["subject"]), body.get_content()
