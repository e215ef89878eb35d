"""The block parser of the dialect: the library's rules, each asked only at the characters that it begins with."""

import re
from collections.abc import Sequence
from functools import lru_cache

from markdown_it.parser_block import ParserBlock, RuleFuncBlockType
from markdown_it.ruler import Rule, Ruler
from markdown_it.rules_block import StateBlock

from publisher.issue.markdown.boxes import CONTAINERS

_BEGINS = {
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
"""The others may begin with any character."""
_NEEDS = {"table": re.compile(r"\|"), "lheading": re.compile(r"[-=][ \t]*$", re.MULTILINE)}
"""What a text has somewhere that holds one."""


class BlockRuler(Ruler[RuleFuncBlockType]):
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
    always = tuple(fn for name, fn in asked if name not in _BEGINS)
    signs = "".join(_BEGINS.values())
    table = {sign: tuple(fn for name, fn in asked if sign in _BEGINS.get(name, sign)) for sign in signs}

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
