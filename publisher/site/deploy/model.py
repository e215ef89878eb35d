"""What a deployment is made of, and the protocol of the places it can go to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol


class Wave(IntEnum):
    """The order of uploads: what pages point at goes before them, what points at pages after them."""

    ASSETS = 0
    PAGES = 1
    LISTINGS = 2


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be put. ``digest`` is the SHA-256 of ``file``; ``path`` is relative to the archive's root."""

    path: str
    file: Path
    digest: str
    wave: Wave
    content_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a place lacks. ``kept`` is path → SHA-256 of all that will be there in the end."""

    changed: tuple[Upload, ...]
    removed: tuple[str, ...]
    kept: Mapping[str, str]
    unchanged: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything has to be written or removed."""
        return bool(self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deployment did. Paths are relative to the archive's root."""

    target: str
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


class Destination(Protocol):
    """A place for the archive. Every method raises :class:`publisher.errors.DeployError` when the place refuses.

    The calls come in this order: ``held`` once, ``prepare`` once, ``put`` for each changed file, ``remove`` for each
    that is no longer wanted, ``record`` once. A deployment that dies anywhere is finished by running it again.
    """

    @property
    def name(self) -> str:
        """Where it is, for people."""

    @property
    def workers(self) -> int:
        """How many ``put`` calls it bears at once."""

    def held(self) -> Mapping[str, str]:
        """Path → SHA-256 of the files there that we put there."""

    def prepare(self, uploads: Sequence[Upload]) -> None:
        """Refuse now what ``put`` would have to refuse half way, and remember what is about to come."""

    def read(self, path: str) -> bytes | None:
        """A file as it is there; None where there is none."""

    def note(self, path: str, content: bytes) -> None:
        """Write a small JSON file that no deployment knows of, so that none removes it."""

    def put(self, upload: Upload) -> None:
        """Put one file, whole or not at all."""

    def remove(self, path: str) -> None:
        """Remove one file of ours."""

    def record(self, digests: Mapping[str, str]) -> None:
        """Remember what is there now."""
