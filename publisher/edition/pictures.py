"""Images of an issue: found in its folder, named by their content, sized for one column of 640 pixels."""

from __future__ import annotations

import hashlib
import io
import mimetypes
import re
import unicodedata
import warnings
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

from publisher.checks.images import exif_of
from publisher.config import Config
from publisher.diagnostics import Diagnostic, Place, Severity, define
from publisher.edition.markdown import Sized
from publisher.edition.markdown.links import split
from publisher.edition.model import Asset
from publisher.issue.pictures import picture_file

COLUMN = 576
"""Widest image in CSS pixels: the column of 640 less its padding. Sources of twice that are sharp everywhere."""

UNREADABLE = define(
    "image-unreadable",
    Severity.ERROR,
    """The image cannot be read.

## Why it matters

The file is missing, is outside the repository, or is not one the system lets us open. Readers would see a hole.

## Example

`cover: {image: images/cover.jpg}` where `images/cover.jpg` was never committed.
""",
    fixed=True,
)


class Pictures:
    """Finds and keeps the images of one issue. ``assets`` are those that were asked for, by name, in order."""

    def __init__(self, config: Config, folder: str) -> None:
        self._root = config.root.resolve()
        self._folder = folder
        self._base = config.newsletter.url.rstrip("/") + "/"
        self._assets: dict[str, Asset] = {}
        self._found: dict[str, Asset | None] = {}
        self.diagnostics: list[Diagnostic] = []

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Every image used, once."""
        return tuple(self._assets.values())

    def asset(self, written: str) -> Asset | None:
        """The asset of an image as an author wrote it, relative to the issue's folder; ``None`` for a remote one."""
        parts = split(written)
        if parts is None or parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
            return None
        if written not in self._found:
            self._found[written] = self._read(unquote(parts.path))
        return self._found[written]

    def place(self, written: str) -> Sized | None:
        """How that image is shown."""
        asset = self.asset(written)
        if asset is None:
            return None
        if asset.width is None or asset.height is None:
            return Sized(self._base + asset.name, None, None)
        width = min(COLUMN, asset.width)
        return Sized(self._base + asset.name, width, max(1, round(asset.height * width / asset.width)))

    def _read(self, path: str) -> Asset | None:
        found = picture_file(self._root, self._folder, path)
        if not isinstance(found, str):
            return None
        try:
            file = (self._root / found).resolve()
            content = file.read_bytes()
        except OSError:
            return None
        asset = _asset(file, content)
        return self._assets.setdefault(asset.name, asset)

    def require(self, written: str, place: Place) -> Asset | None:
        """The asset of an image that has to be there; a finding at ``place`` where it is not."""
        asset = self.asset(written)
        if asset is None:
            self.diagnostics.append(
                UNREADABLE.at(place, f"the image {written} cannot be read", help=f"add {self._folder}/{written}")
            )
        return asset


def _asset(file: Path, content: bytes) -> Asset:
    width = height = None
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
                media_type = Image.MIME.get(image.format or "", media_type)
                if exif_of(image).get(0x0112, 1) >= 5:  # turned by its orientation tag
                    width, height = height, width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        pass  # an SVG, or something a check has already found: shown at its own size
    stem = unicodedata.normalize("NFKD", file.stem).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", stem).strip("-") or "image"
    name = f"media/{stem[:40]}-{hashlib.sha256(content).hexdigest()[:12]}{file.suffix.lower()}"
    return Asset(name, content, media_type, width, height)
