"""Blocks of the other text direction, numbers in Arabic text, and tables on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from publisher.edition.gates import check_edition
from publisher.edition.markdown import MarkdownRenderer
from publisher.issue.model import Source
from publisher.language import Locale
from publisher.language.locale import turned
from publisher.site.content import page_body
from tests.edition.make import ROOT, config, edition, html_of, issue, item, prose, text_of

ARABIC = "| النموذج | السعر | المدى |\n|---|--:|---|\n| GPT-4o | $5.6 m | 10 – 15 |\n| نموذج | مليون | ٥ – ١٠ |\n"
WIDE = "| Model | Cost | Time |\n|---|--:|---|\n| GPT-4o | *100* m | 3 months |\n"


def block(text: str, language: str) -> LexborHTMLParser:
    renderer = MarkdownRenderer("https://news.example.com/", lambda _: None, Locale.of(language, {}))
    return LexborHTMLParser(renderer.block(prose(text), "a", 2).html)


@pytest.mark.parametrize(
    ("text", "direction", "way"),
    [
        ("שלום לכם world", "ltr", "rtl"),
        ("«1» Hello", "rtl", "ltr"),
        ("OpenAI أعلنت أمس عن خطة جديدة", "rtl", "rtl"),  # the first word alone goes the other way
        ("OpenAI דחתה את GPT-5 ל-2025.", "rtl", "rtl"),  # more Latin letters, more Hebrew words
        ("Microsoft Research تطلق Phi-4 مفتوح المصدر", "rtl", "rtl"),
        ("OpenAI delays GPT-5, says דוד", "rtl", "ltr"),
        ("عنوان in the middle of an English sentence", "ltr", "ltr"),
        ("Hello", "ltr", None),
        ("12 – 15", "rtl", None),
    ],
)
def test_a_text_runs_as_the_issue_where_two_words_in_five_do_whichever_is_first(
    text: str, direction: str, way: str | None
) -> None:
    assert turned(text, direction) == way


def test_blocks_that_go_the_other_way_say_so_and_no_others() -> None:
    html = block("سلام عليكم.\n\nPlain *text*.\n\n- نص عربي\n- Latin\n\n> שלום\n\n### כותרת", "en")
    said = [(node.tag, node.attributes["dir"]) for node in html.css("[dir]")]
    assert said == [("p", "rtl"), ("ul", "rtl"), ("li", "rtl"), ("blockquote", "rtl"), ("p", "rtl"), ("h3", "rtl")]


def test_code_and_figures_do_not_turn_in_a_text_from_right_to_left() -> None:
    html = block(f"نص مع `x = 1` فيه.\n\n```\nx = (1)\n```\n\n{ARABIC}", "ar")
    assert [node.attributes.get("dir") for node in html.css("p code, pre")] == ["ltr", "ltr"]
    assert [node.attributes.get("dir") for node in html.css("td")] == ["ltr", "ltr", "ltr", None, None, None]
    assert all(node.attributes.get("dir") is None for node in html.css("th"))


def test_a_wide_table_of_mail_names_each_column_before_its_cell_and_text_and_length_are_as_without() -> None:
    made = edition(item("Table", WIDE, anchor="a"), language="en")
    mail = LexborHTMLParser(html_of(made))
    assert [node.text() for node in mail.css("table.cards td b.head")] == ["Model", "Cost", "Time"]
    assert all("display:none" in (node.attributes["style"] or "").replace(" ", "") for node in mail.css("b.head"))
    assert text_of(made).count("Model") == 1
    assert made.length.count == 9
    narrow = LexborHTMLParser(html_of(edition(item("Table", "| A | B |\n|---|---|\n| c | d |", anchor="a"))))
    assert narrow.css_first("table.cards") is None


def test_the_page_of_a_table_from_right_to_left_keeps_both_label_and_direction() -> None:
    body = LexborHTMLParser(page_body(edition(item("جدول", ARABIC, anchor="a"), language="ar"), config(), "issues/x/"))
    assert [node.attributes["data-label"] for node in body.css('td[dir="ltr"]')] == ["النموذج", "السعر", "المدى"]


@pytest.mark.browser
@pytest.mark.parametrize(("width", "card"), [(375, True), (700, False)])
def test_a_row_is_a_card_on_a_phone_alone(width: int, card: bool, sheet: Any) -> None:
    sheet.set_viewport_size({"width": width, "height": 800})
    sheet.set_content(html_of(edition(item("Table", WIDE, anchor="a"), language="en")))
    assert sheet.is_visible("b.head >> text=Cost") is card
    assert sheet.is_visible("thead") is not card
    assert sheet.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_card_of_mail_has_each_label_beside_its_value_and_the_value_is_one_text(language: str, sheet: Any) -> None:
    words = "see [the table](https://example.com/) for **more**, in `a` and `b`"
    text = f"| Name of some words | القيمة | No |\n|---|--:|---|\n| x | {words} | 1.5 |\n| {words} | سعر | 2 |\n"
    sheet.set_viewport_size({"width": 375, "height": 800})
    sheet.set_content(html_of(edition(item("Table", text, anchor="a"), language=language)))
    assert sheet.evaluate("document.documentElement.scrollWidth") <= 375
    cells = sheet.evaluate("""() => [...document.querySelectorAll('.cards td')].map(cell => {
        const text = document.createRange(), label = cell.firstChild.getBoundingClientRect();
        text.setStartAfter(cell.firstChild); text.setEndAfter(cell.lastChild);
        const value = text.getBoundingClientRect(), row = cell.parentNode.getBoundingClientRect();
        return {ltr: [label.left - row.left, value.left - label.right],
                rtl: [row.right - label.right, label.left - value.right],
                top: Math.abs(label.top - value.top), lines: value.height } })""")
    assert len(cells) == 6
    starts = [cell["ltr" if language == "en" else "rtl"] for cell in cells]
    assert all(edge <= 1 and 0 <= gap <= 16 for edge, gap in starts)
    assert all(cell["top"] <= 8 and cell["lines"] <= 80 for cell in cells)


CITIES = ("Amsterdam", "Barcelona", "Copenhagen", "Dresden", "Edinburgh", "Frankfurt", "Gothenburg", "Helsinki")
COLUMNS = f"| {' | '.join(CITIES)} |\n{'|---' * 8}|\n{'| 100,000 ' * 8}|\n"
ADDRESS = f"| Name | Where |\n|---|---|\n| January | https://example.com/{'x' * 120} and {'y' * 80} |\n"
NUMBERS = f"| {' | '.join(map(str, range(12)))} |\n{'|---' * 12}|\n{'| 100 ' * 12}|\n"


@pytest.mark.browser
@pytest.mark.parametrize(("table", "card"), [(COLUMNS, True), (ADDRESS, False), (NUMBERS, False), (WIDE, False)])
def test_no_table_is_wider_than_the_mail_and_no_short_word_breaks(table: str, card: bool, sheet: Any) -> None:
    html = html_of(edition(item("Table", table, anchor="a"), language="en"))
    for width in (375, 500, 640, 1280):
        sheet.set_viewport_size({"width": width, "height": 800})
        sheet.set_content(html)
        assert sheet.evaluate("document.documentElement.scrollWidth") <= width
        assert sheet.evaluate("document.querySelector('.tx table:not([role])').offsetWidth") <= 568
        lines = """() => [...document.querySelectorAll('td, th')].flatMap(cell => [...cell.childNodes])
            .filter(node => node.nodeType === 3 && /^[A-Z0-9]\\S{1,11}$/.test(node.data)).map(node => {
            const range = document.createRange(); range.selectNode(node); return range.getClientRects().length })"""
        assert set(sheet.evaluate(lines)) <= {0, 1}
    assert sheet.is_visible(".head") is card if table != ADDRESS else sheet.locator(".head").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 375])
def test_no_line_of_facts_begins_with_a_dot(width: int, sheet: Any) -> None:
    sheet.set_viewport_size({"width": width, "height": 800})
    names = tuple(f"Author Number {n}" for n in range(6))
    sheet.set_content(html_of(edition(language="en", number=1, authors=names)))
    gaps = sheet.evaluate("""() => [...document.querySelectorAll('.meta .dot')].map(dot => {
        const range = document.createRange(); range.setStart(dot.previousSibling, dot.previousSibling.length - 2);
        range.setEnd(dot.firstChild, 1); return new Set([...range.getClientRects()].map(box => box.bottom)).size })""")
    assert gaps == [1, 1, 1]


def test_titles_headlines_and_key_points_that_go_the_other_way_say_so() -> None:
    values = {"title": "عنوان عربي", "subtitle": "سطر عربي", "points": ("نقطة عربية.",), "language": "en"}
    made = edition(item("خبر عربي", "Text.", anchor="a"), item("Plain", "Text.", anchor="b"), **values)
    for part in (html_of(made), made.web):
        told = LexborHTMLParser(part).css("h1, .dek, .point, .headline")
        assert [node.attributes.get("dir") for node in told] == ["rtl", "rtl", "rtl", "rtl", None]


def test_names_among_arabic_that_run_the_other_way_say_so() -> None:
    story = item("One, two!", "نص.", anchor="a", section="A. B.", sources=(Source("C. D.", "https://e.com/"),))
    made = edition(story, item("خبر", "نص.", anchor="b"), configuration=config(theme={"parts": {"contents": True}}),
                   language="ar")  # fmt: skip
    for part in (html_of(made), made.web):
        told = LexborHTMLParser(part).css('[href="#a"], h2.section, .source a')
        assert {node.attributes.get("dir") for node in told if node.parent and node.parent.tag != "h3"} == {"ltr"}
        assert len(told) >= 3


def test_the_marks_at_the_ends_of_a_line_that_runs_the_other_way_stay_at_its_ends_where_nothing_can_say_so() -> None:
    names = {"authors": ("A. B.", "سارة"), "title": "“Hello”, world!", "subject": "Plain"}
    made = edition(item("What now?", "نص.", anchor="a"), language="ar", **names)
    assert (made.title, made.subject, made.stories[0].headline) == (
        "\u200e“Hello”, world!\u200e",
        "Plain",
        "\u200eWhat now?\u200e",
    )
    assert "\u200eA. B.\u200e" in text_of(made)
    assert not check_edition(made, issue(item("What now?", "نص.", anchor="a"), language="ar"), config())
    assert edition(language="en", title="مرحبا!").title == "\u200fمرحبا!\u200f"
    assert edition(language="en", title="Hello!").title == "Hello!"


@pytest.mark.browser
def test_an_english_headline_of_a_chinese_issue_has_an_apostrophe_of_its_own_width(sheet: Any) -> None:
    made = edition(*(item(name, "正文。", anchor=f"a{n}") for n, name in enumerate(("Swift’s Tasks", "它’s"))))
    page = LexborHTMLParser(made.web)
    assert [one.attributes.get("lang") for one in page.css(".headline")] == ["en", None]
    sheet.set_content(f'<html lang="zh-CN"><main>{made.web}</main></html>')
    sheet.add_style_tag(path=ROOT / "templates/paper/web/style.css")
    serif = "getComputedStyle(document.querySelector('.headline')).fontFamily"
    assert sheet.evaluate(serif).startswith('"Iowan Old Style"')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("لغة C++ و C# ثم Notepad++.", "لغة C++\u200e و C#\u200e ثم Notepad++\u200e."),
        ("وC++، أو C++17", "وC++\u200e، أو C++17"),
        ("هاتف: +1 (555) 123-4567", "هاتف: \u200e+1 (555) 123-4567"),
        ("منصة .NET، والنسبة +3% في 2023-2024", "منصة \u200e.NET، والنسبة +3% في 2023-2024"),
        ("انظر https://e.com/wiki/C++ و me+you@e.com.", "انظر https://e.com/wiki/C++ و me+you@e.com."),
    ],
)
def test_what_would_turn_round_has_a_mark_beside_it(text: str, shown: str) -> None:
    assert Locale.of("ar", {}).steady(text) == Locale.of("en", {}).steady(text) == shown
    assert Locale.of("en", {}).steady("C++ and +1 555 123 4567") == "C++ and +1 555 123 4567"


TURNING = """() => {
    const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) for (const run of walker.currentNode.data.matchAll(/C\\+\\+|[.]NET|\\+1 555 123 4567/g)) {
        const lefts = [...run[0]].map((_, at) => { const range = document.createRange();
            const node = walker.currentNode, start = run.index + at;
            range.setStart(node, start); range.setEnd(node, start + 1);
            return range.getBoundingClientRect().left });
        if (lefts[0] || lefts.at(-1)) found.push(lefts.every((left, at) => !at || left > lefts[at - 1])) }
    return found }"""


@pytest.mark.browser
@pytest.mark.parametrize(("language", "word"), [("ar", "لغة"), ("he", "שפת")])
def test_names_with_signs_and_telephone_numbers_keep_their_order_among_arabic_and_hebrew(
    language: str, word: str, sheet: Any
) -> None:
    said = f"{word} C++"
    body = f"{word} **C++**, {said}! {word} .NET ({said}).\n\n- {word} +1 555 123 4567\n\n| {said} |\n|---|\n| {said} |"
    values = {"section": said, "sources": (Source(said, None),), "commentary_by": said}
    story = item(f"{said} {word}", body, said, anchor="a", **values)
    made = edition(story, language=language, title=said, subtitle=said, intro=said, points=(said,), attribution=said)
    for part in (html_of(made), f'<html dir="rtl"><body>{made.web}</body></html>'):
        sheet.set_content(part)
        told = sheet.evaluate(TURNING)
        assert len(told) >= 16
        assert all(told)
    text = "".join(text_of(made).split("\n"))
    assert text.count("C++") == text.count("C++\u200e")
    assert "\u200e+1 555 123 4567" in text
    assert not check_edition(made, issue(story, language=language), config())


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh-CN", "ar"])
def test_the_mark_of_a_note_stays_with_the_word_before_it(language: str, sheet: Any) -> None:
    word = {"en": "months.", "zh-CN": "万美元", "ar": "وشهرين."}[language]
    sheet.set_content(html_of(edition(item("A", f"{word}[^1]\n\n[^1]: Note.", anchor="a"), language=language)))
    sheet.add_style_tag(content="p:has(.footnote-ref) { width: 1px; word-break: normal; overflow-wrap: normal }")
    mark = sheet.evaluate("""() => { const mark = document.querySelector('.footnote-ref a').getBoundingClientRect();
        const before = document.createRange(), text = document.querySelector('.footnote-ref').previousSibling;
        before.setStart(text, text.length - 1); before.setEnd(text, text.length);
        return mark.top - before.getBoundingClientRect().bottom }""")
    assert mark < 0, "on one line"
