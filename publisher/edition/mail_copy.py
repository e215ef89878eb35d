"""A picture's copy for mail: at most twice the column's width, in a format that all clients show, with limited bytes.

The archive has the original. A copy is made only if the original is too wide, too large, or WebP or AVIF, which
Outlook on Windows does not show. Animations are mailed unchanged.
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
_KEPT: dict[tuple[bytes, int, int], tuple[str, bytes]] = {}  # a preview renders the same pictures after every key press
_MOST_KEPT = 64


def mail_copy(picture: PictureFile, content: bytes, width: int, most: int) -> tuple[str, bytes] | None:
    """Return format and bytes of a copy of at most ``width`` pixels and ``most`` bytes; None to mail the original.

    Raises ``OSError``, ``ValueError`` or ``SyntaxError`` if the picture cannot be decoded.
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
"""Width and height in pixels of an author's picture, which is shown at half that size."""


def portrait(picture: PictureFile, content: bytes) -> tuple[str, bytes]:
    """Return format and bytes of a picture's central square, ``PORTRAIT`` pixels wide. Raises as :func:`mail_copy`."""
    image = decoded(content, (picture.width, picture.height), 4 * PORTRAIT)
    return _encode(ImageOps.fit(image, (PORTRAIT, PORTRAIT)), picture, 30_000)


def decoded(content: bytes, size: tuple[int, int], width: int) -> Image.Image:
    """Decode a picture of ``size``, upright, at most ``width`` pixels wide. A JPEG is decoded at reduced size.

    Raises ``OSError``, ``ValueError`` or ``SyntaxError`` if it cannot be decoded.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image: Image.Image = Image.open(io.BytesIO(content))
    factor = min(1.0, width / size[0])
    clear = is_clear(image)
    if image.format == "JPEG":
        image.draft(None, (round(image.width * factor), round(image.height * factor)))
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16-bit greyscale
        image = image.point(lambda value: value / 256).convert("L")
    profile = image.info.get("icc_profile") if image.mode in {"RGB", "RGBA", "P"} else None
    image = image.convert("RGBA" if clear else "RGB")
    if factor < 1:
        image = image.resize((width, max(1, round(size[1] * factor))), Image.Resampling.LANCZOS)
    image.info = {"icc_profile": profile} if profile else {}
    return image


def _encode(image: Image.Image, picture: PictureFile, most: int) -> tuple[str, bytes]:
    """The best encoding of at most ``most`` bytes, or the last one tried; quality is reduced before size."""
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
    if picture.clear or picture.format in {"PNG", "GIF"}:  # lossless first, for sharp drawings
        yield "PNG", saved(image, "PNG", icc_profile=profile)
        method = Image.Quantize.FASTOCTREE if picture.clear else Image.Quantize.MEDIANCUT
        yield "PNG", saved(image.quantize(256, method=method), "PNG")
    if not picture.clear:
        for quality in (85, 75, 62):
            yield "JPEG", saved(image, "JPEG", quality=quality, progressive=True, icc_profile=profile)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """Encode a picture as a file."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
