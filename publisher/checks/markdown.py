"""Markdown for rules: the tokens that readers' pages are made of, each at its exact place in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from publisher.checks.parts import Parts
from publisher.diagnostics import Place
from publisher.issue import Prose
from publisher.source.markdown import new_parser

InlineRule = Callable[[StateInline, bool], bool]
_PLACED = {"link_open", "image", "html_inline", "code_inline"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A token, what it says or is as HTML, and a function from a range of that to its place in the file."""

    token: Token
    words: str
    place: Callable[[int, int], Place]

    @property
    def raw(self) -> bool:
        """Whether it is HTML as the author wrote it."""
        return self.token.type in {"html_block", "html_inline"}

    @property
    def whole(self) -> Place:
        """The place of all of it."""
        start, end = self.token.meta.get("at", (0, len(self.words)))
        return self.place(0, end - start)


@dataclass(frozen=True)
class Text:
    """One piece of an issue's Markdown. ``role`` says which; ``item`` is the index of the item it belongs to."""

    prose: Prose
    role: str
    item: int | None = None
    inline: bool = False

    @cached_property
    def tokens(self) -> list[Token]:
        """Block tokens, with inline ones as their children."""
        parse = _parser().parseInline if self.inline else _parser().parse
        return parse(self.prose.text, self.env)

    @cached_property
    def env(self) -> dict[str, Any]:
        """What the parser learnt beside the tokens: notes and definitions of links. Filled by :attr:`tokens`."""
        return {}

    @cached_property
    def parts(self) -> Parts:
        """Its links, pictures and headings."""
        return Parts(self.pieces())

    def plain(self) -> Iterator[tuple[str, Place]]:
        """Each run of words that a reader sees, without code, with its place; line by line."""
        for token, lines in self._inline:
            position = 0
            for child in token.children or ():
                if child.type == "text" and child.content:
                    found = token.content.find(child.content, position)
                    if found >= 0:
                        yield child.content, self._place(token, lines, found, found + len(child.content))
                        position = found + len(child.content)
                    else:  # written with escapes or entities: somewhere on from here
                        yield child.content, self._place(token, lines, position, len(token.content))

    @cached_property
    def words(self) -> str:
        """All that a reader sees, in one text."""
        parts: list[str] = []
        for token in self.tokens:
            parts.extend(_said(child) for child in token.children or ())
            parts.append(token.content if token.type in {"fence", "code_block"} else "\n" if token.block else "")
        return "".join(parts)

    def html(self) -> Iterator[tuple[str, Callable[[int, int], Place]]]:
        """Each piece of raw HTML, and a function from a range of it to its place in the file."""
        return ((piece.words, piece.place) for piece in self.pieces() if piece.raw)

    def pieces(self) -> Iterator[Piece]:
        """All of the text in the order of reading; the end of a block is a blank."""
        source = self.prose.text.split("\n")
        inline = {id(token): lines for token, lines in self._inline}
        for token in self.tokens:
            first = token.map[0] if token.map else 0
            if token.type == "html_block":
                columns = [
                    (first + i, _column(source[first + i], line, None) if first + i < len(source) else 0)
                    for i, line in enumerate(token.content.split("\n"))
                ]
                yield Piece(token, token.content, partial(self._place, token, columns))
            else:
                words = f" {token.content} " if token.type in {"fence", "code_block"} else " " if token.block else ""
                yield Piece(token, words, partial(self._line, first))
            lines = inline.get(id(token), [(first, 0)])
            for child in token.children or ():
                words = child.content if child.type == "html_inline" else _said(child)
                yield Piece(child, words, partial(self._shifted, token, lines, child.meta.get("at", (0, 0))[0]))

    def written(self) -> Iterator[tuple[str, Callable[[int, int], Place]]]:
        """Each paragraph, heading or cell as written, and its places; code and raw HTML in it are blanks."""
        for token, lines in self._inline:
            shown, last = [], 0
            for child in token.children or ():
                if child.type in {"code_inline", "html_inline"} and (at := child.meta.get("at")) and at[0] >= last:
                    shown += [token.content[last : at[0]], " " * (at[1] - at[0])]
                    last = at[1]
            yield "".join([*shown, token.content[last:]]), partial(self._place, token, lines)

    def _shifted(self, token: Token, lines: list[tuple[int, int]], by: int, start: int, end: int) -> Place:
        return self._place(token, lines, by + start, by + end)

    def _line(self, number: int, _start: int, _end: int) -> Place:
        return self.prose.place(number)

    @cached_property
    def _inline(self) -> tuple[tuple[Token, list[tuple[int, int]]], ...]:
        """Inline tokens, with line and column in the prose of each of their lines."""
        return tuple(self._placed())

    def _placed(self) -> Iterator[tuple[Token, list[tuple[int, int]]]]:
        source = self.prose.text.split("\n")
        row, after = -1, 0
        previous: Token | None = None
        for token in self.tokens:
            if token.type == "inline" and token.map:
                cell = previous is not None and previous.type in {"th_open", "td_open"}
                first = token.map[0]
                after = after if cell and first == row else 0
                lines = []
                for number, line in enumerate(token.content.split("\n"), first):
                    written = source[number] if number < len(source) else ""
                    column = _column(written, line, after if cell else None)
                    lines.append((number, column))
                    row, after = number, column + len(line)
                yield token, lines
            elif token.type == "inline" and (at := self.prose.text.find(f"^[{token.content}]")) >= 0:  # a note ^[…]
                before = self.prose.text[: at + 2]
                first, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
                yield token, [(first + i, 0 if i else column) for i in range(token.content.count("\n") + 1)]
            previous = token

    def _place(self, token: Token, lines: list[tuple[int, int]], start: int, end: int) -> Place:
        before = token.content[:start]
        index = before.count("\n")
        line, offset = lines[min(index, len(lines) - 1)]
        column = start - (before.rfind("\n") + 1)
        stop = token.content.find("\n", start, end)
        length = (end if stop < 0 else stop) - start
        return self.prose.place(line, offset + column, offset + column + length)


def _column(written: str, content: str, after: int | None) -> int:
    """Where a line of an inline token begins in the line as written: after quote and list marks, or in its cell."""
    text = content.rstrip()
    if after is None and written.rstrip().endswith(text):
        return len(written.rstrip()) - len(text)
    return max(written.find(text.strip(), after or 0), 0)


@cache
def _parser() -> MarkdownIt:
    """The edition's Markdown, but every link becomes a token, however unsafe, so that rules can see it."""
    md = new_parser()
    md.validateLink = _any_link  # type: ignore[method-assign]
    for rule in list(md.inline.ruler.__rules__):
        if rule.name in {"link", "image", "autolink", "html_inline", "backticks", "linkify"}:
            md.inline.ruler.at(rule.name, _placing(rule.fn))
    return md


def _any_link(url: str) -> bool:
    return isinstance(url, str)


def _placing(rule: InlineRule) -> InlineRule:
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


def _said(token: Token) -> str:
    if token.type in {"text", "code_inline"}:
        return token.content
    return "\n" if token.type in {"softbreak", "hardbreak"} else ""
