"""CSV files as they occur: UTF-16 from Excel, legacy Windows encodings, byte order marks, semicolons, tabs.

The file is read in constant memory: once to detect its format, then any number of times by :meth:`CsvFile.rows`.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, tee
from pathlib import Path

from publisher.audience.own import SIGNS
from publisher.config.values import composed
from publisher.diagnostics import either, say
from publisher.documents.encodings import readings
from publisher.errors import UsageError, refusal

CHUNK = 1 << 20
DELIMITERS = ",;\t|"
csv.field_size_limit(1 << 20)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")
"""How .xlsx, .ods and .zip, .gz, and .xls begin."""


class RowError(Exception):
    """Line beyond which the file cannot be read, or an invalid row; the message gives the reason."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class CsvFile:
    """CSV file with its detected format."""

    path: Path
    digest: str
    """SHA-256 of the bytes, hexadecimal."""
    size: int
    encoding: str
    delimiter: str
    preamble: bool
    """Whether the first line is Excel's ``sep=;``."""

    @classmethod
    def open(cls, path: Path, encoding: str | None = None) -> CsvFile:
        """Detect encoding, delimiter and digest; ``encoding`` overrides the detection. Raises UsageError."""
        with refusal(say("{path} cannot be read", path=path), say("name a CSV file")):
            digest, size, sample, is_utf8 = _survey(path)
        if not path.is_file():
            advice = say("save it in a file first")
            raise UsageError(
                say("{path} is a pipe, and an import reads its file more than once", path=path), help=advice
            )
        if sample.startswith(PACKED):
            way = say("unpack it, or save the spreadsheet as CSV")
            raise UsageError(say("{path} is a spreadsheet or an archive, not a CSV file", path=path), help=way)
        chosen = encoding or _encoding(path, sample, is_utf8)
        try:
            first = sample.decode(chosen, "replace").split("\n", 1)[0].strip().removeprefix("\ufeff")
        except (LookupError, UnicodeError):
            advice = say("write utf-8, gb18030 or cp1252")
            raise UsageError(say("there is no encoding {encoding!r}", encoding=encoding), help=advice) from None
        if first.lower().startswith("sep=") and len(first) == 5:
            return cls(path, digest, size, chosen, first[4], preamble=True)
        return cls(path, digest, size, chosen, _delimiter(first), preamble=False)

    def rows(self, progress: Callable[[int], None] = lambda _: None) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the number of its first line, counted from 1; blank lines are skipped.

        ``progress`` is called with the number of bytes read so far. Raises RowError if the rest cannot be read.
        """
        with self.path.open("rb", CHUNK) as raw:  # large buffer, because each read releases the GIL
            # ``again`` yields the lines of the current record once more.
            text, again = tee(io.TextIOWrapper(raw, encoding=self.encoding, errors="strict", newline=""))
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            line, width = 1, None
            try:
                for number, row in enumerate(reader):
                    taken = list(islice(again, reader.line_num - line + 1)) if reader.line_num > line else [next(again)]
                    if width is None and not (self.preamble and number == 0):
                        width = 0 if set(row) >= SIGNS else len(row)  # our own export always closes its quotes
                    if width and len(taken) > 1 and self._swallowed(row, taken, width):
                        raise RowError(_opening(taken, line, self.delimiter), _UNCLOSED)
                    if any(row) and not (self.preamble and number == 0):
                        yield line, row if "".join(row).isascii() else [composed(cell) for cell in row]
                    line = reader.line_num + 1
                    if number % 1000 == 0:
                        progress(raw.tell())
            except UnicodeError:
                told = say("there are bytes here that are not {encoding}", encoding=self.encoding)
                message = say("{told}; name the file's own with --encoding", told=told)
                raise RowError(_undecodable(self.path, self.encoding), message) from None
            except csv.Error as error:
                opened = _opening(list(islice(again, reader.line_num - line + 1)), line, self.delimiter)
                message = _UNCLOSED if opened else say("the line is not CSV: {error}", error=error)
                raise RowError(opened or line, message) from None
        progress(self.size)

    def _swallowed(self, row: list[str], taken: list[str], width: int) -> bool:
        """Whether a quoted value contains a whole row of the file, recognised by an address in the same column."""
        column = next((index for index, cell in enumerate(row) if _ADDRESS.fullmatch(cell.strip())), None)
        if column is None or width < 2:
            return False
        inner = (next(csv.reader([text], delimiter=self.delimiter), []) for text in taken[1:])
        return any(len(cells) == width and _ADDRESS.fullmatch(cells[column].strip()) for cells in inner)


_UNCLOSED = say("a quote is opened here and not closed, or a quote inside the value is not doubled")
_ADDRESS = re.compile(r"[^\s@,;|]+@[^\s@,;|]+\.[^\s@,;|.]+")


def _opening(lines: Sequence[str], line: int, delimiter: str) -> int:
    """Return the line of the last quote that opens a value, or 0; ``line`` is the number of the first of ``lines``."""
    opened, quoted, start, ended = 0, False, True, False
    for number, text in enumerate(lines, line):
        for character in text:
            if character == '"' and (quoted or start or ended):  # a quote right after a closing one is a doubled quote
                opened = number if start else opened
                quoted, ended = not quoted, quoted
            else:
                ended = False
            start = not quoted and character in (delimiter, "\r", "\n")
    return opened


def _undecodable(path: Path, encoding: str) -> int:
    """Return the line of the first bytes that do not decode: the text layer, which reads blocks, cannot tell."""
    line, decoder = 1, codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            for part in file:
                line += decoder.decode(part).count("\n")
        except UnicodeDecodeError as error:  # the rest of a UTF-16 line end may precede the error
            line += error.object[: error.start].decode(encoding, "replace").count("\n")
    return line


def _survey(path: Path) -> tuple[str, int, bytes, bool]:
    """Return the digest, the size, a sample for the detection of the encoding, and whether the whole file is UTF-8."""
    sha, size, sample, is_utf8 = hashlib.sha256(), 0, b"", True
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            sha.update(chunk)
            size += len(chunk)
            sample = sample or chunk
            if is_utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
                    if sample.isascii():
                        whole = chunk[chunk.find(b"\n") + 1 : chunk.rfind(b"\n") + 1] or chunk
                        sample = sample[: sample.find(b"\n") + 1] + whole
    return sha.hexdigest(), size, sample, is_utf8


def _encoding(path: Path, sample: bytes, is_utf8: bool) -> str:
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    head = sample[:4096]
    if head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    if head[0::2].count(0) > len(head) // 4:
        return "utf-16-be"
    if is_utf8:
        return "utf-8"
    likely = readings(sample)
    if len(likely) == 1:
        return likely[0]
    told = say("and may be {names}", names=either(likely[:4])) if likely else say("and it is not clear what else it is")
    way = say("say which with --encoding NAME, or save the file as UTF-8")
    raise UsageError(say("{path} is not UTF-8, {told}; nothing was imported", path=path, told=told), help=way)


def _delimiter(header: str) -> str:
    outside = "".join(header.split('"')[0::2])
    return max(DELIMITERS, key=lambda mark: (outside.count(mark), -DELIMITERS.index(mark)))
