"""Prose with the position of each character in its file, so that findings about Markdown have exact columns."""

import re
from collections.abc import Sequence

from publisher.documents import Scalar, TextFile, parse_yaml
from publisher.issue.markdown.cjk import joins
from publisher.issue.model import Prose

Position = tuple[int, int]
_FIRST = 0x10000
"""The first of the characters that stand for places; YAML allows all up to U+10FFFF, more than a file may have."""
_WRITTEN = {'"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.)|[^\\]"), "'": re.compile(r"''|[^']")}
"""What is written for one character of a text, by the quote around it; outside quotes any character."""
_ANY = re.compile(".")


def lines_of_file(file: TextFile, first: int, last: int) -> Prose:
    """Return lines ``first`` to ``last`` (from 1, inclusive) as prose, without leading and trailing blank lines."""
    return _trimmed(file.path, file.lines[first - 1 : last], [(number, 1) for number in range(first, last + 1)])


def lines_of_scalar(file: TextFile, scalar: Scalar) -> Prose:
    """Return a YAML scalar as prose, without leading and trailing blank lines."""
    here = (scalar.span.line, scalar.span.column)
    if scalar.style == "|":
        return _literal(file, scalar)
    if not scalar.style and scalar.span.line == scalar.span.end_line:
        return _trimmed(file.path, [scalar.text], [here])
    whole, places = _unfolded(file, scalar, _places(file, scalar) or [here] * (len(scalar.text) + 1))
    texts, origins, positions, start = whole.split("\n"), [], [], 0
    for text in texts:
        end = start + len(text)
        positions.append(tuple(places[start : end + 1]))
        origins.append(places[start])
        start = end + 1
    return _trimmed(file.path, texts, origins, positions)


def text_of_scalar(file: TextFile, scalar: Scalar) -> str:
    """Return the text of a scalar, with CJK lines joined without spaces."""
    folds = scalar.style != "|" and scalar.span.end_line > scalar.span.line
    return _unfolded(file, scalar, _places(file, scalar) or [])[0] if folds else scalar.text


def _unfolded(file: TextFile, scalar: Scalar, places: list[Position]) -> tuple[str, list[Position]]:
    """Text and places without the spaces to which YAML folded a line break between two characters that join."""
    text, lines = scalar.text, file.lines

    def is_fold(blank: int) -> bool:
        (line, column), after = places[blank : blank + 2]
        written = lines[line - 1].rstrip(" \t")
        return after[0] > line and column > len(written) and joins(text[blank - 1], text[blank + 1])

    folds = {n for n in range(1, len(text) - 1) if places and text[n] == " " and is_fold(n)}
    if not folds:
        return text, places
    kept = [n for n in range(len(text)) if n not in folds]
    return "".join(text[n] for n in kept), [places[n] for n in (*kept, len(text))]


def _trimmed(
    path: str, texts: Sequence[str], origins: list[Position], positions: Sequence[tuple[Position, ...]] = ()
) -> Prose:
    seen = [number for number, text in enumerate(texts) if text.strip()]
    kept = slice(seen[0], seen[-1] + 1) if seen else slice(1)
    text = "\n".join(texts[kept]) if seen else ""
    return Prose(text, path, tuple(origins[kept]) or ((1, 1),), tuple(positions[kept]))


def _literal(file: TextFile, scalar: Scalar) -> Prose:
    """Prose of a ``|`` scalar: each of its lines is a line of the file without the indentation."""
    texts, origins = scalar.text.split("\n"), []
    for number, text in enumerate(texts, scalar.span.line + 1):
        written = file.lines[number - 1] if number <= len(file.lines) else ""
        origins.append((number, max(len(written) - len(text), 0) + 1 if text else 1))
    return _trimmed(file.path, texts, origins)


def _places(file: TextFile, scalar: Scalar) -> list[Position] | None:
    """The place of each character and of the end, or ``None`` if they cannot be determined.

    Whatever is written for one character is replaced by a character that stands for its place, and the scalar is parsed
    again. All others in the result are folded line breaks, or blanks with which a line of a ``>`` scalar begins.
    """
    span, style, lines = scalar.span, scalar.style, file.lines
    block = style == ">"
    marked: list[str] = []
    known: list[Position] = []

    def mark(text: str, number: int, column: int) -> str:
        def sign(found: re.Match[str]) -> str:
            known.append((number, column + found.start()))
            return chr(_FIRST + len(known) - 1)

        return _WRITTEN.get(style, _ANY).sub(sign, text)

    indent = _indent(lines[span.line :], scalar.text) if block else 0
    last = span.end_line - (block and span.end_column == 1)
    if block:
        chomps = lines[span.line - 1][span.column - 1 :].partition("#")[0]
        marked.append(">1" + "".join(sign for sign in chomps if sign in "+-"))
        for number in range(span.line + 1, last + 1):
            text = lines[number - 1][indent:]
            blank = text[:1] if text[:1] in {" ", "\t"} else ""
            marked.append(f" {blank}{mark(text[len(blank) :], number, indent + len(blank) + 1)}" if text else "")
    else:
        for number in range(span.line, last + 1):
            start = span.column - 1 + len(style) if number == span.line else 0
            text = lines[number - 1][start : span.end_column - 1 - len(style) if number == last else None]
            inner = text.lstrip(" \t") if number > span.line else text
            inner = inner.rstrip(" \t") if number < last else inner
            at = text.find(inner)
            marked.append(text[:at] + mark(inner, number, start + at + 1) + text[at + len(inner) :])
        marked = [style + "\n".join(marked) + style]
    node = parse_yaml(TextFile("", "\n".join(marked)))[0]
    if not isinstance(node, Scalar) or len(node.text) != len(scalar.text):
        return None
    places: list[Position] = []
    line, breaks = span.line, int(block)  # the last line that a character is from, and the line breaks after it

    def at_break() -> Position:
        written = lines[line - 1] if block else lines[line - 1].rstrip(" \t")
        return (line + breaks, 1) if breaks else (line, len(written) + 1)

    for sign in node.text:
        if ord(sign) >= _FIRST:
            places.append(known[ord(sign) - _FIRST])
            line, breaks = places[-1][0], 0
        elif breaks and sign != "\n":
            places.append((line + breaks, indent + 1))
            line, breaks = line + breaks, 0
        else:
            places.append(at_break())
            breaks += 1
    return [*places, at_break() if block else (span.end_line, span.end_column - len(style))]


def _indent(lines: Sequence[str], text: str) -> int:
    """The indentation of a ``>`` scalar: its first line has as many blanks more in the file as in the text."""
    written, said = (next((line for line in some if line.strip()), "") for some in (lines, text.split("\n")))
    return len(written) - len(written.lstrip(" ")) - (len(said) - len(said.lstrip(" ")))
