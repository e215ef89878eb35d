"""Inspection of picture files: format, size and metadata from the header, and whether the file is complete.

Pixels are not decoded, except those of a GIF's first frame: a PNG of 100 kB may contain a gigabyte of them.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from publisher.diagnostics import Fault, Sentence, listed, say
from publisher.diagnostics.sentences import SYSTEM
from publisher.issue import codes

if TYPE_CHECKING:
    from PIL import Image

MOST_BYTES = 50_000_000
MOST_PIXELS = 50_000_000
"""Limits of bytes read and pixels decoded per picture, so that no file can exhaust the memory."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg"})
"""Endings of a picture's name: a server takes a published file for what its name says."""

_GPS = 0x8825  # tag of the GPS directory (EXIF 2.32, 4.6.3)
_ORIENTATION = 0x0112
_SCRIPT = re.compile(r"(?:javascript|vbscript|data:(?!image/(?:png|jpeg|gif|webp|avif))).*", re.DOTALL)
# UTF-8, declared or by default: in another encoding a browser might see other elements than this parser.
_ENCODING = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml(?![^>]*encoding)|<\?xml[^>]*encoding=[\"']utf-8|<(?!\?xml))", re.IGNORECASE
)
_SVG = rb"\s*(?:<\?xml.*?)?(?:<!--.*?-->|<!DOCTYPE svg[^>]*>|\s)*<svg\b"
_HTML = rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|\?xml|!--)"
_TEXT = rb"(?:[\t\n\r\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]+)+[\xc2-\xf4]?\Z"
_AS_PNG, _AS_PICTURE = say("export it as .png"), say("export it as .png or .jpg")
_ITSELF, _AGAIN = say("save the picture itself"), say("save it again, whole")
# Signatures of other formats, their names, and advice for converting them.
_OTHERS = tuple(
    (re.compile(start, re.DOTALL | re.IGNORECASE), what, advice) for start, what, advice in (
        (rb"version https://git-lfs", say("a Git LFS pointer, not the picture"),
         say("type git lfs pull; in CI, use lfs: true")),
        (_SVG, say("an SVG drawing"), _AS_PNG), (_HTML, say("a web page"), _ITSELF),
        (rb".{4}ftyp(?:hei|hev|mif1|msf1)", say("a HEIC photograph, which few mail clients show"),
         say("export it as JPEG")),
        (rb"%PDF-", say("a PDF"), say("export the page as .png")), (rb"II\*\0|MM\0\*", say("a TIFF"), _AS_PICTURE),
        (rb"\xff\x0a|\0\0\0\x0cJXL ", say("a JPEG XL, which few mail clients show"), say("export it as .jpg")),
        (rb"BM", say("a bitmap"), _AS_PNG), (rb"8BPS", say("a Photoshop document"), _AS_PICTURE),
        (rb"PK\x03\x04", say("an archive or a document"), say("export the picture as .png or .jpg")),
        (_TEXT, say("text"), _ITSELF),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PictureFile:
    """Picture file that can be opened.

    ``path`` is relative to the root; width and height are in pixels, after rotation by the orientation tag;
    ``located``: the metadata contain GPS data; ``clear``: it may have transparency; ``moving``: it is animated.
    """

    path: str
    file: Path
    bytes: int
    format: str
    width: int
    height: int
    located: bool
    clear: bool
    moving: bool


def open_file(file: Path, path: str) -> PictureFile | Fault:
    """Inspect ``file``, named ``path`` in messages. The result is cached until the file changes."""
    if file.suffix.lower() not in SUFFIXES:
        return no_picture(path)
    try:
        status = file.stat()
    except OSError as error:
        return unreadable(path, error)
    return _open(file, path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@lru_cache(maxsize=4096)
def _open(file: Path, path: str, size: int, *_times: int) -> PictureFile | Fault:
    if size > MOST_BYTES:
        sizes = {"size": size / 1e6, "most": MOST_BYTES / 1e6}
        message = say("{path} has {size:.0f} MB: more than {most:.0f} MB is not opened", path=path, **sizes)
        return Fault(codes.IMAGE_UNREADABLE, message, say("scale it to 2,560 pixels, and save it as JPEG or WebP"))
    try:
        with file.open("rb") as stream:
            if file.suffix.lower() == ".svg":
                if why := _runs(stream.read()):
                    return Fault(codes.NOT_A_PICTURE, why, _AS_PNG)
                message = say("the picture is an SVG, which Gmail, Outlook and Yahoo do not show")
                return Fault(codes.SVG_IN_MAIL, message, say("export it as .png, 1,200 pixels wide, and name that"))
            return _raster(stream, file, path, size)
    except OSError as error:
        return unreadable(path, error)


def no_picture(path: str) -> Fault:
    """Return the fault of a file whose name is not that of a picture."""
    advice = say("name a file that ends in {endings}", endings=listed(sorted(SUFFIXES - {".svg"})))
    return Fault(codes.NOT_A_PICTURE, say("{path} is not a picture", path=path), advice)


def _raster(stream: BinaryIO, file: Path, path: str, size: int) -> PictureFile | Fault:
    from PIL import Image

    head = stream.read(1024)
    stream.seek(0)
    broken = Fault(codes.IMAGE_UNREADABLE, say("{path} is cut off or damaged", path=path), _AGAIN)
    if not head:
        return Fault(codes.IMAGE_UNREADABLE, say("{path} is empty", path=path), _AGAIN)
    if not head.strip(b"\0"):
        return broken
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a decompression bomb is measured here, not decoded
            image = Image.open(stream, formats=("JPEG", "PNG", "GIF", "WEBP", "AVIF"))
    except Image.DecompressionBombError:
        return _too_many(path, say("hundreds of millions of"))
    except Exception:  # damaged bytes can raise any exception
        kind = next(((what, advice) for start, what, advice in _OTHERS if start.match(head)), None)
        if kind is None:
            return broken
        return Fault(codes.NOT_A_PICTURE, say("{path} is {kind}", path=path, kind=kind[0]), kind[1])
    width, height = image.size
    if width * height > MOST_PIXELS:
        return _too_many(path, f"{width:,} × {height:,}")
    try:
        # Not if they are behind the pixels: Pillow would decode a whole PNG to search for them.
        exif = Image.Exif() if image.format == "PNG" and "exif" not in image.info else image.getexif()
        located, turned = bool(exif.get_ifd(_GPS)), exif.get(_ORIENTATION, 1) >= 5
        moving = bool(getattr(image, "is_animated", False))
        clear = is_clear(image)
        if not _whole(image, stream, size):
            return broken
    except Exception:
        return broken
    if turned:
        width, height = height, width
    return PictureFile(path, file, size, image.format or "", width, height, located, clear, moving)


def is_clear(image: Image.Image) -> bool:
    """Whether a picture may have transparency."""
    return image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info


def _whole(image: Image.Image, stream: BinaryIO, size: int) -> bool:
    """Whether the file is complete. May raise any exception."""
    if image.format == "PNG":
        image.verify()  # checks the CRC of every chunk; raises
        return True
    if image.format == "GIF":
        image.load()
        return True
    if image.format == "WEBP":
        stream.seek(4)
        return int.from_bytes(stream.read(4), "little") + 8 <= size
    if image.format == "AVIF":
        at = 0
        while at < size:  # boxes: ISO/IEC 14496-12, 4.2
            stream.seek(at)
            length = int.from_bytes(stream.read(4), "big")
            if length < 8:
                return length == 0 and at > 0
            at += length
        return at == size
    # JPEG: an EOI marker after the start of scan (ITU-T T.81, B.2.1); within a scan, FF is always stuffed.
    stream.seek(0)
    content = stream.read()
    return content.find(b"\xff\xd9", _scan(content)) > 0


def _scan(content: bytes) -> int:
    """The position of a JPEG's first scan; segments before it, such as a thumbnail, contain their lengths."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        at += 1 if content[at + 1] == 0xFF else 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return at


def _too_many(path: str, pixels: str) -> Fault:
    values = {"path": path, "pixels": pixels, "most": MOST_PIXELS / 1e6}
    told = say("{path} has {pixels} pixels: more than {most:.0f} million are not opened", **values)
    return Fault(codes.IMAGE_UNREADABLE, told, say("scale it to 2,560 pixels"))


def unreadable(path: str, error: Exception) -> Fault:
    """Return the fault of a picture that cannot be read or decoded."""
    refused = getattr(error, "strerror", None)
    reason = SYSTEM.get(refused.lower(), refused.lower()) if refused else str(error) or type(error).__name__
    message = say("{path} cannot be read: {reason}", path=path, reason=reason)
    advice = say("make it readable, and commit it") if refused else say("save it again, and commit it")
    return Fault(codes.IMAGE_UNREADABLE, message, advice)


def _runs(content: bytes) -> Sentence | None:
    """The reason why an SVG may have active content; None if it is only a drawing."""
    from xml.etree import ElementTree  # expat loads no external entities and limits expansion

    try:
        tree = ElementTree.fromstring(content)  # noqa: S314
    except (ElementTree.ParseError, LookupError, ValueError):
        return say("the SVG cannot be read")
    if b"<?xml-stylesheet" in content or not _ENCODING.match(content):
        return say("the SVG asks for a style sheet or a character set of its own")
    for element in tree.iter():
        name = str(element.tag).rpartition("}")[2].lower()
        if name in {"script", "foreignobject", "iframe", "embed", "object", "handler", "listener"}:
            return say("the SVG holds <{name}>", name=name)
        for attribute, value in element.attrib.items():
            key, shown = attribute.rpartition("}")[2].lower(), re.sub(r"[\x00-\x20]", "", value).lower()
            if key.startswith("on") or _SCRIPT.match(shown) or (key == "attributename" and "href" in shown):
                return say("the SVG has an active {key}", key=key)
    return None
