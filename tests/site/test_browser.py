"""The archive in a real browser, served with ``default-src 'self'``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.edition.make import ROOT, edition, item

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
