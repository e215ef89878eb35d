"""The edition's Markdown parser, made once: the dialect, with its notes rendered for assistive technology."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from publisher.edition.markdown.notes import notes_plugin
from publisher.source.markdown import new_parser


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
    """Move headings below level ``above``, so that the highest of the text becomes ``above + 1`` and none passes 6."""
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    if headings:
        highest = min(int(token.tag[1]) for token in headings)
        for token in headings:
            token.tag = f"h{min(6, int(token.tag[1]) - highest + above + 1)}"
