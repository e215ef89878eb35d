"""What has to be uploaded, and in which order. No destination here."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path

from publisher.site.deploy.model import Upload, Wave
from publisher.site.output import digest_below

IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
_NAMED_TYPES = {
    "feed.xml": "application/atom+xml; charset=utf-8",
    "feeds/items.xml": "application/atom+xml; charset=utf-8",
    "feed.json": "application/feed+json; charset=utf-8",
    "sitemap.xml": "application/xml; charset=utf-8",
}


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
    suffix = Path(path).suffix.lower()
    guessed = mimetypes.types_map.get(suffix, "application/octet-stream")
    return _NAMED_TYPES.get(path) or _TYPES.get(suffix) or guessed
