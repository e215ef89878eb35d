"""What a file of the output follows from, in short: while its key is the same, so are its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

from publisher.edition.model import Edition
from publisher.proofing.codec import StoredEdition


def key_of(common: bytes, *parts: object) -> str:
    """A key over texts, numbers, bytes, and lists of them."""
    return hashlib.sha256(common + repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def identity(edition: Edition) -> str:
    """What stands for an edition, its commit included."""
    if isinstance(edition, StoredEdition):
        return f"{edition.key.hex()} {edition.commit}"
    return hashlib.sha256(repr(edition).encode("utf-8", "surrogatepass")).hexdigest()


class Watched:
    """Anything as a template sees it. ``looked`` hears of any attribute that is not ``free``."""

    def __init__(self, seen: object, looked: list[bool], free: Collection[str] = ()) -> None:
        self._seen, self._looked, self._free = seen, looked, free

    def __getattr__(self, name: str) -> Any:
        if name not in self._free:
            self._looked.append(True)
        return getattr(self._seen, name)

    def __eq__(self, other: object) -> bool:
        self._looked.append(True)
        return self._seen == (other._seen if isinstance(other, Watched) else other)

    def __hash__(self) -> int:
        return hash(self._seen)

    def __str__(self) -> str:
        self._looked.append(True)
        return str(self._seen)
