"""The preview follows the files, shows nothing that runs, and obeys nobody but its own page."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from publisher.preview import frames
from publisher.preview.listing import cut, rows

from .conftest import SLUG, Preview

pytestmark = pytest.mark.browser

ATTACKS = [
    "<script>parent.document.title = 'owned'</script>",
    '<img src="x" onerror="parent.document.title = \'owned\'">',
    "[go](javascript:parent.document.title='owned')",
    "<svg onload=\"parent.document.title='owned'\"><script>parent.document.title='owned'</script></svg>",
    "<iframe srcdoc=\"<script>top.document.title='owned'</script>\"></iframe>",
    "<style>@import url('{evil}/x.css'); body { background: url({evil}/leak) }</style>",
    '<form action="{evil}/"><input name=a autofocus onfocus="parent.document.title=\'owned\'"></form>',
    '<meta http-equiv="refresh" content="0;url={evil}/">',
    '<base href="{evil}/">',
]


def listener() -> tuple[str, list[str]]:
    """A server that remembers what it is asked for, as an attacker's would."""
    heard: list[str] = []

    class Ears(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Ears)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", heard


def open_issue(page: Any, preview: Preview, look: str = "") -> Any:
    page.goto(f"{preview.url}/#issue={SLUG}{look}")
    page.wait_for_selector("iframe:not(.coming)")
    return page.frame_locator("iframe:not(.coming)")


def test_a_saved_file_changes_the_view(page: Any, preview: Preview) -> None:
    preview.write("第一稿", "正文。")
    frame = open_issue(page, preview)
    frame.get_by_role("heading", name="第一稿").wait_for()
    preview.write("第二稿", "正文。")
    page.frame_locator("iframe:not(.coming)").get_by_role("heading", name="第二稿").wait_for(timeout=5000)
    assert page.locator("#live").inner_text() == "live"


def test_a_broken_issue_shows_its_findings_over_the_last_good_view(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。")
    frame = open_issue(page, preview)
    frame.get_by_role("heading", name="好的").wait_for()
    preview.item.write_text("---\nheadline: 坏的\nheadlin: x\n---\n正文\n", encoding="utf-8")
    page.wait_for_selector("#broken:not([hidden])", timeout=5000)
    frame.get_by_role("heading", name="好的").wait_for(timeout=5000)
    link = page.locator("#findings a").first.get_attribute("href")
    assert link.startswith("vscode://file/")
    assert link.endswith("a.md:3:1")
    preview.write("又好了", "正文。")
    page.wait_for_selector("#broken", state="hidden", timeout=5000)


def test_a_finding_of_the_config_is_shown_too(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。")
    open_issue(page, preview)
    config = preview.root / "config.yaml"
    good = config.read_text(encoding="utf-8")
    config.write_text(good + "nonsense: 1\n", encoding="utf-8")
    page.get_by_text("config.yaml:").first.wait_for(timeout=5000)
    config.write_text(good, encoding="utf-8")
    page.wait_for_selector("#broken", state="hidden", timeout=5000)


def test_findings_are_told_in_the_language_of_the_browser(preview: Preview) -> None:
    def said(language: str) -> list[str]:
        answer = httpx.get(f"{preview.url}/api/issues/{SLUG}", headers={"accept-language": language}).json()
        return [finding["message"] for finding in answer["diagnostics"]]

    preview.write("好的", "正文。。")
    preview.until(lambda: bool(said("en")))
    told = {language: said(language) for language in ("zh-CN,zh;q=0.9", "en-GB", "fr")}
    assert told["zh-CN,zh;q=0.9"] == ["标点 。。 打重了"]
    assert told["en-GB"] == told["fr"] == ["the marks 。。 stand together"]


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_in_content_runs(page: Any, preview: Preview, attack: str) -> None:
    evil, heard = listener()
    # A check refuses most of these; here the frame is handed them as if every check had failed.
    page.goto(preview.url)
    look = frames.policy(frames.Look(), preview.url)
    html = f"<!doctype html><html><head></head><body><p>text</p>{attack.replace('{evil}', evil)}</body></html>"
    page.route("**/frame/**", lambda route: route.fulfill(body=html, headers={"content-security-policy": look}))
    page.goto(f"{preview.url}/?attack#issue={SLUG}")
    page.wait_for_selector("iframe:not(.coming)")
    page.wait_for_timeout(150)
    assert "owned" not in page.title()
    assert heard == []


def test_the_frame_is_sandboxed_and_its_policy_allows_no_script(preview: Preview) -> None:
    preview.write("好的", "正文。")
    policy = httpx.get(f"{preview.url}/frame/{SLUG}").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy.replace("allow-scripts", "script")
    assert "img-src 'none'" in httpx.get(f"{preview.url}/frame/{SLUG}?images=0").headers["content-security-policy"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "rebound.example:{port}"}, 403),
        ({"host": "127.0.0.1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_only_its_own_page_may_ask(preview: Preview, headers: dict[str, str], status: int) -> None:
    sent = {name: value.format(port=preview.port) for name, value in headers.items()}
    assert httpx.get(f"{preview.url}/api/issues", headers=sent).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"), [(None, 403), ("https://evil.example", 403), ("null", 403), ("http://127.0.0.1:{port}", 200)]
)
def test_a_test_is_sent_only_from_its_own_page(preview: Preview, origin: str | None, status: int) -> None:
    preview.write("好的", "正文。")
    headers = {"origin": origin.format(port=preview.port)} if origin else {}
    answer = httpx.post(f"{preview.url}/api/issues/{SLUG}/test", json={"to": "editor@example.com"}, headers=headers)
    assert answer.status_code == status, answer.text
    assert bool(list(preview.root.rglob("*.eml"))) is (status == 200)
    for made in preview.root.rglob("*.eml"):
        made.unlink()


def test_a_test_is_of_what_is_saved_however_short_ago(preview: Preview) -> None:
    headers = {"origin": f"http://127.0.0.1:{preview.port}"}
    for headline in ("Alpha", "Beta", "Gamma"):
        preview.write(headline, "正文。")
        httpx.post(f"{preview.url}/api/issues/{SLUG}/test", json={"to": "a@example.com"}, headers=headers)
        (made,) = preview.root.rglob("*.eml")
        sent = message_from_bytes(made.read_bytes(), policy=default).get_body(("plain",))
        made.unlink()
        assert sent is not None
        assert headline in sent.get_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(
    page: Any, preview: Preview, axe: Callable[..., list[dict[str, Any]]], scheme: str
) -> None:
    preview.item.write_text("---\nheadline: 坏的\nheadlin: x\n---\n正文\n", encoding="utf-8")
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{preview.url}/#issue={SLUG}")
    page.wait_for_selector("#findings a")
    found = axe(page, ignore=("frame-tested",))
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []


def test_keys_do_what_the_buttons_do(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。")
    open_issue(page, preview)
    page.keyboard.press("d")
    page.keyboard.press("p")
    page.keyboard.press("3")
    assert page.locator("[data-switch=dark]").get_attribute("aria-pressed") == "true"
    assert page.locator("[data-switch=phone]").get_attribute("aria-pressed") == "true"
    assert page.locator("[data-kind=text]").get_attribute("aria-checked") == "true"
    page.frame_locator("iframe:not(.coming)").locator("pre").wait_for()
    assert "phone" in page.url


@pytest.mark.parametrize("dark", [False, True])
def test_the_frame_is_as_dark_as_asked_whatever_the_browser_prefers(page: Any, preview: Preview, dark: bool) -> None:
    preview.write("好的", "正文。")
    frame = open_issue(page, preview, "&dark=1" if dark else "")
    frame.get_by_role("heading", name="好的").wait_for()
    colour = frame.locator("h2, h1").first.evaluate("node => getComputedStyle(node).color")
    red = int(colour.split("(")[1].split(",")[0])
    assert (red > 128) is dark


def test_every_look_of_an_issue_can_be_framed(preview: Preview) -> None:
    preview.write("好的", "正文。")
    preview.until(lambda: "好的" in httpx.get(f"{preview.url}/frame/{SLUG}").text)
    for kind in frames.KINDS:
        answer = httpx.get(f"{preview.url}/frame/{SLUG}?kind={kind}")
        assert "好的" in answer.text
    assert httpx.get(f"{preview.url}/frame/{SLUG}?kind=nothing").status_code == 404
    assert httpx.get(f"{preview.url}/frame/../../etc/passwd").status_code == 404
    assert httpx.get(f"{preview.url}/api/issues/no-such").status_code == 404


def test_wide_characters_count_twice_where_a_row_is_cut() -> None:
    assert cut("AI 周报", 7) == "AI 周报"
    assert cut("AI 周报", 6) == "AI 周…"
    assert cut("周报周报", 8) == "周报周报"
    assert cut("周报周报周", 8) == "周报周…"
    assert [row.cut for row in rows("s", "长" * 60, "p")] == [True, True, True]


def _title(page: Any, slug: str) -> Any:
    return page.locator("#issues button", has=page.locator(f".slug:has-text('{slug}')"))


def test_an_issue_that_is_not_open_keeps_its_title_and_its_mark(page: Any, preview: Preview) -> None:
    open_issue(page, preview)
    other = preview.root / "issues/2024-12-30-other"
    other.mkdir()
    (other / "a.md").write_text("---\nheadline: 甲\n---\n正文。\n", encoding="utf-8")
    (other / "issue.yaml").write_text("title: 另一期\ndate: 2024-12-30\nstatus: ready\n", encoding="utf-8")
    entry = _title(page, other.name)
    expect(entry.locator(".title")).to_have_text("另一期", timeout=20_000)  # a new issue shows its title by itself
    expect(entry.locator(".mark")).to_have_attribute("aria-label", "no findings")
    (other / "a.md").write_text("没有前言。\n", encoding="utf-8")
    expect(entry.locator(".mark")).to_have_attribute("aria-label", "1 errors", timeout=20_000)
    expect(entry.locator(".title")).to_have_text("另一期")
    shutil.rmtree(other)


def test_a_late_answer_does_not_put_old_findings_back(page: Any, preview: Preview) -> None:
    preview.write("稿", "正文。")
    open_issue(page, preview)
    held: list[tuple[Any, Any]] = []

    def late(route: Any) -> None:
        answer = route.fetch()
        if not held and "half-width-punctuation" in answer.text():
            held.append((route, answer))
        else:
            route.fulfill(response=answer)

    page.route(f"**/api/issues/{SLUG}", late)
    preview.write("稿", "旧,句。")
    for _ in range(200):
        page.wait_for_timeout(100)
        if held:
            break
    preview.write("稿", "新句。。")
    expect(page.locator("#findings")).to_contain_text("doubled-punctuation", timeout=20_000)
    held[0][0].fulfill(response=held[0][1])
    page.wait_for_timeout(300)
    expect(page.locator("#findings")).not_to_contain_text("half-width-punctuation")
    page.unroute(f"**/api/issues/{SLUG}")
    preview.write("稿", "正文。")


def test_only_the_editor_that_started_it_may_frame_the_preview(preview: Preview) -> None:
    from starlette.testclient import TestClient

    from publisher.preview import create_app

    framed = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}
    base = "http://127.0.0.1:8765"
    alone, beside = (TestClient(create_app(preview.root, 8765, editor=one), base_url=base) for one in (False, True))
    assert alone.get("/", headers=framed).status_code == 403
    page = beside.get("/", headers=framed)
    assert page.status_code == 200
    assert "frame-ancestors vscode-webview: vscode-file:;" in page.headers["content-security-policy"] + ";"
    assert beside.get("/", headers=framed | {"host": "evil.example.com"}).status_code == 403
    for path in ("/api/issues", f"/frame/{SLUG}"):
        assert beside.get(path, headers=framed).status_code == 403
    frame = beside.get(f"/frame/{SLUG}", headers={"sec-fetch-site": "same-origin"})
    assert "frame-ancestors 'self' vscode-webview: vscode-file:" in frame.headers["content-security-policy"]
    assert "'none'" in alone.get("/").headers["content-security-policy"].rpartition("frame-ancestors")[2]


def test_each_variant_can_be_chosen_and_has_its_own_length(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。\n\n::: only city:Berlin\n柏林见，不见不散。\n:::")
    frame = open_issue(page, preview)
    expect(frame.get_by_text("正文。")).to_be_visible()
    expect(frame.get_by_text("柏林见")).to_have_count(0)
    before = page.locator("#length").text_content()
    page.get_by_label("For").select_option("city-berlin")
    expect(page.frame_locator("iframe:not(.coming)").get_by_text("柏林见")).to_be_visible()
    assert page.locator("#length").text_content() != before
    preview.write("好的", "正文。")
    expect(page.locator("#variants")).to_be_hidden()
