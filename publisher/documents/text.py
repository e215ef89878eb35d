"""Bytes become text: UTF-8 only, with or without a byte order mark, lines ended by LF, CRLF or CR."""

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

from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, Span, define, either, say
from publisher.diagnostics.sentences import SYSTEM
from publisher.documents.encodings import ENCODINGS, misread, readings, told_misread

MAX_BYTES = 1_000_000
"""No file of words is larger; a larger one is a mistake, and parsing it would make everybody wait."""

_MOSTLY = 16_384  # bytes
_MOST_CONTROLS = 20
# What YAML's reader refuses, what Markdown calls whitespace or a line end although no editor shows it as one, and bytes
# that a terminal would act upon.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]+")

_OTHER_KINDS = {
    b"PK\x03\x04": say("a Word document or another archive"), b"\xd0\xcf\x11\xe0": say("a Word document"),
    b"%PDF-": say("a PDF"), b"{\\rtf": say("a rich-text document"),
    **dict.fromkeys((b"\x89PNG", b"\xff\xd8\xff", b"GIF8"), say("a picture")),
}  # fmt: skip
_MAGIC = re.compile(b"|".join(map(re.escape, _OTHER_KINDS)))
_THE_FILE, _MAKE_READABLE = say("the file"), say("make it readable, or remove it")
UNREADABLE = define("file-unreadable", Severity.ERROR, fixed=True)
TOO_LARGE = define("file-too-large", Severity.ERROR, fixed=True)
NOT_UTF8 = define("invalid-utf8", Severity.ERROR, fixed=True)
CONTROL = define("control-character", Severity.ERROR, fixed=True)


shadows: ContextVar[Mapping[str, bytes]] = ContextVar("shadows", default=MappingProxyType({}))
"""What an editor holds of files and has not saved, by ``root/path``: read in place of what the disk has."""


@dataclass(frozen=True)
class TextFile:
    """The text of one file, its lines ended by ``\\n``. ``path`` is relative to the root, with ``/``."""

    path: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines, without their ends."""
        return tuple(self.text.split("\n"))


def read_text(root: Path, path: str) -> tuple[TextFile | None, list[Diagnostic]]:
    """Read ``root / path``. There is no file where nothing sensible can be read on."""
    whole = f"{root}/{path}"
    if (held := shadows.get().get(whole)) is not None:
        return decode(path, held)
    try:
        # Without waiting: a fifo has nobody who writes into it.
        with os.fdopen(os.open(whole, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return None, [unreadable(path, OSError(0, say("it is no plain file")))]
            content = stream.read(_MOSTLY)  # room for all that may be read costs more than the reading
            content += stream.read(MAX_BYTES + 1 - _MOSTLY) if len(content) == _MOSTLY else b""
    except OSError as error:
        return None, [unreadable(path, error)]
    return decode(path, content)


def unreadable(path: str, error: OSError, what: Sentence = _THE_FILE, advice: Sentence = _MAKE_READABLE) -> Diagnostic:
    """The finding for what the disk refuses."""
    reason = error.strerror or type(error).__name__
    reason = reason if isinstance(reason, Sentence) else SYSTEM.get(reason.lower(), reason.lower())
    return UNREADABLE.at(Place(path), say("{what} cannot be read: {reason}", what=what, reason=reason), help=advice)


def decode(path: str, content: bytes) -> tuple[TextFile | None, list[Diagnostic]]:
    """Decode the bytes of one file. Invisible characters are replaced one for one, so that every column stays true."""
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
    spoiled = list(misread(text)) if any("\x80" <= match[0] <= "\x9f" for match in matches) else []
    findings: dict[tuple[int, int], Diagnostic] = {}
    for index, match in enumerate(matches[:_MOST_CONTROLS]):
        character, span, more = match[0][0], match.span(), len(matches) - _MOST_CONTROLS
        name = unicodedata.name(character, "control character").lower()
        message = say("the text holds an invisible U+{point} ({name})", point=f"{ord(character):04X}", name=name)
        advice = say("delete it")
        for start, end, right in spoiled:
            if right and start <= match.start() < end:
                span, (message, advice) = (start, end), told_misread(text[start:end], right)
        if more > 0 and index == _MOST_CONTROLS - 1:
            message = say("{first} (and {more} more places)", first=message, more=more)
        findings[span] = CONTROL.at(_place(path, text, *span), message, help=advice)
    return list(findings.values())


def _place(path: str, text: str, start: int, end: int) -> Place:
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    return Place(path, Span(line, column, line, column + end - start))
