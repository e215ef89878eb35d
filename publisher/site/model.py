"""What the site room hands on: files of the archive, and what became of them."""

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
    """A file of the output that is made when it has to be. ``path`` is relative, with ``/``.

    ``keys`` stand for all that it can follow from: while what lies there was made under one of them, it is still right.
    ``make()`` gives the content, and the key that it was made under. ``costly``: worth keeping beside the output.
    """

    path: str
    keys: tuple[str, ...]
    make: Callable[[], tuple[bytes, str]]
    costly: bool = False

    @classmethod
    def under(cls, path: str, key: str, write: Callable[[], bytes], *, costly: bool = False) -> Self:
        """A file that follows from what stands in its one key alone."""
        return cls(path, (key,), lambda: (write(), key), costly)

    @classmethod
    def of(cls, path: str, content: bytes) -> Self:
        """A file whose content is at hand."""
        return cls.under(path, hashlib.sha256(content).hexdigest(), lambda: content)

    @property
    def content(self) -> bytes:
        """What it holds, made now."""
        return self.make()[0]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write did to a folder, or a deployment to its place: relative paths, sorted."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that is in the folder now and is ours."""
        return tuple(sorted((*self.written, *self.unchanged)))


@dataclass(frozen=True, slots=True)
class ArchiveNotes:
    """What happened to issues after readers had them: when one was last corrected, when one was withdrawn; by slug."""

    corrected: Mapping[str, date] = field(default_factory=dict)
    withdrawn: Mapping[str, date] = field(default_factory=dict)
    links: Mapping[str, Mapping[int, str]] = field(default_factory=dict)  # where the counted links of its mail lead


NOTHING_SINCE = ArchiveNotes()


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build made of a repository. ``diagnostics`` are all, of every issue, in the order of a report."""

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
        """Whether there is no error."""
        return not blocking(self.diagnostics)


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
