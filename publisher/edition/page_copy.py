"""Copies of a picture for pages: AVIF and WebP in a few widths, named after the content of the original, which is kept.

A browser chooses the smallest that is sharp. None is wider than the original; small or animated pictures have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import PIL
from markupsafe import Markup

from publisher.edition.model import Front

if TYPE_CHECKING:
    from publisher.issue.opening import PictureFile

WIDTHS = (400, 800, 1600)
"""Pixels. The text column is 580 to 650 CSS pixels wide, a card in a list 350."""

_FORMATS = {"avif": "image/avif", "webp": "image/webp"}
_LIGHT = 25_000  # bytes; a smaller picture needs no copies
_TALLEST = 16_383  # pixels; the limit of WebP
# One thread and no tiles make the bytes the same on every machine; AVIF speed 6 takes five times as long as speed 8.
_OPTIONS = {
    "avif": {"quality": 60, "speed": 8, "max_threads": 1, "autotiling": False},
    "webp": {"quality": 75, "method": 2},
}
MADE_BY = repr((WIDTHS, _OPTIONS, PIL.__version__))
"""Key of all settings and versions that determine the bytes of a copy."""


def is_scaled(picture: PictureFile) -> bool:
    """Whether pages show copies of a picture."""
    still = not picture.moving and picture.format != "GIF"
    return still and picture.bytes > _LIGHT and picture.width > WIDTHS[0] and picture.height <= _TALLEST


def copies(front: Front) -> dict[str, tuple[tuple[str, int], ...]]:
    """Map each media type to the path and width in pixels of each copy, narrowest first; empty if there are none."""
    if not front.scaled or not front.width:
        return {}
    widest = min(front.width, WIDTHS[-1])
    widths = (*(width for width in WIDTHS if width * 1.3 < widest), widest)
    stem = front.name.rpartition(".")[0]
    return {kind: tuple((f"{stem}-{width}.{suffix}", width) for width in widths) for suffix, kind in _FORMATS.items()}


def sources(front: Front, link: Callable[[str], str], sizes: str) -> Markup:
    """The ``source`` elements of a ``picture``. ``sizes``: its displayed width, in the syntax of HTML's ``sizes``."""
    return Markup("").join(_source(kind, made, link, sizes) for kind, made in copies(front).items())


def thumbnail(front: Front, link: Callable[[str], str], sizes: str, most: int) -> tuple[Markup, str]:
    """A picture in a list: the ``source`` element of its AVIF copies, up to the first that is ``most`` pixels wide, and
    the path of the WebP copy, or the original, for other browsers.
    """
    avif, webp = copies(front).values() or ((), ())
    enough = sum(width < most for _, width in avif) + 1
    if not avif:
        return Markup(), front.name
    return _source("image/avif", avif[:enough], link, sizes), webp[:enough][-1][0]


def _source(kind: str, made: tuple[tuple[str, int], ...], link: Callable[[str], str], sizes: str) -> Markup:
    named = ", ".join(f"{link(path)} {width}w" for path, width in made)
    return Markup('<source type="{}" srcset="{}" sizes="{}">').format(kind, named, sizes)


def page_copies(front: Front, content: bytes) -> dict[str, bytes]:
    """Return every copy by its path. If decoding fails, each is the original: browsers detect formats by content."""
    from publisher.edition.mail_copy import decoded, saved  # imported here, because most builds make no copies

    paths = [(path, width) for made in copies(front).values() for path, width in made]
    drawn = content.startswith(b"\x89PNG")  # full colour resolution keeps edges and letters of drawings sharp
    try:
        image = decoded(content, (front.width or 1, front.height or 1), max(width for _, width in paths))
        made = {}
        for path, width in paths:
            suffix = path.rpartition(".")[2]
            size = (width, max(1, round(image.height * width / image.width)))
            smaller = image if width == image.width else image.resize(size)
            options = _OPTIONS[suffix] | ({"subsampling": "4:4:4"} if drawn and suffix == "avif" else {})
            made[path] = saved(smaller, suffix.upper(), icc_profile=image.info.get("icc_profile"), **options)
        return made
    except (OSError, ValueError, SyntaxError):
        return {path: content for path, _ in paths}
