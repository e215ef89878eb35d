"""What readers read in an edition, as a digest of its own.

An edition's digest also follows from the theme, the address in the footer and the version of a library. Whether an
issue was *corrected* after it went out is another question: only its words, links and pictures answer it.
"""

from __future__ import annotations

import hashlib
import re

from selectolax.lexbor import LexborHTMLParser

from publisher.edition.model import Edition

_BLANK = re.compile(r"\s+")


def content_of(edition: Edition) -> str:
    """``sha256:`` and 64 hex digits over title, words, links and pictures."""
    tree = LexborHTMLParser(edition.web)
    body = tree.body
    sha = hashlib.sha256(b"publisher content 1\n")

    def add(kind: str, text: str) -> None:
        data = _BLANK.sub(" ", text).strip().encode("utf-8", "surrogatepass")
        sha.update(f"{kind} {len(data)}\n".encode())
        sha.update(data)

    add("title", edition.title)
    add("words", body.text(separator=" ") if body else "")
    for node in tree.css("a[href]"):
        add("link", node.attributes.get("href") or "")
    for node in tree.css("img"):
        add("alt", node.attributes.get("alt") or "")
    for asset in sorted(edition.assets, key=lambda asset: asset.name):
        if not asset.copied:  # a copy follows from its original, and from a library's version
            add("picture", hashlib.sha256(asset.content).hexdigest())
    return f"sha256:{sha.hexdigest()}"
