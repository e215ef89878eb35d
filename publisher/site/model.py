"""Data types of the site: files of the archive, and results of writing them."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, Self

from publisher.diagnostics import Diagnostic, blocking
from publisher.edition.model import Edition
from publisher.proofing.codec import StoredEdition


class Target(NamedTuple):
    """File of the output, made on demand. ``path`` is relative, with ``/``.

    ``keys`` identify everything the file may depend on: a file made under one of them is up to date. ``make()`` returns
    the content and the key it was made under. ``costly``: worth caching outside the output.
    """

    path: str
    keys: tuple[str, ...]
    make: Callable[[], tuple[bytes, str]]
    costly: bool = False

    @classmethod
    def under(cls, path: str, key: str, write: Callable[[], bytes], *, costly: bool = False) -> Self:
        """Create a file that depends on one key only."""
        return cls(path, (key,), lambda: (write(), key), costly)

    @classmethod
    def of(cls, path: str, content: bytes) -> Self:
        """Create a file with known content."""
        return cls.under(path, hashlib.sha256(content).hexdigest(), lambda: content)

    @property
    def content(self) -> bytes:
        """The content, made now."""
        return self.make()[0]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Result of writing a folder or of a deployment: sorted relative paths."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the archive in the folder."""
        return tuple(sorted((*self.written, *self.unchanged)))


@dataclass(frozen=True, slots=True)
class ArchiveNotes:
    """Events after publication, by slug: the date of the last correction, the date of withdrawal."""

    corrected: Mapping[str, date] = field(default_factory=dict)
    withdrawn: Mapping[str, date] = field(default_factory=dict)
    links: Mapping[str, Mapping[int, str]] = field(default_factory=dict)  # counted links of the mail: number → URL


NOTHING_SINCE = ArchiveNotes()


@dataclass(frozen=True, slots=True)
class BuildResult:
    """Result of a build. ``diagnostics`` are those of all issues, in report order."""

    out: Path
    diagnostics: tuple[Diagnostic, ...]
    editions: tuple[Edition, ...]
    emails: tuple[str, ...]
    drafts: tuple[str, ...]
    broken: tuple[str, ...]
    written: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no errors."""
        return not blocking(self.diagnostics)


def key_of(common: bytes, *parts: object) -> str:
    """A cache key from texts, numbers, bytes, and lists of them."""
    return hashlib.sha256(common + repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def identity(edition: Edition) -> str:
    """A text that identifies an edition and its commit."""
    if isinstance(edition, StoredEdition):
        return f"{edition.key.hex()} {edition.commit}"
    return hashlib.sha256(repr(edition).encode("utf-8", "surrogatepass")).hexdigest()


class Watched:
    """Proxy of an object for templates. Appends to ``looked`` if an attribute not in ``free`` is read."""

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
