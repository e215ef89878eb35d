"""Bytes of an edition: as written, as encoded, as a whole message."""

from __future__ import annotations

from publisher.edition.model import Sizes, Slot, Slotted

# A signed link of the web service, at its longest: real ones are shorter, so no size here is too small.
_VALUE = {Slot.UNSUBSCRIBE_URL: "u" * 160, Slot.PREFERENCES_URL: "p" * 160, Slot.GREETING: "g" * 40}
_HEADERS = 1600


def filled(text: Slotted) -> bytes:
    """A slotted text as bytes, with values as long as real ones get."""
    return text.with_values(_VALUE).encode()


def base64_size(size: int) -> int:
    """Bytes of base64 in lines of 76 characters that end in CRLF (RFC 2045, 6.8)."""
    characters = -(-size // 3) * 4
    return characters + -(-characters // 76) * 2


def sizes_of(html: Slotted, text: Slotted) -> Sizes:
    """Sizes of the parts; HTML and text are both sent as base64, and headers are reckoned at their longest."""
    html_size, text_size = len(filled(html)), len(filled(text))
    html_encoded, text_encoded = base64_size(html_size), base64_size(text_size)
    return Sizes(html_size, html_encoded, text_size, html_encoded + text_encoded + _HEADERS)
