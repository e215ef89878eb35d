"""Prose with the position of each character in its file, so that findings about Markdown have exact columns."""

from collections.abc import Iterator, Sequence

from yaml.scanner import Scanner

from publisher.documents import Scalar, TextFile
from publisher.issue.markdown.cjk import joins
from publisher.issue.model import Prose

Position = tuple[int, int]


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
    """The place of each character and of the end, or ``None`` if they cannot be determined."""
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
    """Yield the characters of a plain or quoted scalar with their places (YAML 1.2, 7.3)."""
    span, quote = scalar.span, scalar.style
    breaks: list[Position] = []
    escaped = False
    for number in range(span.line, span.end_line + 1):
        line = file.lines[number - 1]
        start = span.column - 1 + len(quote) if number == span.line else len(line) - len(line.lstrip(" \t"))
        end = span.end_column - 1 - len(quote) if number == span.end_line else len(line)
        inner = line[:end] if number == span.end_line else line[:end].rstrip(" \t")
        tail = inner[start:]
        continued = quote == '"' and number != span.end_line and (len(tail) - len(tail.rstrip("\\"))) % 2 == 1
        if continued:
            inner = inner[:-1]
        if number > span.line:
            if start >= len(inner) and number != span.end_line and not continued:
                breaks.append((number, 1))
                continue
            # After an escaped line break there is no folding: each empty line is a line break.
            yield from [("\n", place) for place in breaks] if escaped else _joined(breaks)
        yield from _characters(inner, start, number, quote)
        breaks, escaped = [] if continued else [(number, len(inner) + 1)], continued


def _joined(breaks: list[Position]) -> Iterator[tuple[str, Position]]:
    """Fold line breaks: one becomes a space; of several, the last is dropped."""
    if len(breaks) == 1:
        yield " ", breaks[0]
    for place in breaks[:-1]:
        yield "\n", place


def _characters(line: str, start: int, number: int, quote: str) -> Iterator[tuple[str, Position]]:
    column = start
    while column < len(line):
        character, width = line[column], 1
        if quote == "'" and line[column : column + 2] == "''":
            width = 2
        elif quote == '"' and character == "\\":
            sign = line[column + 1 : column + 2]
            width = 2 + Scanner.ESCAPE_CODES.get(sign, 0)
            digits = line[column + 2 : column + width]
            character = chr(int(digits, 16)) if digits else Scanner.ESCAPE_REPLACEMENTS.get(sign, "")
        yield character, (number, column + 1)
        column += width


def _folded(file: TextFile, scalar: Scalar) -> list[Position] | None:
    """Places of a ``>`` scalar. Indentations are tried until one yields the text that the YAML parser returned."""
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
    """Fold lines (YAML 1.2, 8.1.3): line breaks around more-indented lines are kept."""
    result: list[tuple[str, Position]] = []
    breaks: list[Position] = []
    before_more = False
    for number, line in enumerate(lines, first):
        content = line[indent:]
        if not content:  # a line with more spaces is more indented
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
