"""Definition of the dialect: CommonMark with tables, strikethrough, footnotes, autolinks, CJK support and limits."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink, normalizeLinkText
from markdown_it.parser_block import ParserBlock, RuleFuncBlockType
from markdown_it.ruler import Rule, Ruler
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from publisher.issue.markdown.addresses import addresses_plugin
from publisher.issue.markdown.boxes import CONTAINERS, boxes_plugin
from publisher.issue.markdown.cjk import join_lines
from publisher.issue.markdown.inline import InlineParser, brackets, patterns
from publisher.issue.markdown.tags import tags_plugin

MAX_NESTING = 40
"""Nested quotes and lists; the parser silently drops deeper content, so callers have to report it."""


class Parsed(NamedTuple):
    """Tokens of a text, which are shared and must not be modified, and the parser's environment.

    ``meta["at"]`` of a link, picture, code or tag is its range in the inline text. ``env`` contains the library's
    ``references``, ``duplicate_refs`` and ``footnotes``, and in ``notes`` the lines of each note by its label.
    """

    tokens: list[Token]
    env: dict[str, Any]


def parsed(text: str, *, inline: bool = False) -> Parsed:
    """Parse Markdown: blocks, or with ``inline`` a single paragraph. Cached until :func:`forget_parsed`."""
    return _parsed(text, inline)


@lru_cache(maxsize=512)
def _parsed(text: str, inline: bool) -> Parsed:
    env: dict[str, Any] = {}
    return Parsed((_parser().parseInline if inline else _parser().parse)(text, env), env)


def forget_parsed() -> None:
    """Clear the cache of parsed texts."""
    _parsed.cache_clear()


def new_parser() -> MarkdownIt:
    """Create a parser. Nesting is limited, so that no input can overflow the stack.

    Unsafe URLs become links too, so that rules can report them; the HTML writer removes them.
    """
    md = MarkdownIt("commonmark", {"linkify": True, "html": True, "xhtmlOut": False, "maxNesting": MAX_NESTING})
    md.enable(["table", "strikethrough", "linkify"])
    md.validateLink = lambda url: isinstance(url, str)  # type: ignore[method-assign]
    md.normalizeLink = _target  # type: ignore[method-assign]
    md.normalizeLinkText = _shown  # type: ignore[method-assign, assignment]
    md.use(footnote_plugin).use(addresses_plugin).use(tags_plugin)
    md.core.ruler.push("join_lines", join_lines)
    md.use(boxes_plugin)
    md.inline.ruler.before("text", "brackets", brackets)
    md.inline.ruler.before("footnote_inline", "patterns", patterns)
    md.core.ruler.after("block", "notes", _lines_of_notes)
    md.block.ruler = _BlockRuler(md.block)
    md.inline = InlineParser(md.inline)
    return md


_parser = cache(new_parser)


_HOST = r"(?!xn--)[a-z0-9]{1,62}(?:\.(?!xn--)[a-z0-9-]{1,62}){1,3}"
_NORMAL = re.compile(
    rf"(?:(?:https?:)?//|mailto:[\w.]{{1,64}}@){_HOST}(?:/[\w./-]*)?(?:[?#][\w=&./-]*)?|[\w-][\w./-]*", re.ASCII
)


_ENCODED = re.compile(
    rf"(?:https?:)?//{_HOST}(?:/(?:[\w./-]|%[0-9A-Fa-f]{{2}})*)?(?:[?#](?:[\w=&./-]|%[0-9A-Fa-f]{{2}})*)?"
)


def _target(url: str) -> str:
    """The library's ``normalizeLink``, with a fast path for common URLs."""
    if _NORMAL.fullmatch(url):
        return url
    return quote(url, safe="/:?#=&%") if _ENCODED.fullmatch(url) else normalizeLink(url)


def _shown(url: str) -> str:
    """The library's ``normalizeLinkText``, with a fast path for common URLs."""
    return url if _NORMAL.fullmatch(url) or ("%" not in url and _ENCODED.fullmatch(url)) else normalizeLinkText(url)


def _lines_of_notes(state: StateCore) -> None:
    """Record the lines of footnotes before the library moves them to the end."""
    opened = (token for token in state.tokens if token.type == "footnote_reference_open")
    state.env["notes"] = {token.meta["label"]: token.map for token in opened}


_BLOCKS_BEGIN = {
    "fence": "`~",
    "blockquote": ">",
    "hr": "*-_",
    "list": "*+-0123456789",
    "footnote_def": "[",
    "reference": "[",
    "html_block": "<",
    "heading": "#",
    **{f"container_{name}": ":" for name in CONTAINERS},
}
"""First characters of each rule's blocks; blocks of rules not listed may begin with any character."""
_NEEDS = {"table": re.compile(r"\|"), "lheading": re.compile(r"[-=][ \t]*$", re.MULTILINE)}
"""Patterns that must occur in a text for the rule to match at all."""


class _BlockRuler(Ruler[RuleFuncBlockType]):
    """Ruler whose chains are one function each, which calls only the rules for the first character of the line."""

    def __init__(self, library: ParserBlock) -> None:
        """Copy the rules that ``library`` has at this time."""
        self.__rules__ = library.ruler.__rules__
        names = {name for rule in self.__rules__ for name in rule.alt}
        self.__cache__ = {name: [_chain([one for one in self._enabled() if name in one.alt])] for name in names}
        self.__cache__[""] = [_chain(self._enabled())]

    def _enabled(self) -> list[Rule[RuleFuncBlockType]]:
        return [rule for rule in self.__rules__ if rule.enabled]


def _chain(rules: Sequence[Rule[RuleFuncBlockType]]) -> RuleFuncBlockType:
    asked = [(rule.name, _where_needed(rule)) for rule in rules]
    always = tuple(fn for name, fn in asked if name not in _BLOCKS_BEGIN)
    signs = "".join(_BLOCKS_BEGIN.values())
    table = {sign: tuple(fn for name, fn in asked if sign in _BLOCKS_BEGIN.get(name, sign)) for sign in signs}

    def first(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        at = state.bMarks[line] + state.tShift[line]
        for rule in table.get(state.src[at : at + 1], always):  # noqa: SIM110 - a generator would be much slower
            if rule(state, line, end, silent):
                return True
        return False

    return first


def _where_needed(rule: Rule[RuleFuncBlockType]) -> RuleFuncBlockType:
    ask, needs = rule.fn, _NEEDS.get(rule.name)
    if needs is None:
        return ask

    @lru_cache(maxsize=1)
    def possible(text: str) -> bool:
        return needs.search(text) is not None

    return lambda state, line, end, silent: possible(state.src) and ask(state, line, end, silent)
