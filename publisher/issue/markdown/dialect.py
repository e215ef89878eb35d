"""CommonMark with tables, strikethrough, footnotes, bare links, and limits beside Chinese and Japanese."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from publisher.issue.markdown.addresses import addresses_plugin
from publisher.issue.markdown.brackets import brackets_plugin
from publisher.issue.markdown.cjk import cjk_plugin
from publisher.issue.markdown.tags import tags_plugin

MAX_NESTING = 40
"""Quotes and lists within each other; the parser drops what is deeper, so whoever uses it has to say so."""
_PLACED = {"link_open", "image", "html_inline", "code_inline"}


class Parsed(NamedTuple):
    """A text's tokens, which all who ask share and nobody changes, and what the parser learnt beside them.

    ``meta["at"]`` of a link, picture, code or tag is its range in the inline text. ``env`` holds ``references``,
    ``duplicate_refs`` and ``footnotes`` as the parser leaves them, and in ``notes`` each note's lines by its label.
    """

    tokens: list[Token]
    env: dict[str, Any]


def parsed(text: str, *, inline: bool = False) -> Parsed:
    """Markdown of blocks, or, ``inline``, of one paragraph without its paragraph. Kept until :func:`forget_parsed`."""
    return _parsed(text, inline)


@lru_cache(maxsize=512)
def _parsed(text: str, inline: bool) -> Parsed:
    env: dict[str, Any] = {}
    return Parsed((_parser().parseInline if inline else _parser().parse)(text, env), env)


def forget_parsed() -> None:
    """Let go of what was parsed: the issue is done with."""
    _parsed.cache_clear()


def new_parser() -> MarkdownIt:
    """A parser of its own, to keep. Nesting is capped, so that no input exhausts the stack.

    Every address makes a link, however unsafe, so that rules can see it; what writes HTML takes the unsafe out.
    """
    md = MarkdownIt("commonmark", {"linkify": True, "html": True, "xhtmlOut": False, "maxNesting": MAX_NESTING})
    md.enable(["table", "strikethrough", "linkify"])
    md.validateLink = _any_link  # type: ignore[method-assign]
    md.use(footnote_plugin).use(addresses_plugin).use(cjk_plugin).use(tags_plugin).use(brackets_plugin)
    md.core.ruler.after("block", "notes", _lines_of_notes)
    for rule in list(md.inline.ruler.__rules__):
        if rule.name in {"link", "image", "autolink", "html_inline", "backticks", "linkify"}:
            md.inline.ruler.at(rule.name, _placing(rule.fn))
    return md


_parser = cache(new_parser)


def _any_link(url: str) -> bool:
    return isinstance(url, str)


def _lines_of_notes(state: StateCore) -> None:
    """Note where each note is written, before all are moved to the end."""
    opened = (token for token in state.tokens if token.type == "footnote_reference_open")
    state.env["notes"] = {token.meta["label"]: token.map for token in opened}


def _placing(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """The rule, noting on each of its tokens the range of the text that it was made from."""

    def placing(state: StateInline, silent: bool) -> bool:
        start, known = state.pos, len(state.tokens)
        done = rule(state, silent)
        if done and not silent:
            for token in state.tokens[known:]:
                if token.type in _PLACED and "at" not in token.meta:
                    token.meta["at"] = (start, state.pos)
        return done

    return placing
