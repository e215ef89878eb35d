"""Encode a text with slots once, and fill the slots later in the encoded bytes.

Encoding an edition in base64 or quoted-printable costs milliseconds; a recipient's copy must cost microseconds. In
quoted-printable, each value gets a soft line break before and after it. Base64 works in groups of three bytes, so
each literal is encoded at its three possible alignments, and the length of the values before it selects one.
"""

import base64
import quopri
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from publisher.edition.files import in_base64
from publisher.edition.model import AnySlot, Slotted

LINE = 76  # RFC 2045, sections 6.7 and 6.8: maximum length of an encoded line
_GROUPS = LINE // 4 * 3


class Encoded(Protocol):
    """An encoded text with open slots. ``encoding`` is its Content-Transfer-Encoding."""

    encoding: str

    def fill(self, values: Mapping[AnySlot, bytes]) -> bytes:
        """Return the encoded bytes, with CRLF line ends and each slot replaced by its value, which is plain UTF-8."""
        ...


def encode(text: Slotted) -> Encoded:
    """Encode ``text`` in the shorter form: base64 if it is mostly not ASCII (Chinese), otherwise quoted-printable."""
    literal = "".join(part for part in text.parts if not isinstance(part, AnySlot)).encode()
    return Base64(text) if in_base64(literal) else QuotedPrintable(text)


@dataclass(frozen=True, slots=True)
class _Literal:
    """Literal at one alignment: ``head`` completes an open group of three bytes, ``tail`` opens the next one."""

    head: bytes
    lines: bytes
    tail: bytes


class Base64:
    """Base64 encoding (RFC 2045, section 6.8). Line breaks inside the text are kept as they are."""

    encoding = "base64"

    def __init__(self, text: Slotted) -> None:
        self._parts: list[AnySlot | list[_Literal]] = [
            part if isinstance(part, AnySlot) else [_align(part.encode(), head) for head in range(3)]
            for part in text.parts
        ]

    def fill(self, values: Mapping[AnySlot, bytes]) -> bytes:
        """See :class:`Encoded`."""
        out: list[bytes] = []
        open_ = b""  # bytes not yet encoded: fewer than three, plus the values since
        for part in self._parts:
            if isinstance(part, AnySlot):
                open_ += values[part]
                continue
            literal = part[-len(open_) % 3]
            open_ += literal.head
            if literal.lines:
                out += (_lines(open_), literal.lines)
                open_ = b""
            open_ += literal.tail
        out.append(_lines(open_))
        return b"".join(out)


def _align(literal: bytes, head: int) -> _Literal:
    end = head + max(0, len(literal) - head) // 3 * 3
    return _Literal(literal[:head], _lines(literal[head:end]), literal[end:])


def _lines(data: bytes) -> bytes:
    return b"".join(base64.b64encode(data[i : i + _GROUPS]) + b"\r\n" for i in range(0, len(data), _GROUPS))


class QuotedPrintable:
    """Quoted-printable encoding (RFC 2045, section 6.7). Line breaks inside the text become CRLF."""

    encoding = "quoted-printable"

    def __init__(self, text: Slotted) -> None:
        self._parts = [part if isinstance(part, AnySlot) else _soft(_quote(part.encode())) for part in text.parts]

    def fill(self, values: Mapping[AnySlot, bytes]) -> bytes:
        """See :class:`Encoded`."""
        return b"".join(_soft(_quote(values[p])) if isinstance(p, AnySlot) else p for p in self._parts) + b"\r\n"


def _quote(data: bytes) -> bytes:
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    quoted = (quopri.encodestring(line, quotetabs=False).replace(b"\n", b"\r\n") for line in lines)
    return b"\r\n".join(_guard(line) for line in quoted)


def _guard(line: bytes) -> bytes:
    # Some relays treat a line that begins with a dot or "From " specially.
    if line.startswith(b"."):
        return b"=2E" + line[1:]
    return b"=46" + line[1:] if line.startswith(b"From ") else line


def _soft(quoted: bytes) -> bytes:
    """Append a soft line break to ``quoted``, so that any text may follow; a last line that is too long is split."""
    before, newline, last = quoted.rpartition(b"\r\n")
    if len(last) >= LINE:
        cut = 70 - (2 if last[68:69] == b"=" else 1 if last[69:70] == b"=" else 0)
        last = last[:cut] + b"=\r\n" + last[cut:]
    return before + newline + last + b"=\r\n"
