"""CommonMark with tables, strikethrough, footnotes, bare links, and limits beside Chinese and Japanese."""

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
from markdown_it.rules_core import StateCore, text_join
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from publisher.issue.markdown.addresses import addresses_plugin
from publisher.issue.markdown.boxes import CONTAINERS, boxes_plugin
from publisher.issue.markdown.cjk import join_lines
from publisher.issue.markdown.inline import InlineParser, brackets
from publisher.issue.markdown.tags import tags_plugin

MAX_NESTING = 40
"""Quotes and lists within each other; the parser drops what is deeper, so whoever uses it has to say so."""


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
    md.validateLink = lambda url: isinstance(url, str)  # type: ignore[method-assign]
    md.normalizeLink = _target  # type: ignore[method-assign]
    md.normalizeLinkText = _shown  # type: ignore[method-assign, assignment]
    md.use(footnote_plugin).use(addresses_plugin).use(tags_plugin)
    md.core.ruler.push("join_lines", join_lines)
    md.use(boxes_plugin)
    md.inline.ruler.before("text", "brackets", brackets)
    md.core.ruler.after("block", "notes", _lines_of_notes)
    md.core.ruler.at("text_join", _join_special)
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
    """The library's ``normalizeLink``; what most addresses are is known to stay as it is, but for its letters."""
    if _NORMAL.fullmatch(url):
        return url
    return quote(url, safe="/:?#=&%") if _ENCODED.fullmatch(url) else normalizeLink(url)


def _shown(url: str) -> str:
    """The library's ``normalizeLinkText``, likewise."""
    return url if _NORMAL.fullmatch(url) or ("%" not in url and _ENCODED.fullmatch(url)) else normalizeLinkText(url)


def _join_special(state: StateCore) -> None:
    """The library's rule, where there is an escape or an entity: all other texts are joined already."""
    if "\\" in state.src or "&" in state.src:
        text_join(state)


def _lines_of_notes(state: StateCore) -> None:
    """Note where each note is written, before all are moved to the end."""
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
"""The signs that the blocks of a rule begin with; those of others may begin with any."""
_NEEDS = {"table": re.compile(r"\|"), "lheading": re.compile(r"[-=][ \t]*$", re.MULTILINE)}
"""What a text has somewhere that holds one."""


class _BlockRuler(Ruler[RuleFuncBlockType]):
    """The library's ruler, where a chain is one rule that asks those which the first character of a line may begin."""

    def __init__(self, library: ParserBlock) -> None:
        """Of the rules that ``library`` has by now."""
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
        for rule in table.get(state.src[at : at + 1], always):  # noqa: SIM110 - a generator takes as long as a rule
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
