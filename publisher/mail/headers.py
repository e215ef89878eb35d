"""Header fields in the form that providers accept: ASCII, folded, no character split, no injection."""

import base64
import re
import unicodedata
from email.utils import quote
from textwrap import wrap

from publisher.config.values import ascii_domain
from publisher.diagnostics import say
from publisher.edition.model import AnySlot, Slotted
from publisher.errors import TransportError

_WORD = 75  # RFC 2047, section 2: maximum length of an encoded word in characters
_PAYLOAD = (_WORD - len("=?utf-8?B??=")) // 4 * 3
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_SAFE = re.compile(r"[!-~]+@[A-Za-z0-9.-]+|[!-~]+@\[[0-9A-Fa-f:.IPv]+\]")


def clean(value: str) -> str:
    """Return ``value`` on one line: each run of control characters and line breaks becomes a space."""
    return (value if value.isprintable() else _CONTROL.sub(" ", value)).strip()  # printable: no control characters


def on_one_line(text: Slotted) -> Slotted:
    """Apply :func:`clean` to the literals of ``text``; its slots stay open."""
    parts = [part if isinstance(part, AnySlot) else _CONTROL.sub(" ", part) for part in text.parts]
    parts[0] = str(parts[0]).lstrip()  # the first and the last part are always literals
    parts[-1] = str(parts[-1]).rstrip()
    return Slotted(tuple(parts))


def unstructured(value: str, name: str) -> str:
    """Return the value of the text header ``name``, folded, and encoded (RFC 2047) if it is not plain ASCII."""
    value = clean(value)
    if value.isascii() and "=?" not in value and len(name) + 2 + len(value) <= 78:
        return value
    if value.isascii() and "=?" not in value and "  " not in value and max(map(len, value.split(" "))) < 60:
        before = "x" * (len(name) + 2)
        lines = wrap(
            value, 78, initial_indent=before, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False
        )
        return "\r\n".join(lines)[len(before) :]
    return "\r\n ".join(encoded_words(value, len(name) + 2))


def mailbox(name: str, address: str) -> str:
    """Return ``name <address>``, the name quoted (RFC 5322) or encoded (RFC 2047) if necessary."""
    name = clean(name)
    if not name:
        return addr_spec(address)
    if not name.isascii() or "=?" in name:
        return "\r\n ".join([*encoded_words(name, 8), f"<{addr_spec(address)}>"])
    return f"{name if _ATOMS.fullmatch(name) else chr(34) + quote(name) + chr(34)} <{addr_spec(address)}>"


def phrase_and(name: str, rest: str) -> str:
    """Return ``name`` as a phrase, encoded if it is not ASCII, followed by ``rest``, on one line (for List-Id)."""
    return " ".join([*encoded_words(clean(name), 0), rest]) if not name.isascii() else f'"{quote(clean(name))}" {rest}'


def addr_spec(address: str) -> str:
    """Return ``address`` with its domain in A-labels (IDNA). Raises TransportError if the result is not valid ASCII."""
    local, _, domain = clean(address).rpartition("@")
    try:
        spec = f"{local}@{ascii_domain(domain)}"
    except UnicodeError:
        spec = ""
    if not _SAFE.fullmatch(spec) or set('<>()[]\\",;: ') & set(spec.rpartition("@")[0]):
        advice = say("use ASCII before the @")
        raise TransportError(say("an address cannot be written in a message header"), help=advice)
    return spec


def encoded_words(value: str, used: int) -> list[str]:
    """Return RFC 2047 words that do not split grapheme clusters. ``used`` columns precede them on the first line."""
    words: list[str] = []
    chunk = b""
    room = max(12, (_WORD - used - len("=?utf-8?B??=")) // 4 * 3)
    for cluster in _clusters(value):
        piece = cluster.encode()
        if chunk and len(chunk) + len(piece) > room:
            words.append(_word(chunk))
            chunk, room = b"", _PAYLOAD
        # A cluster longer than one word (a base with dozens of combining marks) is the only one that is split.
        while len(piece) > _PAYLOAD:
            cut = next(i for i in range(_PAYLOAD, 0, -1) if piece[i] & 0xC0 != 0x80)
            words.append(_word(piece[:cut]))
            piece = piece[cut:]
        chunk += piece
    return [*words, _word(chunk)] if chunk or not words else words


def _word(chunk: bytes) -> str:
    return f"=?utf-8?B?{base64.b64encode(chunk).decode()}?="


def _clusters(value: str) -> list[str]:
    """Split into grapheme clusters: base with combining marks, variation selectors, joined emoji and flags."""
    clusters: list[str] = []
    for char in value:
        joins = clusters and (
            unicodedata.combining(char)
            or unicodedata.category(char) in {"Mn", "Me", "Mc"}
            or char in "\u200d\ufe0e\ufe0f"
            or "\U0001f3fb" <= char <= "\U0001f3ff"
            or clusters[-1].endswith("\u200d")
            or (_flag(char) and len(clusters[-1]) == 1 and _flag(clusters[-1]))
        )
        if joins:
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters


def _flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
