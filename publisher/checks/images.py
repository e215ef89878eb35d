"""The pictures of an issue as files: bytes and pixels, read from the head of each file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from publisher.checks.context import Context
from publisher.diagnostics import Place
from publisher.issue.pictures import picture_file

if TYPE_CHECKING:
    from PIL import Image

_GPS = 0x8825  # the pointer to the GPS directory (EXIF 2.32, 4.6.3)


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One picture. Width and height in pixels; ``located`` where its metadata say where it was taken."""

    place: Place
    bytes: int
    width: int
    height: int
    located: bool


def exif_of(image: Image.Image) -> Image.Exif:
    """The picture's EXIF where it stands before the pixels: Pillow would decode all of a PNG to look behind them."""
    from PIL import Image

    return Image.Exif() if image.format == "PNG" and "exif" not in image.info else image.getexif()


def pictures(context: Context, *, cover_only: bool = False) -> Iterator[PictureFile]:
    """Every picture of the issue that can be read; what cannot is another rule's finding."""
    root = context.config.root
    for file, place in _files(context, cover_only):
        try:
            size = (root / file).stat().st_size
            width, height, located = _head(root / file, size)
        except (OSError, ValueError):
            continue
        if width and height:
            yield PictureFile(place, size, width, height, located)


def _files(context: Context, cover_only: bool) -> Iterator[tuple[str, Place]]:
    issue = context.issue
    if issue.cover:
        yield issue.cover.file, issue.places.of("cover", "image")
    if cover_only:
        return
    for item in issue.items:
        if item.image:
            yield item.image.file, item.places.of("image", "image")
    for text in context.texts:
        for spot in text.of("image"):
            found = picture_file(context.config.root, issue.folder, unquote(str(spot.token.attrs.get("src", ""))))
            if isinstance(found, str):
                yield found, spot.place


@lru_cache(maxsize=4096)
def _head(path: Path, _size: int) -> tuple[int, int, bool]:
    """Width, height, whether there are coordinates; the size is part of the cache's key. Raises OSError, ValueError."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a decompression bomb is only measured here, never opened up
        try:
            with Image.open(path) as image:
                return *image.size, bool(exif_of(image).get_ifd(_GPS))
        except Image.DecompressionBombError as error:
            raise ValueError("too many pixels") from error
