"""Autolinks for bare URLs and email addresses, which end where Chinese or Japanese text continues."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import isLinkClose, isLinkOpen
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from publisher.issue.markdown.cjk import LONGEST_URL, TO_PORT, URL_RUN, url_end


def addresses_plugin(md: MarkdownIt) -> None:
    """Replace the library's linkify rules: links end before CJK text, and many of them take linear time."""
    assert md.linkify is not None
    md.linkify.set({"fuzzy_link": False})  # `DeepSeek.ai` in a sentence is a name, not a link
    _trim_links(md)
    md.inline.ruler.at("linkify", _bare_address)
    md.core.ruler.at("linkify", _addresses_in_text)
    md.core.ruler.after("linkify", "places", _places)


def _trim_links(md: MarkdownIt) -> None:
    """Limit linkify, which matches all of ``https://x/路径，谢谢。``: search only within runs that no URL extends
    beyond, and end each match where CJK text continues.
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
        if "@" not in text and "//" not in text:
            return None
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


_PROTOCOL = re.compile(r"(?<![a-z0-9.+-])(?:https?|ftp)$", re.IGNORECASE)


def _bare_address(state: StateInline, silent: bool) -> bool:
    """The library's rule, limited to the run of the URL: the original copies the rest of the paragraph per ``://``."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    protocol = _PROTOCOL.search(state.src, max(state.pos - 5, 0), state.pos)
    run = URL_RUN.match(state.src, state.pos)
    if not protocol or not run or run.end() - run.start() > LONGEST_URL:
        return False
    if not (silent or state.pending.endswith(protocol[0])):
        return False  # part of it is text already: after a backslash, or at the end of another URL
    linkify: Any = state.md.linkify
    written = protocol[0] + run[0]
    found = linkify.match_at_start(port[0] if (port := TO_PORT.match(written)) else written)
    if not found:
        return False
    url = str(found.url).rstrip("*_~\\")  # these close emphasis, or escape what follows
    meant = url.replace("&amp;", "&")  # decoded as in all other text; occurs in URLs copied from HTML
    begin, end = protocol.start(), protocol.start() + len(url)
    if not silent:
        state.pending = state.pending[: -len(protocol[0])]
        if state.pending:
            state.pushPending()
        for token in _link(state.md.normalizeLink(meant), state.md.normalizeLinkText(meant), state.level):
            token.meta = {"at": (begin, end)} if token.type == "link_open" else {}
            state.tokens.append(token)
            state.tokens_meta.append(None)
    state.pos = end
    return True


def _addresses_in_text(state: StateCore) -> None:
    """The library's rule, but the list of tokens is built once: the original copies it for each link."""
    linkify: Any = state.md.linkify
    for block in state.tokens:
        words = block.content
        if (
            block.type == "inline"
            and block.children
            and ("@" in words or "//" in words)
            and any(one.type == "text" and ("@" in one.content or "//" in one.content) for one in block.children)
            and linkify.pretest(words)  # a slow search
        ):
            block.children = _with_links(state, block.children)


def _places(state: StateCore) -> None:
    """Set the place of autolinks; the inline parser sets that of all other links."""
    for block in state.tokens:
        position = 0
        for link, words in pairwise(block.children or ()):
            if link.type == "link_open" and "at" not in link.meta:
                begin = block.content.find(words.content, position)
                if begin >= 0:
                    link.meta["at"] = begin, begin + len(words.content)
            position = max(position, link.meta.get("at", (0, 0))[1])


def _with_links(state: StateCore, tokens: Sequence[Token]) -> list[Token]:
    """The tokens with text split at the links in it; processed from the end, as in the library."""
    linkify: Any = state.md.linkify
    out: list[Token] = []  # in reverse order
    linked, anchors = False, 0  # whether within a link; number of unmatched ``</a>``
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        if token.type in {"link_open", "link_close"}:
            linked = token.type == "link_close"
        elif token.type == "html_inline" and not linked:
            anchors = max(0, anchors - isLinkOpen(token.content)) + isLinkClose(token.content)
        matches = linkify.match(token.content) if token.type == "text" and not (linked or anchors) else None
        if matches and matches[0].index == 0 and index and tokens[index - 1].type == "text_special":
            matches = matches[1:]  # escaped by a backslash
        out += reversed(list(_parted(state, token, matches))) if matches else [token]
    out.reverse()
    return out


def _parted(state: StateCore, token: Token, matches: Sequence[Any]) -> Iterator[Token]:
    """Tokens of the links in a text and of the text between them."""
    last = 0
    for match in matches:
        href = state.md.normalizeLink(match.url)
        if match.index > last:
            yield Token("text", "", 0, content=token.content[last : match.index], level=token.level)
        known = "mailto:" if match.text.lower().startswith("mailto:") else ""  # needed to decode a Punycode host
        words = state.md.normalizeLinkText(known + match.text).removeprefix(known)
        yield from _link(href, words, token.level)
        last = match.last_index
    if last < len(token.content):
        yield Token("text", "", 0, content=token.content[last:], level=token.level)


def _link(href: str, words: str, level: int) -> Iterator[Token]:
    """Tokens of an autolink."""
    yield Token("link_open", "a", 1, {"href": href}, level=level, markup="linkify", info="auto")
    yield Token("text", "", 0, content=words, level=level + 1)
    yield Token("link_close", "a", -1, level=level, markup="linkify", info="auto")
