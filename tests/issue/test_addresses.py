"""Bare addresses become the links that the library's own rule makes of them, however many there are."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.common.normalize_url import normalizeLink, normalizeLinkText
from markdown_it.rules_core import linkify

from publisher.issue import links
from publisher.issue.markdown import new_parser

OURS, THEIRS = new_parser(), new_parser()
THEIRS.core.ruler.at("linkify", linkify)
PIECES = [
    "a@e.com",
    "mailto:a@e.com",
    "MAILTO:b@xn--fiqs8s.com",
    "b@中国.com",
    "https://e.com/a",
    "http\\://e.com",
    "\\https://e.com",
    "//e.com ",
    "javascript:x",
    "[x](https://q.com/)",
    "[a@b.com](c)",
    "![p](q.png)",
    "<https://e.com>",
    "<a href='x'>",
    "<a>",
    "</a>",
    "<b>",
    "`c`",
    "**b** ",
    "*",
    "~~",
    "\\",
    "^[a@e.com]",
    "，",
    "中",
    " ",
    "\n",
    "\n\n",
    "| a@e.com |\n|--|\n| c@d.com |\n",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_the_links_are_those_of_the_library(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert OURS.parse(text) == THEIRS.parse(text)


HEADS = ["http://", "https://", "//", "HTTP://", "mailto:a.b@", "http:", ""]
HOSTS = [
    "e.com",
    "e.com/",
    "e.com/中",
    "a-b.e.com",
    "xn--fiqs8s.com",
    "中国.com",
    "E.com",
    "e",
    "e.com:80",
    "u@e.com",
    "[::1]",
    "e.com.",
]
TAILS = [
    "/",
    "a",
    "中",
    "é",
    "²",
    "_",
    "%E4%B8%AD",
    "%e4",
    "%zz",
    "%",
    "?",
    "#",
    "=",
    "&",
    ".",
    "-",
    ":",
    " ",
    "\\",
    "(",
    "'",
    "@",
    ";",
    "+",
    "\ud800",
]


@given(st.sampled_from(HEADS), st.sampled_from(HOSTS), st.lists(st.sampled_from(TAILS), max_size=6))
def test_an_address_is_written_as_the_library_writes_it(head: str, host: str, tail: list[str]) -> None:
    url = head + host + "".join(tail)
    assert OURS.normalizeLinkText(url) == normalizeLinkText(url)
    try:
        wanted = normalizeLink(url)
    except UnicodeEncodeError:  # half a character, which no file holds
        return
    assert OURS.normalizeLink(url) == wanted


@pytest.mark.parametrize("text", [r"\https://e.com/a", "http://a.b~~http://a.b", "([x](y)~http://a.b)"])
def test_no_letter_of_an_address_is_written_twice(text: str) -> None:
    (block,) = (token for token in OURS.parse(text) if token.type == "inline")
    assert "".join(child.content for child in block.children or ()) == text.replace("[x](y)", "x")


_PIECES = st.sampled_from([":", "/", "a", "x-1", ".", "com", ":80", "?q=1", "#p", "@", "é", " ", "[", "\n"])
_SCHEMES = st.sampled_from([links.SCHEMES, frozenset({"http"})])


@given(st.sampled_from(["https://", "http://", "mailto:", ""]), st.lists(_PIECES, max_size=6), _SCHEMES)
def test_a_plain_address_is_judged_as_all_others_are(head: str, rest: list[str], schemes: frozenset[str]) -> None:
    url, judge = head + "".join(rest), links.fault_of_link.__wrapped__
    with patch.object(links, "_PLAIN", re.compile("(?!)")):
        expected = judge(url, schemes)
    assert judge(url, schemes) == expected


@pytest.mark.parametrize("around", ["~~{}~~", "_{}_", "**{}**", "\\[{}\\]", "{}\\\nmore", "see {}, now"])
@pytest.mark.parametrize("url", ["https://e.com/a", "https://e.com/?q=1"])
def test_marks_around_an_address_are_no_part_of_it_nor_of_its_place(around: str, url: str) -> None:
    (block,) = (token for token in OURS.parse(around.format(url)) if token.type == "inline")
    (link,) = (child for child in block.children or () if child.type == "link_open")
    assert (link.attrs["href"], block.content[slice(*link.meta["at"])]) == (url, url)
