from __future__ import annotations

import gc
import weakref
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from publisher.diagnostics import Span
from publisher.edition.markdown import MarkdownRenderer, RenderedText, Sized, in_tables
from publisher.issue.definitions import with_shared_definitions
from publisher.issue.markdown import parsed
from publisher.issue.model import Item, Places, Prose
from publisher.language import Locale
from tests.edition.make import prose

FIXTURES = Path(__file__).parent / "fixtures"


def pairs(name: str) -> list[pytest.param]:  # type: ignore[valid-type]
    """Title, input and output of a fixture file, apart by lines of one full stop."""
    parts = (FIXTURES / name).read_text(encoding="utf-8").split("\n.\n")
    return [
        pytest.param(given_, expected, id=title.strip())
        for title, given_, expected in zip(parts[0::3], parts[1::3], parts[2::3], strict=False)
    ]


def renderer(language: str = "zh-CN") -> MarkdownRenderer:
    def image(written: str) -> Sized | None:
        return Sized("https://news.example.com/media/a.png", 576, 300) if written.startswith("images/") else None

    return MarkdownRenderer("https://news.example.com/issues/x/", image, Locale.of(language, {}))


def write(text: str) -> RenderedText:
    return renderer().block(prose(text), "note", 2)


@pytest.mark.parametrize(("markdown", "html"), pairs("html.md"))
def test_markdown_becomes_html(markdown: str, html: str) -> None:
    assert write(markdown).html == html


@pytest.mark.parametrize(("markdown", "text"), pairs("text.md"))
def test_markdown_becomes_text(markdown: str, text: str) -> None:
    assert write(markdown).text == text


@pytest.mark.parametrize("element", ["blockquote", "q", "del", "ins"])
@pytest.mark.parametrize(
    ("url", "kept"), [("https://example.org/a", True), ("/a", True), ("ftp://example.org/", False), ("data:,a", False)]
)
def test_the_source_of_a_quotation_has_a_scheme_of_links_or_is_removed(element: str, url: str, kept: bool) -> None:
    assert (" cite=" in write(f'a <{element} cite="{url}">b</{element}>').html) is kept


def test_notes_of_two_texts_never_share_an_id() -> None:
    writer = renderer()
    html = "".join(writer.block(prose("a[^1]\n\n[^1]: n"), name, 2).html for name in ("one", "two", "one:commentary"))
    ids = [node.attributes["id"] for node in LexborHTMLParser(html).css("[id]")]
    assert len(ids) == len(set(ids)) == 6
    assert {node.attributes["href"].removeprefix("#") for node in LexborHTMLParser(html).css("a[href^='#']")} <= set(
        ids
    )


def test_what_the_rules_look_at_is_not_changed_by_writing_it() -> None:
    text = "# a\n\n<h1>b<T></h1>\n\nc <h1>d</h1> ![*e*](images/a.png) f[^1]\n\n~~~ x\ng\n~~~\n\n[^1]: h\n"
    before = deepcopy(parsed(text))
    assert "<h4>d</h4>" in renderer().block(prose(text), "note", 3).html
    assert parsed(text) == before


def test_a_box_within_a_note_stays_in_it_in_mail() -> None:
    note = "Note.[^1]\n\n[^1]: First.\n\n    ::: callout\n    Boxed.\n    :::\n\n    Last."
    cell = LexborHTMLParser(in_tables(str(write(note).html))).css_first("td.footnotes li")
    assert cell is not None
    assert cell.css_matches("td.callout")
    assert "Last." in cell.text()


def test_inline_markdown_has_no_blocks() -> None:
    assert renderer().inline(prose("# 1. **甲**\n乙 <!-- c -->"), "p").html == "# 1. <strong>甲</strong>乙"


PIECES = [
    *"aB1 \n*_~`#>-|[]()!<>&\"'\\:^{}%。，“”中文カな\u3000\u200d\t/",
    "\n\n",
    "<script>",
    "<a href=",
    "<!--",
    "-->",
]
PIECES += ["https://e.com/", "[^1]", "]: ", "<img src=", "</", "<style>", "javascript:", " onload=", "|--|", "    "]
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(MARKDOWN)
@example(f'one <ol start="{"9" * 5000}"><li>two</li></ol>')
def test_no_markdown_ends_in_an_exception_or_in_active_content(text: str) -> None:
    written = write(text)
    tree = LexborHTMLParser(f"<body>{written.html}</body>")
    assert not tree.css("script, style, iframe, form, input, object")
    for node in tree.css("body *"):
        attributes = node.attributes
        assert not any(name.startswith("on") for name in attributes)
        href = attributes.get("href") or ""
        assert href.startswith(("#", "http://", "https://", "mailto:", "tel:")) or not href
    for link in tree.css("a[href^='http']"):
        assert (link.attributes["href"] or "") in written.text or not link.text(strip=True)


@pytest.mark.parametrize("name", ["p", "blockquote", "pre", "th", "li", "section class=sponsor"])
def test_tags_in_a_value_are_its_words_whatever_is_done_to_tags(name: str) -> None:
    value = f"<{name}>עברית<img src=x onerror=alert(1)></{name}>"
    text = f'<table><thead><tr><th>a</th></tr></thead><tr><td><span title="{value}">b</span></td></tr></table>'
    for html in (write(text).html, in_tables(write(text).html), write(f"[b](https://e.com '{value}')").html):
        (node,) = LexborHTMLParser(html).css("[title]")
        assert node.attributes["title"] == value
        assert "<img" not in html


@given(st.text(max_size=40), st.sampled_from(["{}", "**{}**", "> {}", "- {}", "| {} |\n|--|", "<b>{}</b>", "{}\n{}"]))
def test_any_text_is_rendered(text: str, frame: str) -> None:
    write(frame.replace("{}", text))


def test_notes_and_definitions_of_a_file_serve_body_and_commentary() -> None:
    body = Prose("See [the other][D].\n\n[^3]: Of [the view][v].", "a.md", ((4, 1), (5, 1), (6, 1)))
    view = Prose(
        "Ours[^3].\n\n[d]: https://e.com/d\n[v]: https://e.com/v", "a.md", ((10, 1), (11, 1), (12, 1), (13, 1))
    )
    first, second = with_shared_definitions(Item("x", body, "x", Places("a.md", Span.point(1, 1)), commentary=view))
    assert second is not None
    assert renderer().block(first, "x", 2).text == "See the other <https://e.com/d>."
    assert renderer().block(second, "y", 2).text == "Ours[1].\n\n[1] Of the view <https://e.com/v>."
    assert second.place(len(second.origins) - 1).span.line == 6  # where the note was written


def test_a_bare_address_ends_at_a_half_width_mark_before_han() -> None:
    text = "https://e.com/x,后文 https://e.com/;又 https://e.com/甲,乙 https://e.com/a,b! https://e.com/?q=a,乙"
    links = [node.attributes["href"] for node in LexborHTMLParser(write(text).html).css("a")]
    assert links == [
        "https://e.com/x",
        "https://e.com/",
        "https://e.com/%E7%94%B2,%E4%B9%99",
        "https://e.com/a,b",
        "https://e.com/?q=a,%E4%B9%99",  # a list in a query is the address's own
    ]


def test_a_bare_address_ends_where_han_follows_a_letter_and_holds_han_after_a_slash() -> None:
    text = "请看https://e.com/docs下载，或 https://e.com/guide，https://e.com/wiki/人工智能 与 https://e.com/か、https://e.com/a을"
    text += " **https://e.com/b**下载 ~~https://e.com/?c=1~~下载 https://e.com/d|下载 https://e.com:8080下载"
    links = [node.attributes["href"] for node in LexborHTMLParser(write(text).html).css("a")]
    assert links == ["https://e.com/docs", "https://e.com/guide", "https://e.com/wiki/%E4%BA%BA%E5%B7%A5%E6%99%BA%E8%83%BD",
                     "https://e.com/%E3%81%8B", "https://e.com/a", "https://e.com/b", "https://e.com/?c=1",
                     "https://e.com/d", "https://e.com:8080"]  # fmt: skip
    assert LexborHTMLParser(write("<td>甲</td><td>乙</td>").html).text().split() == ["甲", "乙"]


def test_a_bare_address_ends_at_emoji_at_a_colon_and_where_another_begins() -> None:
    text = "👉https://e.com/a👈🏻 https://e.com/b🎉好 https://e.com/c: more，https://e.com/d,https://e.com/e https://e.com/f:g"
    text += " https://e.com/→h https://e.com/i→j https://e.com/?k=l✅。"
    links = [node.attributes["href"] for node in LexborHTMLParser(write(text).html).css("a")]
    assert links == [
        *(f"https://e.com/{end}" for end in ("a", "b", "c", "d", "e", "f:g", "%E2%86%92h", "i%E2%86%92j", "?k=l"))
    ]


def test_a_bare_address_ends_at_the_marks_of_any_language() -> None:
    text = (
        "«https://e.com/a», ‹https://e.com/b›, https://e.com/c—it works, 见https://e.com/d——很好, https://e.com/e، و"
        " https://e.com/f؛ https://e.com/g؟ https://e.com/h۔ https://e.com/i। https://e.com/docsดาวน์โหลด"
        " https://e.com/Michelson–Morley https://ar.wikipedia.org/wiki/نص https://e.com/j—https://e.com/Поток_—_2"
    )
    tree = LexborHTMLParser(write(text).html)
    assert [node.text() for node in tree.css("a")] == [
        *(f"https://e.com/{letter}" for letter in "abcdefghi"),
        "https://e.com/docs",
        "https://e.com/Michelson–Morley",  # as Wikipedia names it
        "https://ar.wikipedia.org/wiki/نص",
        "https://e.com/j",
        "https://e.com/Поток_—_2",
    ]
    assert tree.css_first("p").text() == text


def test_an_ampersand_written_as_in_html_is_one_in_a_bare_address() -> None:
    """As one copies an address out of the source of a page."""
    text = "见 https://e.com/s?a=1&amp;b=2&amp;c 与 https://e.com/?lt=1&copy=2&lt=3，完"
    tree = LexborHTMLParser(write(text).html)
    assert [node.attributes["href"] for node in tree.css("a")] == [
        "https://e.com/s?a=1&b=2&c",
        "https://e.com/?lt=1&copy=2&lt=3",
    ]
    assert tree.css_first("p").text() == text.replace("&amp;", "&")


@pytest.mark.parametrize("html", ['<?xml version="1.0"?>', "<!DOCTYPE html>", "<![CDATA[x]]>", "<!-- c -->"])
def test_what_html_does_not_show_the_text_part_does_not_either(html: str) -> None:
    made = write(f"甲\n\n{html}\n\n乙{html}丙")
    assert made.text == "甲\n\n乙丙"
    assert made.visible.split() == ["甲", "乙丙"]


def test_the_renderer_of_a_text_is_released() -> None:
    """A process that renders for long, as the preview does, holds no writer of an issue that is done."""
    one = renderer()
    one.block(prose("一段 [文字](https://e.com)。"), "note", 2)
    gone = weakref.ref(one._html)
    del one
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<table><tr><th>One<td>Two</table>", "One  Two"),
        ("<table><tr>stray<td>One</td></tr></table>", "stray  One"),
        ("<table><tr><td>a<td>b<tr><td>c</td><td>d</table>", "a  b\nc  d"),
        ("<center>a</center><address>b</address><ASIDE>c</ASIDE>d", "a\n\nb\n\nc\n\nd"),
        ("a <main>b</main>c", "a\n\nb\n\nc"),
        ("<ruby>a<rp>(<rt>b<rp>)</ruby>c <ruby>d<rp>(</rp><rt>e</rt><rp>)</rp></ruby>", "a(b)c d(e)"),
        ("<head>a</head><body>b</body>", "a\n\nb"),
        ("<hr></hr>a<br></br>b", "* * *\n\na\n\nb"),
        ('<a href=" https://e.com/a ">the words</a>', "the words <https://e.com/a>"),
    ],
)
def test_words_beside_tags_that_are_not_kept_or_not_closed_stay_apart(html: str, text: str) -> None:
    written = write(html)
    assert written.text == text
    assert " ".join(written.visible.split()) == " ".join(text.removeprefix("* * *").partition(" <")[0].split())
