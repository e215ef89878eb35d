"""Paths in the archive, as decoded URLs: a tag in Han characters is a folder of that name; links encode it."""

import hashlib
import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote

_ALSO_SAFE = frozenset("-_.+")
_LONGEST = 80  # bytes of UTF-8; file names may have 255, but macOS decomposes some characters
_BLANK = re.compile(r"[\s\u3000]+")


def folder_name(name: str) -> str:
    """The folder for the page of a tag, an author or a section: its name with hyphens for white space, without
    characters that are special in file systems or URLs.

    If characters are removed (``C#``), part of a hash is appended, so that it never shares a page with another (``C``).
    """
    text = _BLANK.sub("-", unicodedata.normalize("NFC", name).strip())
    kept = "".join(c for c in text if c in _ALSO_SAFE or unicodedata.category(c)[0] in "LNM").strip(".")
    kept, cut = _shorten(kept)
    if kept and kept == text and not cut:
        return kept
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept}-{mark}" if kept else mark


@lru_cache(4096)
def folder_key(name: str) -> str:
    """A key that is equal for names on one page: ``R&D`` and ``r&d``, ``machine learning`` and ``machine-learning``."""
    return unicodedata.normalize("NFC", folder_name(unicodedata.normalize("NFC", name).casefold()).casefold())


def _shorten(text: str) -> tuple[str, bool]:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= _LONGEST:
        return text, False
    return encoded[:_LONGEST].decode("utf-8", "ignore"), True


def issue_path(slug: str) -> str:
    """The folder of an issue's page, ending in ``/``."""
    return f"issues/{slug}/"


def url_of(base: str, path: str) -> str:
    """The absolute URL of ``path`` below ``base`` (which ends in ``/``)."""
    return base + quote(path, safe="/-_.~")


def relative(path: str, to: str) -> str:
    """The relative URL from the page at ``path`` to ``to``; both below the root, folders ending in ``/``."""
    return ("../" * path.count("/") + quote(to, safe="/-_.~")) or "./"
