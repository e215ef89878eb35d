"""A picture that an issue names: is it there, in the repository, and a picture?

Whatever passes here is published. So a name that leads to the subscribers' database, to a key or to a web page is
refused, however it is written and whatever links lie between.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from publisher.diagnostics import Code
from publisher.issue import codes

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg"})
_ACTIVE = frozenset({"script", "foreignobject", "iframe", "embed", "object", "handler", "listener"})
_SCRIPT = re.compile(r"(?:javascript|vbscript|data:(?!image/(?:png|jpeg|gif|webp|avif))).*", re.DOTALL)
# UTF-8, said or not: in another character set a browser may read other elements than we do.
_ENCODING = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml(?![^>]*encoding)|<\?xml[^>]*encoding=[\"']utf-8|<(?!\?xml))", re.IGNORECASE
)
Fault = tuple[Code, str, str]


def picture_file(root: Path, folder: str, image: str) -> str | Fault:
    """The path from the root of the picture written as ``image`` in the issue's ``folder``, or what is wrong."""
    written = image.replace("\\", "/")
    path = posixpath.normpath(posixpath.join(folder, written))
    advice = "save the picture to images/ and write images/NAME"
    if written.startswith("/") or path.startswith("../") or path == "..":
        return codes.IMAGE_OUTSIDE, "the picture stands outside the repository", advice
    try:
        resolved = (root / path).resolve()
        inside, there = resolved.is_relative_to(root.resolve()), resolved.is_file()
    except (OSError, RuntimeError, ValueError):
        inside, there = True, False
    if not inside:
        return codes.IMAGE_OUTSIDE, "the picture is a link out of the repository", advice
    if not there:
        return codes.IMAGE_MISSING, f"there is no picture {path}", _near(root, path)
    kept = resolved.relative_to(root.resolve())
    if kept.suffix.lower() not in _PICTURES or any(part.startswith(".") for part in kept.parts):
        return codes.NOT_A_PICTURE, f"{path} is no picture", f"name a file that ends in {', '.join(sorted(_PICTURES))}"
    if kept.suffix.lower() == ".svg" and (why := _runs(resolved)):
        return codes.NOT_A_PICTURE, f"the SVG {why}", "export it as a plain drawing, or save it as .png"
    return path


def _runs(file: Path) -> str | None:
    """Why an SVG is more than a drawing; None where it is one. Opened by itself it is a page of the archive's site."""
    from xml.etree import ElementTree  # expat loads nothing from outside, and bounds what entities expand to

    try:
        content = file.read_bytes()
        tree = ElementTree.fromstring(content)  # noqa: S314
    except (OSError, ElementTree.ParseError, LookupError, ValueError):
        return "cannot be read"
    if b"<?xml-stylesheet" in content or not _ENCODING.match(content):
        return "asks for a style sheet or a character set of its own"
    for element in tree.iter():
        name = str(element.tag).rpartition("}")[2].lower()
        if name in _ACTIVE:
            return f"holds <{name}>"
        for attribute, value in element.attrib.items():
            key, shown = attribute.rpartition("}")[2].lower(), re.sub(r"[\x00-\x20]", "", value).lower()
            if key.startswith("on") or _SCRIPT.match(shown) or (key == "attributename" and "href" in shown):
                return f"has an active {key}"
    return None


def _near(root: Path, path: str) -> str:
    """What to do: name the pictures that are there."""
    folder = (root / path).parent
    try:
        names = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in _PICTURES)[:8]
    except OSError:
        names = []
    return f"add the file, or name one of {', '.join(names)}" if names else f"save the picture as {path}"
