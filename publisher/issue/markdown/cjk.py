"""Markdown beside Chinese and Japanese: joined lines."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from publisher.issue.markdown.characters import joins


def cjk_plugin(md: MarkdownIt) -> None:
    """Lines that join; emphasis is the inline parser's."""
    md.core.ruler.push("join_lines", _join_lines)


def _join_lines(state: StateCore) -> None:
    """A soft line break between two characters that join is dropped: browsers would show a space."""
    for token in state.tokens:
        children = token.children
        if not children:
            continue
        for index, child in enumerate(children):
            if child.type == "softbreak":
                before, after = _edge(children, index, -1), _edge(children, index, 1)
                if before and after and joins(before, after):
                    child.type, child.content = "text", ""


def _edge(children: Sequence[Token], index: int, step: int) -> str:
    """The nearest visible character before (-1) or after (1) a token; markup between them is looked through."""
    index += step
    while 0 <= index < len(children):
        child = children[index]
        if child.type in {"text", "code_inline", "text_special"} and child.content:
            return child.content[-1 if step < 0 else 0]
        if child.type in {"softbreak", "hardbreak", "image", "footnote_ref"}:
            return ""
        index += step
    return ""
