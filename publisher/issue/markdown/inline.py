"""Inline parser of the dialect: the library's rules, dispatched by the first character."""

import re
from functools import lru_cache
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

from publisher.issue.markdown.cjk import is_cjk

_BEGINS = {
    "brackets": "[!^", "linkify": ":", "newline": "\n", "escape": "\\", "backticks": "`", "strikethrough": "~",
    "emphasis": "*_", "link": "[", "image": "!", "footnote_inline": "^", "footnote_ref": "[", "autolink": "<",
    "html_inline": "<", "entity": "&", "patterns": "^",
}  # fmt: skip
_PLACED_AT = frozenset("[!<`:")
_CITATION = re.compile(r"\[\d{1,3}\]")
"""A link to a definition by its number, whose brackets are shown: ``in 2019[1]`` must not become “in 20191”."""
_PLACED = frozenset({"link_open", "image", "html_inline", "code_inline"})


class InlineState(StateInline):
    """State in which emphasis opens and closes next to CJK text without a space."""

    hopeless: frozenset[int] | None = None

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803
        """CommonMark's flanking rules, but ``*`` and ``~~`` next to CJK open and close if neither side is a space.

        CommonMark leaves ``**重点。**下一句`` literal, because it requires a space after the punctuation.
        """
        source, marker, end = self.src, self.src[start], start + 1
        while end < self.posMax and source[end] == marker:
            end += 1
        before = _kind(source[start - 1] if start else " ")
        after = _kind(source[end] if end < self.posMax else " ")
        if marker in "*~" and (before.cjk or after.cjk) and not (before.space or after.space):
            return Scanned(True, True, end - start)
        left = not (after.blank or (after.mark and not (before.blank or before.mark)))
        right = not (before.blank or (before.mark and not (after.blank or after.mark)))
        opens = left and (canSplitWord or not right or before.mark)
        closes = right and (canSplitWord or not left or after.mark)
        return Scanned(opens, closes, end - start)


class _Flank(NamedTuple):
    """Character classes for flanking; ``blank`` is white space as in CommonMark, ``space`` as in Unicode."""

    blank: bool
    space: bool
    mark: bool
    cjk: bool


@lru_cache(maxsize=4096)
def _kind(sign: str) -> _Flank:
    mark = isMdAsciiPunct(ord(sign)) or isPunctChar(sign)
    return _Flank(isWhiteSpace(ord(sign)), sign.isspace(), mark, is_cjk(sign))


def _join_fragments(state: StateInline) -> None:
    """The library's rule, in linear time: recalculates levels and joins adjacent texts."""
    level, out, run = 0, list[Token](), list[str]()
    for token in state.tokens:
        level -= token.nesting < 0
        token.level = level
        level += token.nesting > 0
        if token.type != "text":
            if len(run) > 1:
                out[-1].content = "".join(run)
            run.clear()
            out.append(token)
        else:
            if not run:
                out.append(token)
            run.append(token.content)
    if len(run) > 1:
        out[-1].content = "".join(run)
    state.tokens[:] = out


class InlineParser(ParserInline):
    """Parser with a table of rules by first character, which records the ranges of tokens.

    ``meta["at"]`` of a link, picture, code or tag is its range in the text.
    """

    def __init__(self, library: ParserInline) -> None:
        """Copy the rules that ``library`` has at this time; ``]`` begins none of them, but ends a label."""
        self.ruler, self.ruler2 = library.ruler, library.ruler2
        self.ruler2.at("fragments_join", _join_fragments)
        rules = [rule for rule in self.ruler.__rules__ if rule.enabled and rule.name != "text"]
        signs = sorted({*"".join(_BEGINS[rule.name] for rule in rules), "]"})
        self._rules = {sign: tuple(rule.fn for rule in rules if sign in _BEGINS[rule.name]) for sign in signs}
        self.terminator_re = re.compile(f"[{re.escape(''.join(signs))}]")

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        """Parse a text and append its tokens to ``tokens``."""
        if src and not self.terminator_re.search(src):
            tokens.append(Token("text", "", 0, content=src))
            return tokens
        state = InlineState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens

    def tokenize(self, state: StateInline) -> None:
        """Tokenize the range of the state."""
        source, end, search, table = state.src, state.posMax, self.terminator_re.search, self._rules
        if state.level >= state.md.options["maxNesting"]:
            state.append_pending(source[state.pos : end])
            state.pos = end
        while state.pos < end:
            start = state.pos
            found = search(source, start, end)
            stop = found.start() if found else end
            if stop > start:
                state.append_pending(source[start:stop])
                state.pos = stop
                continue
            sign, known = source[start], len(state.tokens)
            for rule in table[sign]:
                if rule(state, False):
                    break
            else:
                state.append_pending(sign)
                state.pos += 1
                continue
            if sign in _PLACED_AT:
                if sign == "[" and _CITATION.fullmatch(source, start, state.pos):
                    state.tokens[-2].content = source[start : state.pos]
                for token in state.tokens[known:]:
                    if token.type in _PLACED and "at" not in token.meta:
                        token.meta["at"] = (start, state.pos)
        if state.pending:
            state.pushPending()

    def skipToken(self, state: StateInline) -> None:  # noqa: N802
        """Advance beyond one token without creating it."""
        start = state.pos
        known = state.cache.get(start)
        if known is None:
            known = state.cache[start] = self._after(state, start)
        state.pos = known

    def _after(self, state: StateInline, start: int) -> int:
        """The end of the token at ``start``; if nested too deeply, the end of the text."""
        if state.level >= state.md.options["maxNesting"]:
            return state.posMax
        found = self.terminator_re.search(state.src, start, state.posMax)
        stop = found.start() if found else state.posMax
        if stop > start:
            return stop
        state.level += 1
        done = any(rule(state, True) for rule in self._rules[state.src[start]])
        state.level -= 1
        return state.pos if done else start + 1


_CLASS = re.compile(
    r"\^\[(?!https?:)(?:(?:\^[^\]\s]*|[!-\\^-~]*(?:a-z|A-Z|0-9|1-9|\\[wdsWDS])[!-\\^-~]*)\]|[^\]\s]*\][+{])"
)


def patterns(state: StateInline, silent: bool) -> bool:
    """Treat the ``^`` of a regular expression such as ``^[a-z]`` as text; ``^[1-9月数据]`` is a note."""
    if not _CLASS.match(state.src, state.pos, state.posMax):
        return False
    if not silent:
        state.append_pending("^")
    state.pos += 1
    return True


_MOST = 8
"""Maximum of nested pairs, and of unmatched brackets per paragraph; further brackets are text."""
_BRACKET = re.compile(r"\\.|[\[\]]", re.DOTALL)


def brackets(state: StateInline, silent: bool) -> bool:
    """Treat brackets that cannot begin a link, picture or note as text, without trying the rules for these."""
    source, end = state.src, state.pos
    assert isinstance(state, InlineState)
    if state.hopeless is None:
        state.hopeless = _without_hope(source)
    hopeless = state.hopeless
    if not hopeless:
        return False
    while (at := end + (source[end : end + 1] in {"!", "^"})) in hopeless:
        end = state.pos + 1 if silent else at + 1
        if silent:  # lookahead counts brackets one by one
            break
    if end == state.pos:
        return False
    if not silent:
        state.append_pending(source[state.pos : end])
    state.pos = end
    return True


def _without_hope(text: str) -> frozenset[int]:
    """The positions of opening brackets with too many pairs nested in them, without an end, or above the limit."""
    if text.count("[") <= _MOST:
        return frozenset()
    hopeless: set[int] = set()
    opened: list[tuple[int, int]] = []  # position, depth of the pairs within
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
