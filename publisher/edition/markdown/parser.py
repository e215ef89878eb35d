"""The one Markdown parser: CommonMark with tables, strikethrough, footnotes, bare links, and manners beside CJK."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from publisher.edition.markdown.cjk import cjk_plugin
from publisher.edition.markdown.notes import notes_plugin


@cache
def parser() -> MarkdownIt:
    """The parser, made once. Nesting is capped at 20, so that no input exhausts the stack."""
    md = MarkdownIt("commonmark", {"linkify": True, "html": True, "xhtmlOut": False, "maxNesting": 20})
    md.enable(["table", "strikethrough", "linkify"])
    assert md.linkify is not None
    md.linkify.set({"fuzzy_link": False})
    md.use(footnote_plugin).use(notes_plugin).use(cjk_plugin)
    return md


def parse(text: str, env: dict[str, Any]) -> list[Token]:
    """Block tokens of Markdown."""
    return parser().parse(text, env)


def parse_inline(text: str, env: dict[str, Any]) -> list[Token]:
    """Tokens of a text that is inline Markdown: one paragraph without its paragraph."""
    return parser().parseInline(text, env)


def shift_headings(tokens: Sequence[Token], above: int) -> None:
    """Move headings below level ``above``, so that the highest of the text becomes ``above + 1`` and none passes 6."""
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    if headings:
        highest = min(int(token.tag[1]) for token in headings)
        for token in headings:
            token.tag = f"h{min(6, int(token.tag[1]) - highest + above + 1)}"
