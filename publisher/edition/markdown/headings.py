"""Headings of a text, moved below those of the page."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it.token import Token

from publisher.issue.markdown.tags import HEADING, raw_tags


def shifted(tokens: Sequence[Token], above: int) -> Sequence[Token]:
    """The tokens with the headings below level ``above``: the highest becomes ``above + 1``, and none passes 6.

    Those of raw HTML count and move alike: an ``<h1>`` in a story is not the page's. What moves is copied.
    """
    levels = [
        level for token in tokens if token.type == "heading_open" or "<" in token.content for level in _levels(token)
    ]
    down = above + 1 - min(levels) if levels else 0
    return [_moved(token, down) for token in tokens] if down else tokens


def _levels(token: Token) -> list[int]:
    if token.type == "heading_open":
        return [int(token.tag[1])]
    if token.type.startswith("html_"):
        return [int(tag.name[1]) for tag in raw_tags(token.content) if HEADING.fullmatch(tag.name)]
    html = (child for child in token.children or () if child.type == "html_inline")
    return [level for child in html for level in _levels(child)]


def _moved(token: Token, down: int) -> Token:
    if token.type in {"heading_open", "heading_close"}:
        tag, level = _lower(token.tag, down), token.level
        return Token(token.type, tag, token.nesting, map=token.map, level=level, markup=token.markup, block=True)
    if token.type.startswith("html_"):
        return token.copy(content=_moved_html(token.content, down))
    if any(_levels(child) for child in token.children or ()):
        return token.copy(children=[_moved(child, down) for child in token.children or ()])
    return token


def _moved_html(html: str, down: int) -> str:
    parts, last = [], 0
    for tag in raw_tags(html):
        if HEADING.fullmatch(tag.name):
            at = tag.start + 1 + tag.closing
            parts += [html[last:at], _lower(tag.name, down)]
            last = at + 2
    return "".join([*parts, html[last:]])


def _lower(tag: str, down: int) -> str:
    return f"h{min(6, int(tag[1]) + down)}"
