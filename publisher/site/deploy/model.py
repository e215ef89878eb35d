"""The parts of a deployment, and the protocol of its destinations."""

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
    """Order of uploads: files that pages refer to, pages, then files that refer to pages."""

    ASSETS = 0
    PAGES = 1
    LISTINGS = 2


@dataclass(frozen=True, slots=True)
class Upload:
    """File to be uploaded. ``digest`` is the SHA-256 of ``file``; ``path`` is relative to the archive's root."""

    path: str
    file: Path
    digest: str
    wave: Wave
    content_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Changes needed at a destination. ``kept`` maps the path of every file there afterwards to its SHA-256."""

    changed: tuple[Upload, ...]
    removed: tuple[str, ...]
    kept: Mapping[str, str]
    unchanged: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything must be uploaded or removed."""
        return bool(self.changed or self.removed)


class ChangedMeanwhileError(DeployError):
    """Another deployment changed the destination at the same time."""

    def __init__(self, what: str) -> None:
        advice = say("run publisher publish again; it goes on from what is there")
        super().__init__(say("{what} was changed by another deployment at the same time", what=what), help=advice)


class Destination(Protocol):
    """Destination of the archive. Every method raises :class:`publisher.errors.DeployError` on failure.

    The order of calls: ``held`` once, ``prepare`` once, ``put`` for each changed file, ``remove`` for each file no
    longer wanted, ``record`` once. An interrupted deployment is completed by running it again.
    """

    @property
    def name(self) -> str:
        """The destination as shown to people."""

    @property
    def workers(self) -> int:
        """The number of ``put`` calls allowed at the same time."""

    def held(self) -> Mapping[str, str]:
        """Map the path of each file that publisher deployed there to its SHA-256."""

    def prepare(self, uploads: Sequence[Upload]) -> None:
        """Raise the errors that ``put`` would raise later, and record the files to come."""

    def read(self, path: str) -> bytes | None:
        """Read a file of the destination; None if there is none."""

    def note(self, path: str, content: bytes) -> None:
        """Write a small JSON file that is not part of deployments, so that none removes it.

        Raises ChangedMeanwhileError if it has changed since the last :meth:`read`.
        """

    def put(self, upload: Upload) -> None:
        """Upload one file, completely or not at all."""

    def remove(self, path: str) -> None:
        """Remove a file that publisher deployed."""

    def record(self, digests: Mapping[str, str]) -> None:
        """Record the files that are there now."""


IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"

_TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8", ".json": "application/json; charset=utf-8",
    ".xml": "application/xml; charset=utf-8", ".svg": "image/svg+xml", ".webp": "image/webp", ".avif": "image/avif",
}  # fmt: skip
_FEED = re.compile(r"(?:.*/)?(?:feed(?:\.[a-z0-9-]+)?|feeds/items)\.(xml|json)")
_FEEDS = {"xml": "application/atom+xml; charset=utf-8", "json": "application/feed+json; charset=utf-8"}


def uploads(site: Path) -> Iterator[Upload]:
    """Yield the files of a built archive in the order of upload, without hidden files and symbolic links."""
    files = (file for file in site.rglob("*") if file.is_file() and not file.is_symlink())
    paths = {file.relative_to(site).as_posix(): file for file in files}
    found = {path: file for path, file in paths.items() if "/." not in f"/{path}"}
    digest = digest_below(site)
    for wave, path in sorted((wave_of(path), path) for path in found):
        yield Upload(path, found[path], digest(path), wave, content_type(path), cache_control(wave))


def cache_control(wave: Wave) -> str:
    """The Cache-Control header: immutable if the name changes with the content, otherwise five minutes."""
    return IMMUTABLE if wave is Wave.ASSETS else SHORT


def wave_of(path: str) -> Wave:
    """The wave of a file. Names under ``assets/`` and ``media/`` contain a hash; such files never change."""
    if path.startswith(("assets/", "media/")):
        return Wave.ASSETS
    return Wave.PAGES if path.startswith("issues/") else Wave.LISTINGS


def content_type(path: str) -> str:
    """The Content-Type of a file of the archive."""
    if feed := _FEED.fullmatch(path):
        return _FEEDS[feed[1]]
    suffix = Path(path).suffix.lower()
    return _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
