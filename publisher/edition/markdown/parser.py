"""The edition's Markdown parser, made once: the dialect, with its notes rendered for assistive technology."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from publisher.edition.markdown.notes import notes_plugin
from publisher.source.markdown import new_parser
from publisher.source.markdown.tags import HEADING, raw_tags


@cache
def parser() -> MarkdownIt:
    """The parser."""
    return new_parser().use(notes_plugin)


def parse(text: str, env: dict[str, Any]) -> list[Token]:
    """Block tokens of Markdown."""
    return parser().parse(text, env)


def parse_inline(text: str, env: dict[str, Any]) -> list[Token]:
    """Tokens of a text that is inline Markdown: one paragraph without its paragraph."""
    return parser().parseInline(text, env)


def shift_headings(tokens: Sequence[Token], above: int) -> None:
    """Move headings below level ``above``, so that the highest of the text becomes ``above + 1`` and none passes 6.

    Those of raw HTML count and move alike: an ``<h1>`` in a story is not the page's.
    """
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    raw = [each for token in tokens for each in (token, *(token.children or ())) if each.type.startswith("html_")]
    levels = [int(token.tag[1]) for token in headings]
    levels += [int(tag.name[1]) for each in raw for tag in raw_tags(each.content) if HEADING.fullmatch(tag.name)]
    if not levels:
        return

    down = above + 1 - min(levels)

    def shifted(tag: str) -> str:
        return f"h{min(6, int(tag[1]) + down)}"

    for token in headings:
        token.tag = shifted(token.tag)
    for each in raw:
        parts, last = [], 0
        for tag in raw_tags(each.content):
            if HEADING.fullmatch(tag.name):
                at = tag.start + 1 + tag.closing
                parts += [each.content[last:at], shifted(tag.name)]
                last = at + 2
        each.content = "".join([*parts, each.content[last:]])
