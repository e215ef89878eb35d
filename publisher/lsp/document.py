"""A document as an editor holds it. Our positions count code points from 1, those of the protocol code units from 0
(LSP 3.17, *Position*: UTF-16 unless the client asks for another encoding).
"""

import difflib
import re
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from publisher.checks.fixes import alike
from publisher.diagnostics import Span
from publisher.documents import TextFile

_LINE_END = re.compile("\r\n|\n|\r")
_LONE = re.compile("[\ud800-\udfff]")  # lone surrogates, possible in JSON but not in a file
_UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def path_of(uri: str) -> Path | None:
    """The absolute path of a ``file:`` URL, as the client writes it; None for other URLs."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    path = Path(unquote(parts.path))
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not path.is_absolute() or "\0" in str(path):
        return None
    return path


@dataclass(frozen=True)
class Document:
    """Text with the encoding in which its columns are counted; ``version`` if an editor has it open."""

    uri: str
    text: str
    encoding: str = "utf-16"
    version: int | None = None

    @cached_property
    def file(self) -> TextFile:
        """The text with its lines, as the parsers of files need it."""
        return TextFile("", _LONE.sub("\ufffd", _LINE_END.sub("\n", self.text)))

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines without line breaks."""
        return self.file.lines

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]

    def place(self, position: types.Position) -> tuple[int, int]:
        """Line and column, from 1; positions beyond the text are moved to its end."""
        number = min(position.line, len(self.lines) - 1)
        line = self.lines[number]
        if position.line > number:
            return number + 1, len(line) + 1
        codec, size = _UNITS[self.encoding]
        before = line.encode(codec, "surrogatepass")[: position.character * size].decode(codec, "ignore")
        return number + 1, len(before) + 1

    def offset(self, position: types.Position) -> int:
        """The index in the text."""
        line, column = self.place(position)
        return self._starts[line - 1] + column - 1

    def position(self, line: int, column: int) -> types.Position:
        """The protocol's position of a line and a column from 1."""
        if line > len(self.lines):
            line, column = len(self.lines), len(self.lines[-1]) + 1
        before = self.lines[line - 1][: column - 1]
        codec, size = _UNITS[self.encoding]
        units = len(before) if before.isascii() else len(before.encode(codec, "surrogatepass")) // size
        return types.Position(line - 1, units)

    def range(self, span: Span) -> types.Range:
        """The protocol's range of a span."""
        return types.Range(self.position(span.line, span.column), self.position(span.end_line, span.end_column))

    def inside(self, span: Span, position: types.Position) -> bool:
        """Whether the cursor is in the span or at its end."""
        return span[:2] <= self.place(position) <= span[2:]

    def edited(self, change: types.TextDocumentContentChangeEvent, version: int | None) -> Self:
        """Return the document after one change."""
        text = change.text
        if isinstance(change, types.TextDocumentContentChangePartial):
            start, end = self.offset(change.range.start), self.offset(change.range.end)
            text = self.text[:start] + change.text + self.text[max(start, end) :]
        return replace(self, text=text, version=version)

    def edits_to(self, after: str) -> list[types.TextEdit]:
        """The smallest edits, line by line, that turn the text into ``after``."""
        old, new = (re.split("(?<=\n)|(?<=\r)(?!\n)", text) for text in (self.text, after))
        edits = []
        changed: Iterable[tuple[str, int, int, int, int]]
        if len(old) == len(new):
            differ = (n for n, pair in enumerate(zip(old, new, strict=True)) if len({*pair}) > 1)
            changed = (("replace", n, n + 1, n, n + 1) for n in differ)
        else:
            changed = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        offsets = [0, *accumulate(map(len, old))]
        for tag, a, b, c, d in changed:
            if tag != "equal":
                before, right = "".join(old[a:b]), "".join(new[c:d])
                same, rest = alike(before, right)
                place = self._between(offsets[a] + same, offsets[a] + len(before) - rest)
                edits.append(types.TextEdit(place, right[same : len(right) - rest]))
        return edits

    def _between(self, start: int, end: int) -> types.Range:
        lines = ((bisect(self._starts, offset), offset) for offset in (start, end))
        return types.Range(*(self.position(line, offset - self._starts[line - 1] + 1) for line, offset in lines))
