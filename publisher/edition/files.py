"""The files of an edition, which ``build`` writes to ``email/<slug>/``, and their sizes in bytes."""

import binascii
import json
from dataclasses import asdict, replace
from typing import Any

from publisher.edition.clicks import counted
from publisher.edition.model import Edition, Sizes, Slotted, Variant

EMAIL_FILES = ("email.html", "email.txt", "edition.json")


def manifest(edition: Edition) -> dict[str, Any]:
    """The content of ``edition.json``."""
    plain = ("slug", "title", "subject", "preheader", "language", "digest", "commit")
    return {name: getattr(edition, name) for name in plain} | {
        "length": asdict(edition.length),
        "sizes": asdict(edition.sizes),
        "origin": [asdict(origin) for origin in edition.origin],
        **({"variants": [_listed(variant) for variant in edition.variants]} if edition.variants else {}),
    }


def _listed(variant: Variant) -> dict[str, Any]:
    told, keys = manifest(variant.edition), ("digest", "length", "sizes", "preheader")
    return {"name": variant.name, "condition": variant.condition} | {key: told[key] for key in keys}


def email_files(edition: Edition) -> dict[str, bytes]:
    """``email.html``, ``email.txt`` and ``edition.json`` by name; variants after the first have a folder each."""
    others = (
        (f"{variant.name}/{name}", content)
        for variant in edition.variants[1:]
        for name, content in email_files(replace(variant.edition, commit=edition.commit)).items()
    )
    return dict(others) | {
        "email.html": str(counted(edition.html, edition.clicks)).encode(),
        "email.txt": str(edition.text).encode(),
        "edition.json": (json.dumps(manifest(edition), ensure_ascii=False, indent=2) + "\n").encode(),
    }


HEADERS = 1800
"""Estimate, rounded up, of the bytes of headers and boundaries: signed links and long subjects vary."""


def sizes_of(html: Slotted, text: Slotted) -> Sizes:
    """Sizes in bytes of the parts with sample values in their slots, as ``build`` writes them."""
    markup, plain = str(html).encode(), str(text).encode()
    encoded = encoded_size(markup)
    return Sizes(len(markup), encoded, len(plain), encoded + encoded_size(plain) + HEADERS)


def in_base64(content: bytes) -> bool:
    """Whether a text is shorter in base64 than in quoted-printable, as texts with many non-ASCII characters are."""
    return (len(content) - len(content.translate(None, _COSTLY))) * 6 > len(content)


def encoded_size(content: bytes) -> int:
    """Bytes of a text part in transfer encoding: base64 or quoted-printable, whichever is shorter.

    Lines have 76 characters and end in CRLF (RFC 2045, 6.7 and 6.8).
    """
    if in_base64(content):
        characters = -(-len(content) // 3) * 4
        return characters + -(-characters // 76) * 2
    return len(binascii.b2a_qp(content.replace(b"\n", b"\r\n"), istext=True))


_COSTLY = bytes([61, *range(127, 256)])
