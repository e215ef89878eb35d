"""A picture's copy for mail: twice the column wide, in a format that every client shows, below a number of bytes.

The original stands in the archive. A copy is made only where the original is too wide, too heavy, or WebP or AVIF,
which Outlook on Windows does not show. What moves is mailed as it is.
"""

import hashlib
import io
import warnings
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageOps

from publisher.issue.opening import is_clear
from publisher.issue.pictures import PictureFile

_MAILED = frozenset({"JPEG", "PNG", "GIF"})
_KEPT: dict[tuple[bytes, int, int], tuple[str, bytes]] = {}  # a preview renders the same pictures at every key
_MOST_KEPT = 64


def mail_copy(picture: PictureFile, content: bytes, width: int, most: int) -> tuple[str, bytes] | None:
    """Format and bytes of the copy, at most ``width`` pixels wide and ``most`` bytes; None: mail the original.

    Raises ``OSError`` or ``ValueError`` where the pixels cannot be decoded.
    """
    if picture.moving or (len(content) <= most and picture.format in _MAILED and picture.width <= width):
        return None
    key = (hashlib.sha256(content).digest(), width, most)
    if key not in _KEPT:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = _encode(decoded(content, (picture.width, picture.height), width), picture, most)
    return _KEPT[key]


PORTRAIT = 96
"""Pixels of an author's picture, which is shown at half of that."""


def portrait(picture: PictureFile, content: bytes) -> tuple[str, bytes]:
    """Format and bytes of a picture's middle, a square of ``PORTRAIT`` pixels. Raises as :func:`mail_copy`."""
    image = decoded(content, (picture.width, picture.height), 4 * PORTRAIT)
    return _encode(ImageOps.fit(image, (PORTRAIT, PORTRAIT)), picture, 30_000)


def decoded(content: bytes, size: tuple[int, int], width: int) -> Image.Image:
    """The pixels of a picture of ``size``, upright, at most ``width`` wide; of a JPEG no more are decoded than need be.

    Raises ``OSError``, ``ValueError`` or ``SyntaxError`` where they cannot be decoded.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image: Image.Image = Image.open(io.BytesIO(content))
    factor = min(1.0, width / size[0])
    clear = is_clear(image)
    if image.format == "JPEG":
        image.draft(None, (round(image.width * factor), round(image.height * factor)))
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.point(lambda value: value / 256).convert("L")
    profile = image.info.get("icc_profile") if image.mode in {"RGB", "RGBA", "P"} else None
    image = image.convert("RGBA" if clear else "RGB")
    if factor < 1:
        image = image.resize((width, max(1, round(size[1] * factor))), Image.Resampling.LANCZOS)
    image.info = {"icc_profile": profile} if profile else {}
    return image


def _encode(image: Image.Image, picture: PictureFile, most: int) -> tuple[str, bytes]:
    """The best that is not too heavy: quality goes first, then size."""
    made = ("", b"")
    for factor in (1.0, 0.8, 0.64, 0.5, 0.35, 0.25):
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        smaller = image if factor == 1 else image.resize(size, Image.Resampling.LANCZOS)
        for made in _written(smaller, picture):
            if len(made[1]) <= most:
                return made
    return made


def _written(image: Image.Image, picture: PictureFile) -> Iterator[tuple[str, bytes]]:
    profile = image.info.get("icc_profile")
    if picture.clear or picture.format in {"PNG", "GIF"}:  # drawings stay crisp where they can
        yield "PNG", saved(image, "PNG", icc_profile=profile)
        method = Image.Quantize.FASTOCTREE if picture.clear else Image.Quantize.MEDIANCUT
        yield "PNG", saved(image.quantize(256, method=method), "PNG")
    if not picture.clear:
        for quality in (85, 75, 62):
            yield "JPEG", saved(image, "JPEG", quality=quality, progressive=True, icc_profile=profile)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
