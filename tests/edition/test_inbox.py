"""What mail clients, spam filters and readers with assistive technology make of the email."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import product
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from publisher.config.theme import built_in
from publisher.edition.model import Edition
from tests.edition.make import CHINESE, ENGLISH, config, edition, html_of, item, text_of
from tests.edition.test_edition import chinese, english

MAKERS = pytest.mark.parametrize("make", [chinese, english])


@MAKERS
def test_language_and_direction_stand_on_html_and_on_all_that_body_holds(make: Callable[[], Edition]) -> None:
    made = make()
    tree = LexborHTMLParser(html_of(made))
    assert tree.body is not None
    children = [child for child in tree.body.iter() if child.tag != "-comment"]
    assert children
    for node in (tree.css_first("html"), *children):
        assert (node.attributes["lang"], node.attributes["dir"]) == (made.language, "ltr")


@MAKERS
def test_the_head_tells_clients_what_they_ask(make: Callable[[], Edition]) -> None:
    html = html_of(make())
    names = {node.attributes.get("name"): node.attributes.get("content") for node in LexborHTMLParser(html).css("meta")}
    assert names["color-scheme"] == names["supported-color-schemes"] == "light dark"
    assert "telephone=no" in (names["format-detection"] or "")
    assert "x-apple-disable-message-reformatting" in names
    assert "<!--[if mso]>" in html
    assert "prefers-color-scheme: dark" in html
    assert "[data-ogsc]" in html
    assert "[data-ogsb]" in html


@MAKERS
def test_layout_tables_are_presentation_and_data_tables_are_not(make: Callable[[], Edition]) -> None:
    tables = LexborHTMLParser(html_of(make())).css("table")
    innermost = [table for table in tables if len(table.css("table")) == 1]
    assert innermost
    for table in tables:
        if table not in innermost:
            assert table.attributes.get("role") == "presentation"
    for table in innermost:
        assert (table.attributes.get("role") == "presentation") != bool(table.css("th"))


@MAKERS
def test_no_text_is_smaller_than_fourteen_pixels(make: Callable[[], Edition], sheet: Any) -> None:
    sheet.set_content(html_of(make()))
    small = sheet.evaluate(
        """() => [...document.querySelectorAll('body *')].filter(e => [...e.childNodes].some(n => n.nodeType == 3
           && n.textContent.trim()) && e.checkVisibility() && parseFloat(getComputedStyle(e).fontSize) < 14)
           .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert small == []


test_no_text_is_smaller_than_fourteen_pixels = pytest.mark.browser(test_no_text_is_smaller_than_fourteen_pixels)


@pytest.mark.browser
@MAKERS
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    make: Callable[[], Edition], scheme: Any, sheet: Any, axe: Callable[..., list[dict[str, Any]]]
) -> None:
    sheet.set_viewport_size({"width": 375, "height": 800})
    sheet.emulate_media(color_scheme=scheme)
    sheet.set_content(html_of(make()))
    # An email has no landmarks: it is one article inside the client's own page.
    found = axe(sheet, ("landmark-one-main", "region"))
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []


@pytest.mark.browser
@MAKERS
@pytest.mark.parametrize("width", [320, 375, 700])
def test_nothing_is_wider_than_the_screen(make: Callable[[], Edition], width: int, sheet: Any) -> None:
    sheet.set_viewport_size({"width": width, "height": 800})
    sheet.set_content(html_of(make()))
    assert sheet.evaluate("document.documentElement.scrollWidth") <= width


_LONG = "A long sentence that describes what the paper does, in enough words to fill several lines on a phone."
BROKEN_WORDS = """() => [...document.querySelectorAll('table:not([role]) th, table:not([role]) td')].flatMap(cell => {
  const found = [], range = document.createRange(), texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/[A-Za-z0-9,.]+/g)) {
    range.setStart(texts.currentNode, word.index);
    range.setEnd(texts.currentNode, word.index + word[0].length);
    if (range.getClientRects().length > 1) found.push(word[0]);
  }
  return found; })"""


@pytest.mark.browser
@pytest.mark.parametrize(
    "table",
    [
        f"| Date | Event | Where |\n|---|---|---|\n| January 12 | {_LONG} | Shanghai |",
        f"| Paper | Link |\n|---|---|\n| {_LONG} | [proceedings](https://example.com/a) |",
        f"| 日期 | 说明 |\n|---|---|\n| 二月 Released | {'这一条说明很长，要占好几行。' * 6} |",
    ],
)
def test_no_word_of_a_cell_is_broken_on_a_phone(table: str, sheet: Any) -> None:
    sheet.set_viewport_size({"width": 390, "height": 800})
    sheet.set_content(html_of(edition(item("Table", table, anchor="a"), language="en")))
    assert sheet.evaluate(BROKEN_WORDS) == []
    assert sheet.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.spamassassin
def test_spamassassin_has_nothing_against_a_theme(spamassassin: Callable[..., list[tuple[float, str]]]) -> None:
    table = item("Table", "| A | B | C |\n|---|---|---|\n| one | two | three |", anchor="t")
    made = [
        edition(configuration=config(theme={"name": theme}), **(values | {"items": (*values["items"], table)}))
        for theme, values in product(built_in(), (CHINESE, ENGLISH))
    ]
    for score, report in spamassassin(*map(_message, made)):
        assert score <= 0, report


def _message(made: Edition) -> bytes:
    message = EmailMessage()
    message["From"] = "AI 周报 <weekly@news.example.com>"
    message["To"] = "reader@example.com"
    message["Subject"] = made.subject
    message["Date"] = format_datetime(datetime(2024, 12, 29, 8, tzinfo=UTC))
    message["Message-ID"] = "<1.2.3@news.example.com>"
    message["List-Unsubscribe"] = "<https://letters.example.com/unsubscribe/x>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text_of(made), cte="base64")
    message.add_alternative(html_of(made), subtype="html", cte="base64")
    return message.as_bytes()


@MAKERS
def test_every_link_of_the_email_is_in_its_text(make: Callable[[], Edition]) -> None:
    made = make()
    text = text_of(made)
    for link in LexborHTMLParser(html_of(made)).css("a[href^='http']"):
        href = link.attributes["href"] or ""
        if not re.fullmatch("https://news.example.com/", href):
            assert href in text
