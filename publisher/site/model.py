"""What the site room hands on: files of the archive, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of the output. ``path`` is relative, with ``/``."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did to a folder: paths relative to ``root``, sorted.

    ``kept`` are strangers' files that stand where one of ours should: they are left alone, and somebody must be told.
    """

    root: Path
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that is in the folder now and is ours."""
        return tuple(sorted((*self.written, *self.unchanged)))


@dataclass(frozen=True, slots=True)
class SiteResult:
    """An archive on disk."""

    root: Path
    issues: tuple[str, ...]
    output: Written
