"""Markdown beside Chinese and Japanese: emphasis without spaces, joined lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token

from publisher.issue.markdown.characters import is_cjk, joins

InlineRule = Callable[[StateInline, bool], bool]


def cjk_plugin(md: MarkdownIt) -> None:
    """All the rules."""
    for name in ("emphasis", "strikethrough"):
        _wrap(md, name)
    md.core.ruler.push("join_lines", _join_lines)


def _wrap(md: MarkdownIt, name: str) -> None:
    rule: InlineRule = next(r.fn for r in md.inline.ruler.__rules__ if r.name == name)

    def friendly(state: StateInline, silent: bool) -> bool:
        if "scanDelims" not in state.__dict__:
            state.scanDelims = partial(_scan, state)  # type: ignore[method-assign]
        return rule(state, silent)

    md.inline.ruler.at(name, friendly)


def _scan(state: StateInline, start: int, can_split_word: bool) -> Scanned:
    """CommonMark's flanking rules, but ``*`` and ``~~`` beside CJK open and close wherever neither side is white space.

    CommonMark leaves ``**重点。**下一句`` literal, since it expects a space after the punctuation.
    """
    scanned = StateInline.scanDelims(state, start, can_split_word)
    if state.src[start] not in "*~":
        return scanned
    end = start + scanned.length
    before = state.src[start - 1] if start > 0 else " "
    after = state.src[end] if end < state.posMax else " "
    if before.isspace() or after.isspace() or not (is_cjk(before) or is_cjk(after)):
        return scanned
    return Scanned(True, True, scanned.length)


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
