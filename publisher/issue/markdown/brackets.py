"""Brackets that cannot be a link: the parser looks for the end of each, and of thousands it would take minutes."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from publisher.issue.markdown.inline import InlineState

_MOST = 8
"""Pairs within a pair, and brackets without a partner in a paragraph. No editor writes more; they are text."""
_BRACKET = re.compile(r"\\.|[\[\]]", re.DOTALL)


def brackets_plugin(md: MarkdownIt) -> None:
    """Neither link, picture nor note is looked for at a bracket that has no hope of being one."""
    md.inline.ruler.before("text", "brackets", _brackets)


def _brackets(state: StateInline, silent: bool) -> bool:
    source, end = state.src, state.pos
    assert isinstance(state, InlineState)
    if state.hopeless is None:
        state.hopeless = _without_hope(source)
    hopeless = state.hopeless
    if not hopeless:
        return False
    while (at := end + (source[end : end + 1] in {"!", "^"})) in hopeless:
        end = state.pos + 1 if silent else at + 1
        if silent:  # whoever looks ahead counts the brackets one by one
            break
    if end == state.pos:
        return False
    if not silent:
        state.append_pending(source[state.pos : end])
    state.pos = end
    return True


def _without_hope(text: str) -> frozenset[int]:
    """Where the brackets open that hold too many within each other, that none closes, or that are beyond the first
    without a partner.
    """
    if text.count("[") <= _MOST:
        return frozenset()
    hopeless: set[int] = set()
    opened: list[tuple[int, int]] = []  # where, and how deep the pairs within are
    for found in _BRACKET.finditer(text):
        if found[0] == "[":
            opened.append((found.start(), 0))
        elif found[0] == "]" and opened:
            start, within = opened.pop()
            if within >= _MOST:
                hopeless.add(start)
            if opened:
                opened[-1] = (opened[-1][0], max(opened[-1][1], within + 1))
    last = text.rfind("]")
    return frozenset(hopeless.union(at for n, (at, _) in enumerate(opened) if n >= _MOST or at > last))
