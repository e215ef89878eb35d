"""Decoding of text files: UTF-8 only, with or without byte order mark, lines ended by LF, CRLF or CR."""

import os
import re
import stat
import unicodedata
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, Span, counted, define, either, say
from publisher.diagnostics.sentences import SYSTEM
from publisher.documents.encodings import ENCODINGS, mojibake_finding, mojibake_of, readings

MAX_BYTES = 1_000_000
"""Size limit: no file of prose is larger, and parsing a larger one by mistake would take long."""

_MOSTLY = 16_384  # bytes; nearly every file fits
_MOST_CONTROLS = 20
# Characters that YAML's reader rejects, that Markdown treats as whitespace or line end although editors do not show
# them as such, or that a terminal interprets.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]+")

_OTHER_KINDS = {
    b"PK\x03\x04": say("a Word document or another archive"), b"\xd0\xcf\x11\xe0": say("a Word document"),
    b"%PDF-": say("a PDF"), b"{\\rtf": say("a rich-text document"),
    **dict.fromkeys((b"\x89PNG", b"\xff\xd8\xff", b"GIF8"), say("a picture")),
}  # fmt: skip
_MAGIC = re.compile(b"|".join(map(re.escape, _OTHER_KINDS)))
_THE_FILE, _MAKE_READABLE, _DELETE = say("the file"), say("make it readable, or remove it"), say("delete it")
UNREADABLE = define("file-unreadable", Severity.ERROR, fixed=True)
TOO_LARGE = define("file-too-large", Severity.ERROR, fixed=True)
NOT_UTF8 = define("invalid-utf8", Severity.ERROR, fixed=True)
CONTROL = define("control-character", Severity.ERROR, fixed=True)


shadows: ContextVar[Mapping[str, bytes]] = ContextVar("shadows", default=MappingProxyType({}))
"""Unsaved content of files that are open in an editor, by ``root/path``: read instead of the file on disk."""


@dataclass(frozen=True)
class TextFile:
    r"""Text of a file, with ``\n`` as line end. ``path`` is relative to the root, with ``/``."""

    path: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines, without line ends."""
        return tuple(self.text.split("\n"))


def read_text(root: Path, path: str) -> tuple[TextFile | None, list[Diagnostic]]:
    """Read ``root / path``. The file is None if it cannot be read or decoded; the findings state why."""
    whole = f"{root}/{path}"
    if (held := shadows.get().get(whole)) is not None:
        return decode(path, held)
    try:
        # Non-blocking: opening a FIFO without a writer would wait indefinitely.
        with os.fdopen(os.open(whole, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return None, [unreadable(path, OSError(0, say("it is not a plain file")))]
            content = stream.read(_MOSTLY)  # allocating a buffer of MAX_BYTES would cost more than the reading
            content += stream.read(MAX_BYTES + 1 - _MOSTLY) if len(content) == _MOSTLY else b""
    except OSError as error:
        return None, [unreadable(path, error)]
    return decode(path, content)


def unreadable(path: str, error: OSError, what: Sentence = _THE_FILE, advice: Sentence = _MAKE_READABLE) -> Diagnostic:
    """Return the finding for a file that the operating system cannot read."""
    reason = error.strerror or type(error).__name__
    reason = reason if isinstance(reason, Sentence) else SYSTEM.get(reason.lower(), reason.lower())
    return UNREADABLE.at(Place(path), say("{what} cannot be read: {reason}", what=what, reason=reason), help=advice)


def decode(path: str, content: bytes) -> tuple[TextFile | None, list[Diagnostic]]:
    """Decode the bytes of a file. Invisible characters are replaced one by one, so that columns stay correct."""
    if len(content) > MAX_BYTES:
        message = say("the file is larger than {most:,} bytes", most=MAX_BYTES)
        return None, [TOO_LARGE.at(Place(path), message, help=say("split or shorten it"))]
    if magic := _MAGIC.match(content):
        message = say("the file is {kind}, not text", kind=_OTHER_KINDS[magic[0]])
        advice = say("copy its words into a plain text file, saved as UTF-8")
        return None, [NOT_UTF8.at(Place(path), message, help=advice)]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, [NOT_UTF8.at(Place(path), say("the file is UTF-16"), help=say("save it as UTF-8"))]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, [_not_utf8(path, content, error)]
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        nul = text.index("\0")
        message = say("the file holds a NUL character: it is not a text file, or is UTF-16")
        return None, [CONTROL.at(_place(path, text, nul, nul + 1), message, help=say("save it as UTF-8 text"))]
    findings = [] if text.replace("\n", "").isprintable() else _controls(path, text)
    return TextFile(path, _CONTROL.sub(lambda match: "\ufffc" * len(match[0]), text) if findings else text), findings


def _not_utf8(path: str, content: bytes, error: UnicodeDecodeError) -> Diagnostic:
    before = content[: error.start].decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    place = _place(path, before + "?", len(before), len(before) + 1)
    likely = [ENCODINGS[name] for name in readings(content)]
    message = say("the file is not UTF-8: byte 0x{byte:02X} does not belong here", byte=content[error.start])
    advice = say("save it as UTF-8")
    if likely:
        message = say("the file is not UTF-8: it looks like {encodings}", encodings=either(likely[:3]))
    if len(likely) == 1:
        advice = say("open it as {encoding}, and save it as UTF-8", encoding=likely[0].split(" ")[0])
    return NOT_UTF8.at(place, message, help=advice)


def _controls(path: str, text: str) -> list[Diagnostic]:
    matches = list(_CONTROL.finditer(text))
    spoiled = list(mojibake_of(text)) if any("\x80" <= match[0] <= "\x9f" for match in matches) else []
    findings: dict[tuple[int, int], Diagnostic] = {}
    for index, match in enumerate(matches[:_MOST_CONTROLS]):
        character, span, more = match[0][0], match.span(), len(matches) - _MOST_CONTROLS
        message, advice = told_invisible(character), _DELETE
        for start, end, right in spoiled:
            if right and start <= match.start() < end:
                span, (message, advice) = (start, end), mojibake_finding(text[start:end], right)
        if more > 0 and index == _MOST_CONTROLS - 1:
            message = counted("{first} (and {n} more place)", "{first} (and {n} more places)", more, first=message)
        findings[span] = CONTROL.at(_place(path, text, *span), message, help=advice)
    return list(findings.values())


def told_invisible(character: str) -> Sentence:
    """The sentence about an invisible character."""
    name = unicodedata.name(character, "control character").lower()
    return say("the text holds an invisible U+{point} ({name})", point=f"{ord(character):04X}", name=name)


def _place(path: str, text: str, start: int, end: int) -> Place:
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    return Place(path, Span(line, column, line, column + end - start))
