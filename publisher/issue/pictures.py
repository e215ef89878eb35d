"""A picture that an issue names: is it there, and in the repository?"""

from __future__ import annotations

import posixpath
from pathlib import Path

from publisher.diagnostics import Code
from publisher.issue import codes

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg"})
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
    return path


def _near(root: Path, path: str) -> str:
    """What to do: name the pictures that are there."""
    folder = (root / path).parent
    try:
        names = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in _PICTURES)[:8]
    except OSError:
        names = []
    return f"add the file, or name one of {', '.join(names)}" if names else f"save the picture as {path}"
