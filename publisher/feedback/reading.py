"""Read JSON values from a file of events (one per line, concatenated, an array, or pretty-printed), and messages
from a mailbox (an mbox, a Maildir, a folder of messages, or one message).

Objects listed by another one are read one by one: the messages of ``aws sqs receive-message``, the events of ``aws logs
filter-log-events``, the records of Lambda, Firehose and Kinesis, the bounces of Postmark. The time before an object, as
CloudWatch exports it, is skipped. Gzip and UTF-16 (PowerShell's ``>``) are supported. Text that is not JSON is reported
with its line, and reading continues at the next line. Memory is bounded: no value may be longer than :data:`LONGEST`.
"""

import base64
import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import IO, Any, cast

from publisher.diagnostics import say
from publisher.feedback.reports import LARGEST
from publisher.providers import is_event
from publisher.providers.events import EventError

LONGEST = 1_000_000  # characters per value: four times the maximum of SNS

_BETWEEN = " \t\r\n,[]\ufeff\x1e"  # event arrays need not be parsed as arrays; \x1e is the record separator of RFC 7464
_STRING = re.compile(r'"(?s:[^"\\]|\\.)*+(?:"|(\\?\Z))')  # possessive: an unterminated string is scanned once
_HEADER = re.compile(rb"From |[A-Za-z][A-Za-z0-9-]*:[ \t\r\n]")
_SURROGATE = re.compile("[\ud800-\udfff]")  # bytes that are not UTF-8, after decoding with surrogateescape
_DECODER = json.JSONDecoder()
_GZIP = b"\x1f\x8b"
_CARRIERS = ("Body", "body", "Sns", "message", "data", "Data")  # keys of an event in a message or record of AWS


class Unpacked(io.RawIOBase):
    """The content of a gzip stream as far as it can be read; then ``broken`` tells whether it ended too early."""

    def __init__(self, packed: IO[bytes]) -> None:
        """``packed``: the compressed bytes, one or more members."""
        self._gzip = gzip.GzipFile(fileobj=packed)
        self.broken = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read at most as many bytes as ``buffer`` has; return how many, 0 at the end."""
        try:
            data = b"" if self.broken else self._gzip.read1(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.broken, data = True, b""
        buffer[: len(data)] = data
        return len(data)


def unpacked(stream: IO[bytes]) -> io.BufferedReader:
    """Return the stream with ``peek``; if it is gzip, of its content (:class:`Unpacked`)."""
    plain = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
    return io.BufferedReader(Unpacked(plain)) if plain.peek(2).startswith(_GZIP) else plain


def _pieces(stream: io.BufferedReader) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers; a line longer than :data:`LONGEST` comes in pieces with the same number."""
    utf16 = stream.peek(2).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if utf16 else "utf-8"
    text = io.TextIOWrapper(stream, encoding, errors="replace" if utf16 else "surrogateescape", newline="\n")
    number, ended = 0, True
    while piece := text.readline(LONGEST):
        number += ended
        ended = piece.endswith("\n")
        yield number, piece


def documents(stream: io.BufferedReader, progress: Callable[[int], None] = lambda _: None) -> Iterator[tuple[int, Any]]:
    """Yield line and value of each JSON value, an EventError if invalid. ``progress`` gets the length of each read."""
    held, began, depth, skipping, arrays, number = "", 1, 0, False, 0, 1
    for number, piece in _pieces(stream):
        progress(len(piece))
        whole = piece.endswith("\n")
        if skipping:
            skipping = not whole
            continue
        if held and _begins_anew(held, piece):
            yield began, EventError(say("not JSON: it ends early"))
            held = ""
        if not held:
            piece, opened = _values(piece)
            arrays, began, depth = arrays + opened, number, 0
        held += piece
        depth += _depth(piece)
        if depth > 0 and whole and len(held) < LONGEST:
            continue
        held, opened = yield from _decoded(held, began, number)
        arrays += opened
        depth, began = _depth(held), number if len(held) <= len(piece) else began
        if len(held) >= LONGEST:
            yield began, EventError(say("the line is too long"))
            held, skipping = "", not whole
        elif held and whole and depth <= 0:
            yield began, EventError(say("not JSON"))
            held = ""
    if held or arrays > 0:
        yield began if held else number, EventError(say("not JSON: it ends early"))


def _values(text: str) -> tuple[str, int]:
    """Return ``text`` from its first value on, and the number of arrays opened minus those closed before it."""
    rest = text.lstrip(_BETWEEN)
    between = text[: len(text) - len(rest)]
    return rest, between.count("[") - between.count("]")


def _decoded(text: str, began: int, number: int) -> Generator[tuple[int, Any], None, tuple[str, int]]:
    """Yield the values at the start of ``text``; return the rest and how many arrays were opened and not closed.

    An invalid value followed by ``}{`` is skipped.
    """
    at = arrays = 0
    while True:
        text, opened = _values(text[at:])
        arrays += opened
        if not text:
            break
        try:
            value, at = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            at = text.find("}{") + 1
            if not at:
                break
            value = EventError(say("not JSON"))
        found = [value]
        if isinstance(value, str) and value.lstrip()[:1] == "{":  # as jq prints the message of a notification
            found = _loaded(value)
        elif isinstance(value, str | int | float):  # a log or a table, told once for a line
            end = text.find("\n") + 1 or len(text)
            if not isinstance(value, str) and (at := text.find("{", at, end)) > 0:
                continue  # after the time of a log
            found, at = [EventError(say("not a JSON object"))], end
        if _SURROGATE.search(text, 0, at):
            found = [EventError(say("not UTF-8"))]
        yield from ((began, message) for one in found for message in _messages(one))
        began = number
    return text, arrays


def _messages(value: Any) -> Iterator[Any]:
    """The objects that an object other than an event lists below any key, or the one that it carries; any other value
    itself.
    """
    if not isinstance(value, dict) or is_event(value):
        yield value
        return
    lists = (one for one in value.values() if isinstance(one, list))
    listed = next((one for one in lists if not one or isinstance(one[0], dict)), None)
    for one in [value] if listed is None else listed:
        held = one if isinstance(one, dict) else {}
        held = held["kinesis"] if isinstance(held.get("kinesis"), dict) else held
        body = next((held[key] for key in _CARRIERS if key in held), one)
        carried = _loaded(body) if isinstance(body, str) else [body]
        yield from carried if listed is not None or any(map(is_event, carried)) else [one]


def _loaded(text: str) -> list[Any]:
    """The JSON values in a text, which may be in Base64."""
    try:
        plain = text if text.lstrip()[:1] == "{" else base64.b64decode(text, validate=True).decode()
    except ValueError:
        return [EventError(say("not JSON"))]
    found, reading = list[Any](), _decoded(plain, 1, 1)
    while True:
        try:
            found.append(next(reading)[1])
        except StopIteration as end:
            return [*found, EventError(say("not JSON"))] if end.value[0] else found


def _begins_anew(held: str, line: str) -> bool:
    """Whether ``line`` cannot continue ``held``: it starts an object where JSON allows none, or is a complete event."""
    line = line.lstrip("\ufeff\x1e")
    if not line.startswith("{"):
        return False
    return held.rstrip()[-1:] not in ("[", ",", ":") or (line.rstrip().endswith("}") and _is_event_alone(line))


def _is_event_alone(line: str) -> bool:
    try:
        return is_event(json.loads(line))
    except (ValueError, RecursionError):
        return False


def _depth(text: str) -> int:
    """Return the number of objects that ``text`` opens minus those it closes."""
    bare = _STRING.sub(lambda found: "" if found[1] is None else found[0], text)
    return bare.count("{") - bare.count("}")


def is_mail(stream: io.BufferedReader) -> bool:
    """Whether a file begins like mail: with a header field or an mbox separator."""
    return _HEADER.match(stream.peek(100)) is not None


def messages_of(stream: io.BufferedReader) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each message in a file; long messages are cut to about LARGEST bytes."""
    is_mbox = stream.peek(5).startswith(b"From ")
    lines: list[bytes] = []
    number, size, blank = 1, 0, True
    while line := stream.readline(LARGEST):
        if is_mbox and blank and line.startswith(b"From "):
            if lines:
                yield f"message {number}", b"".join(lines)
                number += 1
            lines, size = [], 0
        elif size < LARGEST:
            lines.append(line)
            size += len(line)
        blank = not line.strip()
    if lines:
        yield f"message {number}", b"".join(lines)


def messages_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the messages of each file in a Maildir (``cur`` and ``new``) or a plain folder, sorted by path."""
    parts = [folder / name for name in ("cur", "new") if (folder / name).is_dir()] or [folder]
    for path in sorted(path for part in parts for path in part.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            with path.open("rb") as stream:
                for part, data in messages_of(stream):
                    yield str(path.relative_to(folder)) + (f": {part}" if part != "message 1" else ""), data
