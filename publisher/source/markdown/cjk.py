"""Markdown beside Chinese and Japanese: emphasis without spaces, links that end at their punctuation, joined lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token

from publisher.source.markdown.characters import LONGEST_URL, URL_RUN, is_cjk, joins, url_end

InlineRule = Callable[[StateInline, bool], bool]


def cjk_plugin(md: MarkdownIt) -> None:
    """All the rules."""
    for name in ("emphasis", "strikethrough"):
        _wrap(md, name)
    md.core.ruler.push("join_lines", _join_lines)
    _trim_links(md)


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


def _trim_links(md: MarkdownIt) -> None:
    """Linkify takes ``https://x/路径，谢谢。`` whole: look within runs that no address goes beyond, and end each
    match where CJK text goes on.
    """
    linkify: Any = md.linkify
    match_all, match_here = linkify.match, linkify.match_at_start

    def trimmed(match: Any, offset: int = 0) -> bool:
        length = url_end(match.text)
        removed = match.text[length:]
        match.index += offset
        match.last_index += offset - len(removed)
        if removed:
            match.text = match.raw = match.text[:length]
            match.url = match.url[: len(match.url) - len(removed)]
        return bool(removed)

    def match(text: str) -> list[Any] | None:
        found: list[Any] = []
        for run in URL_RUN.finditer(text):
            if run.end() - run.start() <= LONGEST_URL and ("@" in run[0] or "//" in run[0]):
                matched(text[max(run.start() - 1, 0) : run.end()], max(run.start() - 1, 0), found)
        return found or None

    def matched(run: str, start: int, found: list[Any]) -> None:
        offset = 0
        while matches := match_all(run[offset:]):
            cut = False
            for each in matches:
                cut = trimmed(each, start + offset)
                if not each.text.endswith("//"):
                    found.append(each)
                if cut:
                    offset = each.last_index - start
                    break
            if not cut:
                break

    def match_at_start(text: str) -> Any:
        found = match_here(text)
        if found:
            trimmed(found)
            if found.text.endswith("//"):
                return None
        return found

    linkify.match, linkify.match_at_start = match, match_at_start
    linkify.test = lambda text: match(text) is not None
    md.inline.ruler.at("linkify", _bare_address)


_PROTOCOL = re.compile(r"(?<![a-z0-9.+-])(?:https?|ftp)$", re.IGNORECASE)


def _bare_address(state: StateInline, silent: bool) -> bool:
    """The library's rule, which copies the rest of the paragraph at each ``://``, with the run of the address alone."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    protocol = _PROTOCOL.search(state.src, max(state.pos - 5, 0), state.pos)
    run = URL_RUN.match(state.src, state.pos)
    if not protocol or not run or run.end() - run.start() > LONGEST_URL:
        return False
    linkify: Any = state.md.linkify
    found = linkify.match_at_start(protocol[0] + run[0])
    if not found:
        return False
    url = str(found.url).rstrip("*")  # it closes emphasis
    href = state.md.normalizeLink(url)
    if not state.md.validateLink(href):
        return False
    if not silent:
        state.pending = state.pending[: -len(protocol[0])]
        opening = state.push("link_open", "a", 1)
        opening.attrs = {"href": href}
        state.push("text", "", 0).content = state.md.normalizeLinkText(url)
        closing = state.push("link_close", "a", -1)
        for token in (opening, closing):
            token.markup, token.info = "linkify", "auto"
    state.pos += len(url) - len(protocol[0])
    return True
