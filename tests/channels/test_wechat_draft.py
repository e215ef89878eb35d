"""``publisher wechat --draft``: one draft, updated by a repeat; WeChat's errors are explained; no secret is printed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing

import pytest
from PIL import Image

from publisher.channels.wechat import write_article
from publisher.channels.wechat_api import save_draft
from publisher.config import load_config
from publisher.database import open_database
from publisher.proofing.proof import proofread
from tests.acceptance.conftest import Newsletter, Ran, newsletter
from tests.stubs.wechat import WechatStub

__all__ = ["newsletter"]

SLUG = "2024-12-29-weekly"
SECRET = "s3cret-of-the-account"


@pytest.fixture
def wechat() -> Iterator[WechatStub]:
    with WechatStub() as stub:
        yield stub


@pytest.fixture
def room(newsletter: Newsletter) -> Newsletter:
    for name, colour in (("cover", "teal"), ("body", "navy")):
        out = io.BytesIO()
        Image.new("RGB", (40, 40), colour).save(out, "PNG")
        newsletter.write(f"issues/{SLUG}/images/{name}.png", out.getvalue())
    text = "---\nheadline: 甲\n---\n正文。\n\n![图里有一块深蓝](images/body.png)\n"
    newsletter.issue(SLUG, "cover: {image: images/cover.png, alt: 封面上有一块青色}\n", a=text)
    return newsletter


def draft(room: Newsletter, stub: WechatStub) -> Ran:
    ran = room.run(
        "wechat",
        SLUG,
        "--draft",
        PUBLISHER_WECHAT_URL=stub.url,
        PUBLISHER_WECHAT_APPID="wx0123",
        PUBLISHER_WECHAT_SECRET=SECRET,
    )
    assert SECRET not in ran.out + ran.err
    assert "token-" not in ran.out + ran.err
    return ran


def test_a_draft_has_the_article_with_pictures_that_wechat_has(room: Newsletter, wechat: WechatStub) -> None:
    ran = draft(room, wechat)
    assert ran.status == 0, ran.err
    first = ["stable_token", "media/uploadimg", "media/uploadimg", "material/add_material", "draft/add"]
    assert wechat.calls == first
    (article,) = wechat.drafts.values()
    assert (article["title"], article["content_source_url"]) == ("一周", f"https://news.weekly.test/issues/{SLUG}/")
    assert article["thumb_media_id"] == "cover-4"
    assert article["content"].count("http://mmbiz.qpic.cn/body/") == 2
    assert "news.weekly.test/media" not in article["content"]
    assert "甲".encode() in dict(wechat.bodies)["draft/add"]  # no escapes: WeChat would keep them as they are
    assert not any("publish" in call for call in wechat.calls)


def test_a_repeat_updates_the_draft_and_uploads_nothing_twice(room: Newsletter, wechat: WechatStub) -> None:
    draft(room, wechat)
    wechat.calls.clear()
    room.write(f"issues/{SLUG}/a.md", "---\nheadline: 乙\n---\n正文。\n\n![图里有一块深蓝](images/body.png)\n")
    assert draft(room, wechat).status == 0
    assert wechat.calls == ["stable_token", "draft/update"]
    (article,) = wechat.drafts.values()
    assert "乙" in article["content"]


def test_a_draft_that_somebody_deleted_is_added_again(room: Newsletter, wechat: WechatStub) -> None:
    draft(room, wechat)
    wechat.drafts.clear()
    wechat.errors["draft/add"] = [(40007, "invalid media_id")]  # and its cover too
    assert draft(room, wechat).status == 0
    assert list(wechat.drafts) == ["draft-1"]
    assert wechat.calls.count("material/add_material") == 2


@pytest.mark.parametrize("code", [40001, 42001, 40014])
def test_a_stale_token_is_renewed_once(room: Newsletter, wechat: WechatStub, code: int) -> None:
    wechat.errors["draft/add"] = [(code, "access_token expired")]
    assert draft(room, wechat).status == 0
    assert wechat.tokens == 2
    room.write(f"issues/{SLUG}/a.md", "---\nheadline: 丙\n---\n正文。\n")
    wechat.errors["draft/update"] = [(code, "expired")] * 2
    refused = draft(room, wechat)
    assert refused.status == 2
    assert "PUBLISHER_WECHAT_SECRET" in refused.err


@pytest.mark.parametrize(
    ("path", "code", "told", "words"),
    [
        ("stable_token", 40164, "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist", "203.0.113.7"),
        ("stable_token", 40164, "invalid ip 203.0.113.7, not in whitelist", "hosted CI changes its address"),
        ("stable_token", 40013, "invalid appid", "PUBLISHER_WECHAT_APPID"),
        ("stable_token", 40125, f"invalid appsecret {SECRET}", "PUBLISHER_WECHAT_SECRET"),
        ("draft/add", 48001, "api unauthorized", "verified"),
        ("media/uploadimg", 45009, "reach max api daily quota limit", "tomorrow"),
        ("draft/add", 45002, "content size out of limit", "too long"),
        ("draft/add", -1, "system error", "again in a minute"),
        ("draft/add", 99999, f"something with {SECRET} new", "99999"),
    ],
)
def test_an_error_of_wechat_is_reported_with_what_to_do(
    room: Newsletter, wechat: WechatStub, path: str, code: int, told: str, words: str
) -> None:
    wechat.errors[path] = [(code, told)]
    ran = draft(room, wechat)
    assert ran.status == 2
    assert words in ran.err
    assert "help:" in ran.err
    assert wechat.drafts == {}


def test_what_was_uploaded_before_an_error_is_not_uploaded_again(room: Newsletter, wechat: WechatStub) -> None:
    wechat.errors["draft/add"] = [(45009, "reach max api daily quota limit")]
    assert draft(room, wechat).status == 2
    wechat.calls.clear()
    assert draft(room, wechat).status == 0
    assert wechat.calls == ["stable_token", "draft/add"]


def test_a_relay_that_knows_the_older_token_alone_will_do(room: Newsletter, wechat: WechatStub) -> None:
    wechat.unknown.add("stable_token")
    assert draft(room, wechat).status == 0
    assert wechat.calls[:2] == ["stable_token", "token"]


def test_nobody_is_called_without_both_variables_or_over_an_open_line(room: Newsletter, wechat: WechatStub) -> None:
    ran = room.run("wechat", SLUG, "--draft", PUBLISHER_WECHAT_URL=wechat.url, PUBLISHER_WECHAT_APPID="wx0123")
    assert (ran.status, "PUBLISHER_WECHAT_SECRET" in ran.err) == (2, True)
    both = {"PUBLISHER_WECHAT_APPID": "wx0123", "PUBLISHER_WECHAT_SECRET": SECRET}
    ran = room.run("wechat", SLUG, "--draft", PUBLISHER_WECHAT_URL="http://weixin.test/", **both)
    assert (ran.status, "in the clear" in ran.err) == (2, True)
    for wrong in ("http://[::1", "https://weixin.test:port/", "weixin"):
        ran = room.run("wechat", SLUG, "--draft", PUBLISHER_WECHAT_URL=wrong, **both)
        assert (ran.status, "PUBLISHER_WECHAT_URL: it is not a URL" in ran.err) == (2, True)
    assert wechat.calls == []


def test_a_draft_needs_a_cover(room: Newsletter, wechat: WechatStub) -> None:
    room.issue(SLUG, a="---\nheadline: 甲\n---\n正文。\n")
    ran = draft(room, wechat)
    assert (ran.status, "wechat-cover" in ran.err, wechat.calls) == (1, True, [])
    assert room.run("wechat", SLUG).status == 0


def test_a_program_that_logs_everything_logs_no_token(
    room: Newsletter, wechat: WechatStub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setenv("PUBLISHER_WECHAT_URL", wechat.url)
    monkeypatch.setenv("PUBLISHER_WECHAT_APPID", "wx0123")
    monkeypatch.setenv("PUBLISHER_WECHAT_SECRET", SECRET)
    config = load_config(room.root)
    issue = proofread(config, SLUG, commit=False).issue
    assert issue is not None
    article, _ = write_article(issue, config, draft=True)
    assert article is not None
    with closing(open_database(config)) as database:
        assert not save_draft(article, SLUG, database)
    assert SECRET not in caplog.text
    assert "token-1" not in caplog.text
