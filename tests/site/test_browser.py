"""The archive in a real browser, served with ``default-src 'self'``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from publisher.site.content import page_body
from tests.edition.make import ROOT, config, edition, item
from tests.site.conftest import Live, Repository

pytestmark = pytest.mark.browser
PAGES = (
    "",
    "issues/2024-12-29-ai-weekly/",
    "issues/2024-12-29-ai-weekly-en/",
    "tags/ai/",
    "archive/2024/",
    "search/?q=openai",
    "nowhere",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_overflows(
    browser: Any, live: str, axe: Callable[..., list[Any]], scheme: str
) -> None:
    for width in (375, 1280):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message, to=complaints: to.append(message.text))
        for path in PAGES:
            page.goto(live + path)
            found = axe(page)
            assert not found, [(v["id"], [node["html"] for node in v["nodes"]]) for v in found]
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert not [text for text in complaints if "404" not in text]
        context.close()


def test_everything_can_be_reached_with_javascript_off(browser: Any, live: str) -> None:
    context = browser.new_context(java_script_enabled=False, color_scheme="light")
    page = context.new_page()
    page.goto(live)
    page.click("text=早期一期")
    page.wait_for_url(f"{live}issues/2023-06-04-early/")
    page.click("nav.neighbours a[rel=next]")
    page.wait_for_url(f"{live}issues/2024-06-02-ja/")
    page.goto(f"{live}search/")
    assert not page.is_visible("#query")
    page.click("#listing >> text=2023")
    page.wait_for_url("**/archive/2023/")
    assert page.is_visible("text=早期一期")
    page.goto(f"{live}search/")
    assert page.is_visible("noscript p")
    page.click("#listing .topics >> text=人工智能")
    page.wait_for_url("**/tags/**")
    assert page.title().startswith("人工智能")
    context.close()


def test_search_finds_headlines_under_the_strict_policy(browser: Any, live: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{live}search/")
    page.fill("#query", "ＤeepSeek 600")
    page.wait_for_selector("#results .excerpt mark")
    assert page.locator("#results .excerpt mark").first.inner_text() in {"DeepSeek", "600"}
    page.fill("#query", "没有这样的词")
    page.wait_for_function("document.getElementById('found').textContent !== ''")
    assert page.locator("#results a").count() == 0
    page.fill("#query", "台积电")
    page.wait_for_selector("#results ul a")
    page.locator("#results ul a").first.click()
    page.wait_for_url("**#*")
    page.wait_for_selector(".item:target")
    context.close()


def test_the_keyboard_reaches_the_content_first(browser: Any, live: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{live}issues/2024-12-29-ai-weekly/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'content'")
    context.close()


def test_commentaries_are_no_landmarks_of_one_name_and_code_needs_no_scrolling(browser: Any, axe_source: str) -> None:
    code = f"```\n{'long ' * 80}\n```"
    made = edition(*(item(name, code, "Why.", anchor=name) for name in ("one", "two")), language="en")
    page = browser.new_page(viewport={"width": 375, "height": 800})
    page.set_content(f"<main>{made.web}</main>")
    page.add_style_tag(path=ROOT / "templates/paper/web/style.css")
    page.evaluate(axe_source)
    rules = "['landmark-unique', 'scrollable-region-focusable']"
    found = page.evaluate(f"async () => (await axe.run({{runOnly: {rules}}})).violations")
    assert [violation["id"] for violation in found] == []
    page.close()


LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzesvorlage"


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_a_word_longer_than_its_line_folds_on_every_page(browser: Any, repository: Repository, width: int) -> None:
    lists = f"tags: [{LONG}]\nauthors: [{LONG}]\nkey_points: [{LONG}]\n"
    body = f"- {LONG}\n\n| a | b | c |\n|---|---|---|\n| {LONG} | https://example.com/{LONG} | c |\n"
    for day in range(1, 6):
        repository.issue(f"2024-01-0{day}", f"language: de\n{lists}", body, title=LONG)
    repository.issue("2024-01-06-ar", "language: ar\n", title="رسالة")
    repository.build()
    page = browser.new_page(viewport={"width": width, "height": 800})
    with Live(repository.root / "dist" / "site") as served:
        for path in ("", "issues/2024-01-03/", "issues/2024-01-06-ar/", f"tags/{LONG}/", "archive/2024/", "search/"):
            page.goto(served.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            cards = "new Set([...document.querySelectorAll('.cards > li')].map(one => one.offsetWidth)).size"
            assert page.evaluate(cards) <= 1, path
    page.close()


def test_a_name_of_two_lines_stands_in_the_middle_of_the_front_page(browser: Any, repository: Repository) -> None:
    config = (repository.root / "config.yaml").read_text(encoding="utf-8")
    repository.write("config.yaml", config.replace("name: AI 周报", "name: The Harbour Letter of Hamburg"))
    repository.issue("2024-01-01-a")
    repository.build()
    page = browser.new_page(viewport={"width": 375, "height": 800})
    with Live(repository.root / "dist" / "site") as served:
        page.goto(served.url)
        lines = page.evaluate("""() => { const name = document.createRange();
            name.selectNodeContents(document.querySelector('.brand'));
            return [...name.getClientRects()].map(box => (box.left + box.right) / 2) }""")
    assert len(lines) > 1
    assert all(abs(middle - 375 / 2) < 8 for middle in lines), lines
    page.close()


def test_on_a_phone_a_label_stands_before_its_figure_and_a_list_keeps_its_edge_in_both_directions(browser: Any) -> None:
    arabic = "| الاسم | القيمة |\n|---|--:|\n| ألف | 1.25 |\n\n- English\n- عربي\n"
    mixed = "- [محرك](https://example.com/) in a list of English words\n- English\n"
    page = browser.new_page(viewport={"width": 375, "height": 800})
    for text, language, way in ((arabic, "ar", "rtl"), (mixed, "en", "ltr")):
        made = edition(item("A", text, anchor="a"), language=language)
        shown = page_body(made, config(), "issues/x/")
        page.set_content(f'<html dir="{way}" lang="{language}"><main>{shown}</main></html>')
        page.add_style_tag(path=ROOT / "templates/paper/web/style.css")
        values = page.evaluate("""() => [...document.querySelectorAll('td')].map(cell => {
            const text = document.createRange(); text.selectNodeContents(cell);
            return Math.round(text.getBoundingClientRect().right) })""")
        assert len(set(values)) <= 1, "values below each other"
        inside = "[...document.querySelectorAll('li')].map(one => getComputedStyle(one).listStylePosition)"
        assert page.evaluate(inside) == (["inside", "outside"] if way == "rtl" else ["outside", "outside"])
    page.close()
