"""What the site room hands on: files of the archive, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from publisher.diagnostics import Diagnostic, blocking
from publisher.edition.model import Edition


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of the output. ``path`` is relative, with ``/``."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """A file of the output that is made when it has to be. ``path`` is relative, with ``/``.

    ``keys`` stand for all that it can follow from: while what lies there was made under one of them, it is still right.
    ``make()`` gives the content, and the key that it was made under. ``costly``: worth keeping beside the output.
    """

    path: str
    keys: tuple[str, ...]
    make: Callable[[], tuple[bytes, str]]
    costly: bool = False

    @property
    def content(self) -> bytes:
        """What it holds, made now."""
        return self.make()[0]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write did to a folder: paths relative to ``root``, sorted."""

    root: Path
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
