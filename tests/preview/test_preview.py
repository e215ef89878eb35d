"""The preview follows the files, shows nothing that runs, and accepts requests from its own page only."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect
from selectolax.lexbor import LexborHTMLParser

from publisher.diagnostics import rendered
from publisher.diagnostics.sentences import language
from publisher.preview import frames
from publisher.preview.app import WORDS
from publisher.preview.listing import cut, describe, rows
from publisher.preview.workshop import Workshop

from .conftest import SLUG, Preview

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)  # a machine that is busy takes its time

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
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
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
    page.frame_locator("iframe:not(.coming)").get_by_role("heading", name="第二稿").wait_for(timeout=20000)
    assert page.locator("#live").inner_text() == "live"


def test_a_save_changes_the_document_on_show_and_keeps_the_place(page: Any, preview: Preview) -> None:
    preview.write("第一稿", "很长的正文。\n\n" * 60)
    frame = open_issue(page, preview)
    frame.get_by_role("heading", name="第一稿").wait_for()
    page.evaluate("document.querySelector('iframe').contentDocument.scrollingElement.scrollTop = 400")
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(preview.url)))
    page.on("console", lambda message: said.append(message.text))
    page.evaluate("document.querySelector('iframe').same = true")
    page.evaluate("document.querySelector('iframe').focus()")
    preview.write("第二稿", "很长的正文。\n\n" * 60)
    frame.get_by_role("heading", name="第二稿").wait_for(timeout=20000)
    page.wait_for_timeout(300)  # whatever else it might ask for
    assert page.evaluate("document.querySelector('iframe').same")
    assert page.evaluate("document.activeElement.same")
    assert page.evaluate("document.querySelector('iframe').contentDocument.scrollingElement.scrollTop") == 400
    assert [url.split("?")[0] for url in asked] == [f"/api/issues/{SLUG}"]
    assert said == []
    heading = frame.get_by_role("heading", name="第二稿")
    colours = "node => ['color', 'fontSize', 'paddingTop'].map(name => getComputedStyle(node)[name])"
    changed, size = heading.evaluate(colours), frame.locator("html").evaluate("node => node.scrollHeight")
    page.reload()
    heading.wait_for()
    assert changed == heading.evaluate(colours)
    assert size == frame.locator("html").evaluate("node => node.scrollHeight")


def test_of_many_saves_the_last_is_on_show_in_every_tab(page: Any, preview: Preview) -> None:
    preview.write("第零稿", "正文。")
    other = page.context.new_page()
    tabs = [open_issue(page, preview), open_issue(other, preview, "&kind=page&dark=1")]
    for number in range(25):
        preview.write(f"第{number}稿", f"正文{'。' * (number % 3)}")
        page.wait_for_timeout(7 * (number % 5))
    preview.write("最后一稿", "正文。。")
    for tab, frame in zip((page, other), tabs, strict=True):
        frame.get_by_role("heading", name="最后一稿").wait_for(timeout=20000)
        expect(tab.locator("#findings")).to_contain_text("doubled-punctuation")
        tab.wait_for_timeout(300)
        assert frame.get_by_role("heading", name="最后一稿").count() == 1
    other.close()


def test_a_look_that_is_chosen_while_a_save_is_looked_at_shows_what_was_saved(page: Any, preview: Preview) -> None:
    for number in range(5):
        preview.write(f"旧{number}", "正文。")
        page.goto("about:blank")  # from one address of the page to another it keeps its look
        frame = open_issue(page, preview)
        frame.get_by_role("heading", name=f"旧{number}").wait_for()
        preview.write(f"新{number}", "正文。")
        page.wait_for_timeout(number * 14)
        page.keyboard.press("d")
        frame.get_by_role("heading", name=f"新{number}").wait_for(timeout=20000)
        colour = frame.locator("h1, h2").first.evaluate("node => getComputedStyle(node).color")
        assert int(colour.split("(")[1].split(",")[0]) > 128


def test_a_picture_that_is_drawn_again_is_shown_again_and_never_where_pictures_are_off(
    page: Any, preview: Preview
) -> None:
    picture = preview.root / "issues" / SLUG / "images/a.png"
    picture.parent.mkdir()

    def save(width: int) -> None:
        Image.new("RGB", (width, 40), "teal").save(picture)
        preview.item.write_text(
            f"---\nheadline: 宽{width}\nimage: {{image: images/a.png, alt: 方}}\n---\n正文。\n", encoding="utf-8"
        )

    save(300)
    frame = open_issue(page, preview)
    wide = "node => node.complete && node.naturalWidth"
    image = frame.locator("img[alt=方]")
    expect(image).to_be_visible()
    save(200)
    frame.get_by_role("heading", name="宽200").wait_for(timeout=20000)
    preview.until(lambda: image.evaluate(wide) == 200)
    assert image.evaluate(wide) == 200
    page.keyboard.press("i")
    page.wait_for_selector("iframe:not(.coming)[data-src*='images=0']")
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(answer.url))  # a request is told of, though it is blocked
    save(100)
    frame.get_by_role("heading", name="宽100").wait_for(timeout=20000)
    page.wait_for_timeout(200)
    assert not any("/site/" in url for url in asked)
    assert image.evaluate("node => node.naturalWidth") == 0
    shutil.rmtree(picture.parent)
    preview.write("好的", "正文。")


def test_a_template_and_the_config_change_the_view_of_every_tab(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。")
    other = page.context.new_page()
    mail, archive = open_issue(page, preview), open_issue(other, preview, "&kind=page")
    config, good = preview.root / "config.yaml", (preview.root / "config.yaml").read_text(encoding="utf-8")
    config.write_text(good.replace("name: 周报", "name: 月刊"), encoding="utf-8")
    for frame in (mail, archive):
        expect(frame.locator("body")).to_contain_text("月刊", timeout=20000)
    template = preview.root / "templates/web/issue.html"
    template.parent.mkdir(parents=True)
    for text, shown in (("{% if", "templates/web/issue.html:1: "), ("<p>换了模板</p>", "换了模板")):
        template.write_text(text, encoding="utf-8")
        expect(archive.locator("body")).to_contain_text(shown, timeout=20000)
    shutil.rmtree(preview.root / "templates")
    config.write_text(good, encoding="utf-8")
    for frame in (mail, archive):
        expect(frame.locator("body")).not_to_contain_text("月刊", timeout=20000)
        expect(frame.locator("body")).to_contain_text("好的", timeout=20000)
    other.close()


def test_files_that_config_has_come_to_name_change_the_view(preview: Preview) -> None:
    preview.write("好的", "正文。")
    config, good = preview.root / "config.yaml", (preview.root / "config.yaml").read_text(encoding="utf-8")
    sheet, look = preview.root / "brand/own.css", preview.root / "looks/theme.yaml"
    for file, before in ((sheet, "p { letter-spacing: 1px }"), (look, "size: {story: 24}")):
        file.parent.mkdir()
        file.write_text(before)

    def shows(words: str) -> bool:
        return words in httpx.get(f"{preview.url}/frame/{SLUG}").text

    config.write_text(f"{good}theme: {{name: looks, css: [brand/own.css]}}\n", encoding="utf-8")
    changes = ((sheet, "", "letter-spacing:1px"), (sheet, "p { letter-spacing: 2px }", "letter-spacing:2px"))
    for file, text, words in (*changes, (look, "size: {story: 23}", "font-size:23px")):
        file.write_text(text or file.read_text())
        preview.until(lambda words=words: shows(words))  # type: ignore[misc]
        assert shows(words)
    config.write_text(good, encoding="utf-8")


def test_a_step_of_a_series_is_shown_too(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。")
    step = preview.root / "series/welcome/01-hello.md"
    step.parent.mkdir(parents=True)
    matter = "---\ntitle: 你好\nafter: 0\n---\n"
    step.write_text(f"{matter}第一步。\n", encoding="utf-8")
    page.goto(f"{preview.url}/#issue=series/welcome/hello")
    frame = page.frame_locator("iframe:not(.coming)")
    expect(frame.locator("body")).to_contain_text("第一步。")
    assert _title(page, "series/welcome/hello").locator(".title").inner_text() == "你好"
    step.write_text(f"{matter}第二步。。\n", encoding="utf-8")
    expect(frame.locator("body")).to_contain_text("第二步。")
    expect(page.locator("#findings")).to_contain_text("doubled-punctuation")
    page.get_by_role("radio", name="Archive page").click()
    expect(frame.locator("body")).to_contain_text("A step of a series has no page in the archive.")
    headers = {"origin": f"http://127.0.0.1:{preview.port}"}
    address = f"{preview.url}/api/issues/series/welcome/hello/test"
    assert httpx.post(address, json={"to": "a@example.com"}, headers=headers).status_code == 200
    (made,) = preview.root.rglob("*.eml")
    made.unlink()
    shutil.rmtree(preview.root / "series")


@pytest.mark.parametrize(
    ("editor", "link"),
    [
        ("vscode://file/{path}:{line}:{column}", "vscode://file/{root}/my%20%23news/{item}:4:1"),
        ("x://open?file={path}&line={line}&as={mode}", "x://open?file={root}/my%20%23news/{item}&line=4&as={mode}"),
    ],
)
def test_the_link_to_the_editor_is_a_url_and_keeps_what_it_does_not_know(
    tmp_path: Path, editor: str, link: str
) -> None:
    root, item = tmp_path / "my #news", f"issues/{SLUG}/a.md"
    (root / item).parent.mkdir(parents=True)
    (root / item).write_text("---\nheadline: a\n---\n[x](http)\n")
    (root / item).with_name("issue.yaml").write_text(f"title: A\ndate: {SLUG[:10]}\n")
    config = "newsletter: {name: A, url: https://news.example.com/, from: a@example.com}\n"
    (root / "config.yaml").write_text(f"{config}preview: {{editor: '{editor}'}}\n")
    workshop = Workshop(root)
    found = describe(workshop, workshop.view(SLUG), frames.Look())["diagnostics"]
    (href,) = {one["href"] for one in found if one["path"] == item}
    assert href == link.replace("{root}", str(tmp_path)).replace("{item}", item)


def test_a_broken_issue_shows_its_findings_over_the_last_good_view(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。")
    frame = open_issue(page, preview)
    frame.get_by_role("heading", name="好的").wait_for()
    preview.item.write_text("---\nheadline: 坏的\nheadlin: x\n---\n正文\n", encoding="utf-8")
    page.wait_for_selector("#broken:not([hidden])", timeout=20000)
    frame.get_by_role("heading", name="好的").wait_for(timeout=20000)
    link = page.locator("#findings a").first.get_attribute("href")
    assert link.startswith("vscode://file/")
    assert link.endswith("a.md:3:1")
    mark = _title(page, SLUG).locator(".mark")
    expect(mark).to_have_attribute("aria-label", "1 error")
    preview.write("又好了", "正文。")
    page.wait_for_selector("#broken", state="hidden", timeout=20000)
    expect(mark).to_have_attribute("aria-label", "no findings")
    frame.get_by_role("heading", name="又好了").wait_for(timeout=20000)


def test_a_finding_of_the_config_is_shown_too(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。")
    open_issue(page, preview)
    config = preview.root / "config.yaml"
    good = config.read_text(encoding="utf-8")
    config.write_text(good + "nonsense: 1\n", encoding="utf-8")
    page.get_by_text("config.yaml:").first.wait_for(timeout=20000)
    config.write_text(good, encoding="utf-8")
    page.wait_for_selector("#broken", state="hidden", timeout=20000)


def test_findings_are_reported_in_the_language_of_the_browser(preview: Preview) -> None:
    def said(language: str) -> list[str]:
        answer = httpx.get(f"{preview.url}/api/issues/{SLUG}", headers={"accept-language": language}).json()
        return [finding["message"] for finding in answer["diagnostics"]]

    preview.write("好的", "正文。。")
    preview.until(lambda: bool(said("en")))
    told = {language: said(language) for language in ("zh-CN,zh;q=0.9", "en-GB", "fr")}
    assert told["zh-CN,zh;q=0.9"] == ["标点 。。 打重了"]
    assert told["en-GB"] == told["fr"] == ["there are several marks in a row: 。。"]


def test_every_text_of_the_page_has_a_translation() -> None:
    static = Path(frames.__file__).parent / "static"
    html, js = (static / f"preview.{kind}" for kind in ("html", "js"))
    body = LexborHTMLParser(html.read_text(encoding="utf-8")).body
    assert body is not None
    written = set(map(str.strip, body.text(separator="\n").split("\n")))
    written |= {node.attributes[name] for name in ("title", "aria-label") for node in body.css(f"[{name}]")}
    written |= set(re.findall(r'\bt\("(.*?)"', script := js.read_text(encoding="utf-8")))
    kinds = {"error", "warning", "info", *re.findall(r"several\([\w.]+, \"(\w+)\"", script)}
    written |= kinds | {f"{{count}} {kind}" for kind in kinds} | {f"{{count}} {kind}s" for kind in kinds - {"info"}}
    written |= {f"{{count}} {unit} · {{minutes}} min" for unit in ("characters", "words")}
    shown = {text for text in written if text and re.search(r"[A-Za-z]{2}", text)}
    assert shown == {str(word) for word in WORDS}
    token = language.set("zh")
    assert all(re.search(r"[\u4e00-\u9fff]", said) for said in map(rendered, WORDS))
    language.reset(token)


def test_the_page_is_in_the_language_of_the_browser(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。。")
    page.set_extra_http_headers({"accept-language": "zh-CN,zh;q=0.9"})
    open_issue(page, preview)
    expect(page.get_by_role("radio", name="邮件")).to_be_visible()
    expect(page.locator("#tally")).to_have_text("1 个警告")
    expect(page.locator("#length")).to_have_text("4 字 · 1 分钟")
    assert page.evaluate("document.documentElement.lang") == "zh"
    page.get_by_role("button", name="给我发一封测试邮件").click()
    page.get_by_label("地址").fill("test@example.com")
    page.get_by_role("button", name="发送", exact=True).click()
    expect(page.locator("#test-said")).to_have_text("已交给 folder 发送（请看 outbox/）。")
    for made in preview.root.rglob("*.eml"):
        made.unlink()


def test_nothing_in_content_runs(page: Any, preview: Preview) -> None:
    evil, heard = listener()
    # A check refuses most of these; here the frame is handed them as if every check had failed.
    look = frames.policy(frames.Look(), preview.url)
    html = ""
    page.route("**/frame/**", lambda route: route.fulfill(body=html, headers={"content-security-policy": look}))
    for number, attack in enumerate(ATTACKS):
        html = f"<!doctype html><html><head></head><body><p>text</p>{attack.replace('{evil}', evil)}</body></html>"
        page.goto(f"{preview.url}/?attack={number}#issue={SLUG}")
        page.wait_for_selector("iframe:not(.coming)")
        page.wait_for_timeout(150)
        assert ("owned" in page.title(), heard) == (False, []), attack


def test_nothing_runs_in_a_document_that_takes_the_place_of_another(page: Any, preview: Preview) -> None:
    evil, heard = listener()
    preview.write("好的", "正文。")
    frame = open_issue(page, preview)
    frame.get_by_role("heading", name="好的").wait_for()
    added = ""

    def attacked(route: Any) -> None:
        answer = route.fetch()
        html = answer.json()["document"].replace("</body>", f"{added}</body>")
        route.fulfill(response=answer, json=answer.json() | {"document": html})

    page.route(f"**/api/issues/{SLUG}?*", attacked)
    page.evaluate("document.querySelector('iframe').same = true")
    for number, attack in enumerate(ATTACKS):
        added = f"{attack.replace('{evil}', evil)}<p>attack {number}</p>"
        preview.write(f"又好了{number}", "正文。")
        frame.get_by_text(f"attack {number}").wait_for(timeout=20000)
        page.wait_for_timeout(150)
        assert page.evaluate("document.querySelector('iframe').same"), attack
        assert ("owned" in page.title(), heard) == (False, []), attack


def test_a_document_of_another_mode_is_shown_by_a_new_frame(page: Any, preview: Preview) -> None:
    preview.write("好的", "正文。")
    frame = open_issue(page, preview)
    frame.get_by_role("heading", name="好的").wait_for()

    def quirky(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"document": "<p>without a doctype"})

    page.route(f"**/api/issues/{SLUG}?*", quirky)
    preview.write("又好了", "正文。")
    frame.get_by_role("heading", name="又好了").wait_for(timeout=20000)


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
    unread = {"slug": "x", "title": "العدد 12 من GPT-5", "status": "", "errors": None, "warnings": None, "version": 0}
    page.route("**/api/issues", lambda route: route.fulfill(json=[*route.fetch().json(), unread]))
    page.set_viewport_size({"width": 320, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{preview.url}/#issue={SLUG}")
    page.wait_for_selector("#findings a")
    found = axe(page, ignore=("frame-tested",))
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate("getComputedStyle([...document.querySelectorAll('.title')].at(-1)).direction") == "rtl"


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


def test_code_that_reads_like_what_the_frame_changes_is_shown_as_written(page: Any, preview: Preview) -> None:
    code = ["@media (prefers-color-scheme: dark) { a }", 'import a from "../../lib.js"', '<a href="../../x">']
    preview.write("好的", "```\n{}\n```".format("\n".join(code)))
    for kind in ("email", "page"):
        frame = open_issue(page, preview, f"&kind={kind}")
        frame.locator("pre").wait_for()
        assert frame.locator("pre").inner_text().strip().split("\n") == code
    preview.until(lambda: 'href="https://news.example.com/"' in httpx.get(f"{preview.url}/frame/{SLUG}?kind=page").text)


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
    expect(entry.locator(".mark")).to_have_attribute("aria-label", "1 error", timeout=20_000)
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

    page.route(f"**/api/issues/{SLUG}?*", late)
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
    page.unroute(f"**/api/issues/{SLUG}?*")
    preview.write("稿", "正文。")


def test_an_answer_older_than_the_notified_version_is_requested_again(page: Any, preview: Preview) -> None:
    preview.write("旧稿", "正文。")
    frame = open_issue(page, preview)
    frame.get_by_role("heading", name="旧稿").wait_for()
    before = httpx.get(f"{preview.url}/api/issues/{SLUG}").json()
    page.route(f"**/api/issues/{SLUG}?*", lambda route: route.fulfill(json=before), times=1)
    preview.write("新稿", "正文。")
    frame.get_by_role("heading", name="新稿").wait_for(timeout=20000)


def test_only_the_editor_that_started_it_may_frame_the_preview(preview: Preview) -> None:
    from starlette.testclient import TestClient

    from publisher.preview import create_app

    preview.write("好的", "正文。")  # whatever the test before has left
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
