"""What a deployment is made of, and the protocol of the places it can go to."""

import mimetypes
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from publisher.diagnostics import say
from publisher.errors import DeployError
from publisher.site.output import digest_below


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


class ChangedMeanwhileError(DeployError):
    """Another deployment is at work."""

    def __init__(self, what: str) -> None:
        advice = say("run publisher publish again; it goes on from what is there")
        super().__init__(say("{what} was changed by another deployment at the same time", what=what), help=advice)


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
        """Write a small JSON file that no deployment knows of, so that none removes it.

        Raises ChangedMeanwhileError where it is no longer what :meth:`read` saw last.
        """

    def put(self, upload: Upload) -> None:
        """Put one file, whole or not at all."""

    def remove(self, path: str) -> None:
        """Remove one file of ours."""

    def record(self, digests: Mapping[str, str]) -> None:
        """Remember what is there now."""


IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
_FEED = re.compile(r"(?:.*/)?(?:feed(?:\.[a-z0-9-]+)?|feeds/items)\.(xml|json)")
_FEEDS = {"xml": "application/atom+xml; charset=utf-8", "json": "application/feed+json; charset=utf-8"}


def uploads(site: Path) -> Iterator[Upload]:
    """Every file of a built archive, in the order in which it goes up. Dot files and links are not part of it."""
    found = sorted(
        (file.relative_to(site).as_posix(), file)
        for file in site.rglob("*")
        if file.is_file()
        and not file.is_symlink()
        and not any(part.startswith(".") for part in file.relative_to(site).parts)
    )
    digest = digest_below(site)
    for path, file in sorted(found, key=lambda pair: (wave_of(pair[0]), pair[0])):
        wave = wave_of(path)
        yield Upload(path, file, digest(path), wave, content_type(path), cache_control(wave))


def cache_control(wave: Wave) -> str:
    """The Cache-Control of a file: for good where the name changes with the content, else five minutes."""
    return IMMUTABLE if wave is Wave.ASSETS else SHORT


def wave_of(path: str) -> Wave:
    """When a file goes up. What is under ``assets/`` and ``media/`` carries its hash in its name and never changes."""
    if path.startswith(("assets/", "media/")):
        return Wave.ASSETS
    return Wave.PAGES if path.startswith("issues/") else Wave.LISTINGS


def content_type(path: str) -> str:
    """The Content-Type of a file of the archive."""
    if feed := _FEED.fullmatch(path):
        return _FEEDS[feed[1]]
    suffix = Path(path).suffix.lower()
    return _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
