"""Markdown for rules: the tokens from which pages are rendered, with their exact places in the file."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from html import unescape
from typing import Any, NamedTuple

from markdown_it.token import Token

from publisher.checks.html import removals
from publisher.checks.parts import Parts
from publisher.diagnostics import Diagnostic, Place
from publisher.issue.markdown import parsed
from publisher.issue.model import Prose
from publisher.issue.personal import opens_code

_VERBATIM = re.compile(r"<(?P<end>/?)(?P<name>code|pre|kbd|samp|tt|var|math|svg)\b", re.IGNORECASE)
_LINKING = re.compile(r"[\[<@]|//")
"""Characters that occur in every link, picture and tag."""
_NEAR = 4096
"""Distance within which escaped text is searched for, so that a text full of escapes takes linear time."""
_MARKS = 16  # maximum of markup characters, as of emphasis, before text
_SIGN = re.compile(r"\\([!-/:-@\[-`{-~])|&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);|[^\n]")
"""A character as written: escaped by a backslash, as an entity, or literal."""


class _Rows(NamedTuple):
    """Token, the line and column in the prose of each of its lines, and the offset of each line in its content."""

    token: Token
    at: Sequence[tuple[int, int]]
    starts: Sequence[int]


class Piece(NamedTuple):
    """Token, its text or HTML, and the offset at which that begins in the token's lines."""

    token: Token
    words: str
    prose: Prose
    rows: _Rows
    begin: int = 0

    @property
    def raw(self) -> bool:
        """Whether it is raw HTML."""
        return self.token.type in {"html_block", "html_inline"}

    def place(self, start: int, end: int) -> Place:
        """Return the place in the file of a range of ``words``."""
        return _place(self.prose, self.rows, self.begin + start, self.begin + end)

    @property
    def whole(self) -> Place:
        """The place of the whole piece."""
        if not (at := self.token.meta.get("at")) and self.token.block:
            return self.prose.place(self.rows.at[0][0])
        start, end = at or (0, len(self.words))
        return self.place(0, end - start)


@dataclass(frozen=True)
class Text:
    """One Markdown text of an issue. ``role`` is its kind; ``item`` is the index of its item, or None."""

    prose: Prose
    role: str
    item: int | None = None
    inline: bool = False

    @cached_property
    def tokens(self) -> list[Token]:
        """Block tokens, with inline tokens as their children."""
        return parsed(self.prose.text, inline=self.inline).tokens

    @cached_property
    def env(self) -> dict[str, Any]:
        """The parser's environment: footnotes and link definitions."""
        return parsed(self.prose.text, inline=self.inline).env

    @cached_property
    def parts(self) -> Parts:
        """Links, pictures and headings."""
        return Parts(iter(self.pieces))

    def plain(self) -> Iterator[tuple[str, Callable[[int, int], Place]]]:
        """Yield each run of visible text, without code and autolinks, and a function for places; line by line."""
        for rows in self._inline:
            position = after = 0
            for child in _words(rows.token.children or ()):
                if at := child.meta.get("at"):
                    position, after = (at[0], at[1]) if child.type == "link_open" else (at[1], after)
                elif child.type == "link_close":
                    position = max(position, after)
                elif child.type == "text" and child.content:
                    at = _traced(child.content, rows.token.content, position)
                    position = at[-1] if at else position
                    yield child.content, partial(_run, self.prose, rows, at or [position] * (len(child.content) + 1))

    @cached_property
    def words(self) -> str:
        """All visible text."""
        parts: list[str] = []
        for token in self.tokens:
            parts.extend(_said(child) for child in token.children or ())
            parts.append(token.content if token.type in {"fence", "code_block"} else "\n" if token.block else "")
        return "".join(parts)

    @cached_property
    def removed(self) -> tuple[Diagnostic, ...]:
        """Findings for what sanitizing removes from raw HTML; equal tags are parsed once."""
        found = {html: removals(html) for html in {piece.words for piece in self.raw}}
        return tuple(one.fault.at(piece.place(*one[1:])) for piece in self.raw for one in found[piece.words])

    @cached_property
    def raw(self) -> tuple[Piece, ...]:
        """The pieces of raw HTML."""
        return tuple(piece for piece in self.pieces if piece.raw)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """All pieces in reading order; the end of a block is a space. In a text without links only the headings."""
        return tuple(self._pieces())

    def _pieces(self) -> Iterator[Piece]:
        """Tokens that are neither text nor a part, such as emphasis, are left out."""
        if not _LINKING.search(self.prose.text):
            yield from (Piece(one, " ", self.prose, _line(one)) for one in self.tokens if one.type == "heading_open")
            return
        inline = {id(rows.token): rows for rows in self._inline}
        for token in self.tokens:
            if token.type == "html_block":
                yield Piece(token, token.content, self.prose, self._rows(token))
            elif token.type == "inline":
                rows = inline.get(id(token)) or _line(token)
                for child in token.children or ():
                    words = child.content if child.type == "html_inline" else _said(child)
                    if words or child.type in {"link_open", "link_close", "image"}:
                        yield Piece(child, words, self.prose, rows, child.meta["at"][0] if "at" in child.meta else 0)
            elif token.nesting != 1 or token.type in {"heading_open", "container_sponsor_open"}:
                words = f" {token.content} " if token.type in {"fence", "code_block"} else " "
                yield Piece(token, words, self.prose, _line(token))

    @cached_property
    def written(self) -> tuple[tuple[str, Callable[[int, int], Place]], ...]:
        """Each paragraph, heading or cell as written, with code and raw HTML blanked, and a function for places."""
        return tuple(self._written())

    def _written(self) -> Iterator[tuple[str, Callable[[int, int], Place]]]:
        for rows in self._inline:
            written = rows.token.content
            shown, last, code = [], 0, 0
            for child in rows.token.children or ():
                if child.type in {"code_inline", "html_inline"} and (at := child.meta.get("at")) and at[0] >= last:
                    shown += [" " * (at[0] - last) if code else written[last : at[0]], " " * (at[1] - at[0])]
                    last, code = at[1], code + opens_code(child)
            yield "".join([*shown, written[last:]]) if shown else written, partial(_place, self.prose, rows)

    @cached_property
    def _inline(self) -> tuple[_Rows, ...]:
        """Inline tokens with the places of their lines."""
        return tuple(self._placed())

    def _placed(self) -> Iterator[_Rows]:
        row = after = 0
        note = first = 0  # offset and line of the previous note ^[…]
        previous: Token | None = None
        for token in self.tokens:
            if token.type == "inline" and token.map:
                cell = previous is not None and previous.type in {"th_open", "td_open"}
                rows = self._rows(token, (after if token.map[0] == row else 0) if cell else None)
                row, after = rows.at[-1][0], rows.at[-1][1] + len(token.content) - rows.starts[-1]
                yield rows
            elif token.type == "inline" and (at := self.prose.text.find(f"^[{token.content}]", note)) >= 0:
                first += self.prose.text.count("\n", note, at)
                note = at + 2
                yield self._rows(token, None, first, note - self.prose.text.rfind("\n", 0, note) - 1)
            previous = token

    def _rows(self, token: Token, after: int | None = None, first: int | None = None, column: int = 0) -> _Rows:
        """The places of a token's lines; for a cell, searched from column ``after``; for a note, from its bracket."""
        if first is None and after is None and "\n" not in token.content:
            row = token.map[0] if token.map else 0
            written = self.prose.lines[row] if row < len(self.prose.lines) else ""
            return _Rows(token, ((row, _column(written, token.content, None)),), (0,))
        at, starts, start = [], [], 0
        for number, line in enumerate(token.content.split("\n")):
            row = number + (first if first is not None else token.map[0] if token.map else 0)
            if first is not None:
                at.append((row, 0 if number else column))
            else:
                written = self.prose.lines[row] if row < len(self.prose.lines) else ""
                at.append((row, _column(written, line, after)))
            starts.append(start)
            start += len(line) + 1
        return _Rows(token, at, starts)


def _traced(said: str, written: str, position: int) -> Sequence[int] | None:
    """Offset in ``written`` of each character of ``said``, and of the end, searched for from ``position``."""
    found = written.find(said, position, position + len(said) + _NEAR)
    if found >= 0:
        return range(found, found + len(said) + 1)
    for begin in range(position, position + _MARKS):
        at, offsets = begin, list[int]()
        while len(offsets) < len(said) and (sign := _SIGN.match(written, at)):
            shown = sign[1] or unescape(sign[0])
            if not said.startswith(shown, len(offsets)):
                break
            offsets += [at] * len(shown)
            at = sign.end()
        if len(offsets) == len(said):
            return [*offsets, at]
    return None


def _run(prose: Prose, rows: _Rows, at: Sequence[int], start: int, end: int) -> Place:
    """The place in the file of a range of text whose characters have the offsets ``at``."""
    return _place(prose, rows, at[start], at[end])


def _place(prose: Prose, rows: _Rows, start: int, end: int) -> Place:
    """The place in the file of a range of a token's lines."""
    index = bisect_right(rows.starts, start) - 1
    line, column = rows.at[index]
    column -= rows.starts[index]
    stop = rows.starts[index + 1] - 1 if index + 1 < len(rows.starts) else end
    return prose.place(line, max(column + start, 0), column + min(stop, end))


def _line(token: Token) -> _Rows:
    return _Rows(token, ((token.map[0] if token.map else 0, 0),), (0,))


def _words(children: Iterable[Token]) -> Iterator[Token]:
    """The tokens except text that is not prose: autolinks, and code in HTML elements."""
    verbatim: list[str] = []
    for child in children:
        if child.type == "link_open" and child.info == "auto":
            verbatim.append("a")
        elif child.type == "link_close" and child.info == "auto" and "a" in verbatim:
            verbatim.remove("a")
        elif child.type == "html_inline" and (tag := _VERBATIM.match(child.content)):
            name = tag["name"].lower()
            if not tag["end"]:
                verbatim.append(name)
            elif name in verbatim:
                verbatim.remove(name)
        if child.type != "text" or not verbatim:
            yield child


def _column(written: str, content: str, after: int | None) -> int:
    """The column at which an inline token's line begins: after quote and list markers, or in its cell."""
    text = content.rstrip()
    if after is None and written.rstrip().endswith(text):
        return len(written.rstrip()) - len(text)
    if after is None:  # the spaces of a tab are more than was written
        return max(written.find(text.strip()), 0) - len(text) + len(text.lstrip())
    cell = text.strip().replace("|", "\\|")
    return max(written.find(cell, after, after + len(cell) + _NEAR), after)


def _said(token: Token) -> str:
    if token.type in {"text", "code_inline"}:
        return token.content
    return "\n" if token.type in {"softbreak", "hardbreak"} else ""
