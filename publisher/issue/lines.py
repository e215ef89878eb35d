"""Prose and where each of its characters stands in the file: the end of every exact column in a Markdown body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from publisher.documents import Scalar, TextFile

Position = tuple[int, int]


class TrimmedLines(NamedTuple):
    """Text without blank lines around it.

    ``origins[i]`` is where line ``i`` begins in the file (line and column from 1). Where columns do not simply run on
    from there (folded, quoted and wrapped plain scalars), ``positions[i]`` has the place of each character of line
    ``i``
    and of its end; else it is empty.
    """

    text: str
    origins: tuple[Position, ...]
    positions: tuple[tuple[Position, ...], ...] = ()


def lines_of_file(file: TextFile, first: int, last: int) -> TrimmedLines:
    """Lines ``first`` to ``last`` (from 1, inclusive) as they stand."""
    return _trimmed(file.lines[first - 1 : last], [(number, 1) for number in range(first, last + 1)])


def lines_of_scalar(file: TextFile, scalar: Scalar) -> TrimmedLines:
    """The lines of a YAML scalar."""
    if scalar.style == "|":
        return _literal(file, scalar)
    if not scalar.style and scalar.span.line == scalar.span.end_line:
        return _trimmed([scalar.text], [(scalar.span.line, scalar.span.column)])
    places = _places(file, scalar)
    if places is None:
        here = (scalar.span.line, scalar.span.column)
        places = [here] * (len(scalar.text) + 1)
    texts, origins, positions, start = scalar.text.split("\n"), [], [], 0
    for text in texts:
        end = start + len(text)
        positions.append(tuple(places[start : end + 1]))
        origins.append(places[start])
        start = end + 1
    trimmed = _trimmed(texts, origins)
    skipped = next((i for i, text in enumerate(texts) if text.strip()), 0)
    return trimmed._replace(positions=tuple(positions[skipped : skipped + len(trimmed.origins)]))


def _trimmed(texts: Sequence[str], origins: list[Position]) -> TrimmedLines:
    first, last = 0, len(texts)
    while first < last and not texts[first].strip():
        first += 1
    while last > first and not texts[last - 1].strip():
        last -= 1
    if first == last:
        return TrimmedLines("", (origins[0] if origins else (1, 1),))
    return TrimmedLines("\n".join(texts[first:last]), tuple(origins[first:last]))


def _literal(file: TextFile, scalar: Scalar) -> TrimmedLines:
    """``|``: each line of the text is one of the file, after the same indentation."""
    texts = scalar.text.split("\n")
    source = file.lines
    origins = []
    for offset, text in enumerate(texts, scalar.span.line):
        written = source[offset] if offset < len(source) else ""
        indent = len(written) - len(text) if text else 0
        origins.append((offset + 1, max(indent, 0) + 1))
    return _trimmed(texts, origins)


def _places(file: TextFile, scalar: Scalar) -> list[Position] | None:
    """The place of each character and of the end, or ``None`` where the text cannot be traced."""
    if scalar.style == ">":
        return _folded(file, scalar)
    characters = list(_flow(file, scalar))
    traced = "".join(text for text, _ in characters)
    if traced != scalar.text:
        return None
    places = [place for text, place in characters for _ in text]
    end = (scalar.span.end_line, scalar.span.end_column - (1 if scalar.style else 0))
    return [*places, end]


def _flow(file: TextFile, scalar: Scalar) -> Iterator[tuple[str, Position]]:
    """The characters of a plain or quoted scalar, each with its place; YAML 1.2, 7.3."""
    span, quote = scalar.span, scalar.style
    breaks: list[Position] = []
    escaped = False
    for number in range(span.line, span.end_line + 1):
        line = file.lines[number - 1]
        start = span.column - 1 + len(quote) if number == span.line else len(line) - len(line.lstrip(" \t"))
        end = span.end_column - 1 - len(quote) if number == span.end_line else len(line)
        inner = line[:end] if number == span.end_line else line[:end].rstrip(" \t")
        continued = quote == '"' and number != span.end_line and _escapes_break(inner[start:])
        if continued:
            inner = inner[:-1]
        if number > span.line:
            if start >= len(inner) and number != span.end_line:
                breaks.append((number, 1))
                continue
            # After an escaped break nothing joins, and each empty line is one.
            yield from [("\n", place) for place in breaks] if escaped else _joined(breaks)
        yield from _characters(inner, start, number, quote)
        breaks, escaped = [] if continued else [(number, len(inner) + 1)], continued


def _escapes_break(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _joined(breaks: list[Position]) -> Iterator[tuple[str, Position]]:
    """What line breaks become: one a space, more all but the first."""
    if len(breaks) == 1:
        yield " ", breaks[0]
    for place in breaks[1:]:
        yield "\n", place


_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
}
_ESCAPES |= {" ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"}
_CODES = {"x": 2, "u": 4, "U": 8}


def _characters(line: str, start: int, number: int, quote: str) -> Iterator[tuple[str, Position]]:
    column = start
    while column < len(line):
        character, width = line[column], 1
        if quote == "'" and line[column : column + 2] == "''":
            width = 2
        elif quote == '"' and character == "\\":
            sign = line[column + 1 : column + 2]
            width = 2 + _CODES.get(sign, 0)
            digits = line[column + 2 : column + width]
            character = chr(int(digits, 16)) if digits else _ESCAPES.get(sign, "")
        yield character, (number, column + 1)
        column += width


def _folded(file: TextFile, scalar: Scalar) -> list[Position] | None:
    """``>``: lines are joined by spaces. The indentation is whichever yields the text that YAML read."""
    span = scalar.span
    lines = file.lines[span.line : span.end_line - (span.end_column == 1)]
    leading = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    for indent in sorted({leading[0], *range(min(*leading, 80) + 1)}, reverse=True) if leading else ():
        characters = _fold(lines, indent, span.line + 1)
        text = "".join(character for character, _ in characters)
        if text.rstrip("\n") == scalar.text.rstrip("\n"):
            places = [place for _, place in characters]
            end = (span.line + len(lines), 1)
            return (places + [end] * (len(scalar.text) + 1))[: len(scalar.text) + 1]
    return None


def _fold(lines: Sequence[str], indent: int, first: int) -> list[tuple[str, Position]]:
    """Fold as YAML 1.2, 8.1.3: breaks around more-indented lines stay."""
    result: list[tuple[str, Position]] = []
    breaks: list[Position] = []
    before_more = False
    for number, line in enumerate(lines, first):
        content = line[indent:]
        if not content.strip(" ") and len(line.rstrip(" ")) <= indent:
            breaks.append((number, 1))
            continue
        more = content[:1] in {" ", "\t"}
        if result and not before_more and not more:
            result += _joined(breaks)
        else:
            result += [("\n", place) for place in breaks]
        result += [(character, (number, indent + column + 1)) for column, character in enumerate(content)]
        breaks = [(number, len(line) + 1)]
        before_more = more
    return [*result, *(("\n", place) for place in breaks)]
