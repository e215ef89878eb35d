"""An edition as files, which ``build`` leaves under ``email/<slug>/``, and the bytes it takes."""

import binascii
import json
from dataclasses import asdict, replace
from typing import Any

from publisher.edition.clicks import counted
from publisher.edition.model import Edition, Sizes, Slotted, Variant

EMAIL_FILES = ("email.html", "email.txt", "edition.json")


def manifest(edition: Edition) -> dict[str, Any]:
    """``edition.json``."""
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
    """``email.html``, ``email.txt`` and ``edition.json`` by name; those of a variant but the first in its folder."""
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
"""Bytes of headers and boundaries that delivery adds, reckoned with room: signed links and long subjects vary."""


def sizes_of(html: Slotted, text: Slotted) -> Sizes:
    """Sizes of the parts with sample values in their slots, which is how ``build`` writes them."""
    markup, plain = str(html).encode(), str(text).encode()
    encoded = encoded_size(markup)
    return Sizes(len(markup), encoded, len(plain), encoded + encoded_size(plain) + HEADERS)


def in_base64(content: bytes) -> bool:
    """Whether a text is shorter in base64 than in quoted-printable: where characters beyond ASCII abound."""
    return (len(content) - len(content.translate(None, _COSTLY))) * 6 > len(content)


def encoded_size(content: bytes) -> int:
    """Bytes of a text part in transport: base64 or quoted-printable, which is shorter.

    Lines are of 76 characters and end in CRLF (RFC 2045, 6.7 and 6.8).
    """
    if in_base64(content):
        characters = -(-len(content) // 3) * 4
        return characters + -(-characters // 76) * 2
    return len(binascii.b2a_qp(content.replace(b"\n", b"\r\n"), istext=True))


_COSTLY = bytes([61, *range(127, 256)])
