"""Lookup of a picture named in an issue: it has to exist, be within the repository, and be a valid picture.

Pictures that pass are published, so names that lead to the subscribers' database, a key or a web page are refused,
whatever their spelling and through any links. Checks and edition use the same function.
"""

import difflib
import os
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

from publisher.config.values import composed
from publisher.diagnostics import Fault, Sentence, either, listed, say
from publisher.issue import codes
from publisher.issue.folder import is_text
from publisher.issue.opening import SUFFIXES, PictureFile, no_picture, open_file

__all__ = ["PictureFile", "fault_of_address", "linked_picture", "picture_file"]

_SCHEME = re.compile(r"\s*(//|[A-Za-z][A-Za-z0-9+.-]*:)")
_MOST_FILES = 2_000


def fault_of_address(image: str) -> Fault | None:
    """The fault of a picture given as a URL instead of a path; None for a path."""
    match = _SCHEME.match(image)
    if match is None:
        return None
    scheme = match[1].lower()
    if scheme in {"http:", "https:", "//"}:
        return Fault(codes.IMAGE_REMOTE, say("the picture is fetched from another site"), _SAVE_IT)
    said = say("a path on one computer") if len(scheme) == 2 else say("an address of {scheme}", scheme=scheme)
    said = _ADDRESSES.get(scheme, said)
    message = say("readers would not see this picture, given as {said}", said=said)
    return Fault(codes.IMAGE_ADDRESS, message, _SAVE_IT)


_ADDRESSES = {
    "data:": say("its own bytes (data:)"),
    "file:": say("a path on one computer (file:)"),
    "javascript:": say("a program"),
}
_SAVE_IT = say("save the picture to images/ and write images/NAME")


def picture_file(root: Path, folder: str, image: str) -> PictureFile | Fault:
    """Open the picture written as ``image`` in the issue's ``folder``; return it, or its fault."""
    if fault := fault_of_address(image):
        return fault
    written = image.replace("\\", "/")
    path = posixpath.normpath(posixpath.join(folder, written))
    if written.startswith("/") or path.startswith("../") or path == "..":
        return Fault(codes.IMAGE_OUTSIDE, say("the picture is outside the repository"), _SAVE_IT)
    try:
        resolved = (root / path).resolve()
        inside, there, is_folder = resolved.is_relative_to(root.resolve()), resolved.is_file(), resolved.is_dir()
    except (OSError, RuntimeError, ValueError):
        inside, there, is_folder = True, False, False
    if not inside:
        return Fault(codes.IMAGE_OUTSIDE, say("the picture is a link out of the repository"), _SAVE_IT)
    if not there and (is_folder or written.lstrip()[:1] in {"", "#", "?"} or written.endswith("/")):
        return Fault(codes.IMAGE_MISSING, say("the picture names no file: {words}", words=image[:200]), _SAVE_IT)
    if not there and (twin := _twin(root / path)):
        return picture_file(root, folder, posixpath.join(posixpath.dirname(written), twin))
    if not there:
        message = say("there is no picture {path}", path=path[:200])
        return Fault(codes.IMAGE_MISSING, message, _near(root, folder, path))
    kept = resolved.relative_to(root.resolve())
    hidden = any(part.startswith(".") for part in kept.parts)
    return no_picture(path) if hidden else open_file(resolved, path)


def _twin(file: Path) -> str | None:
    """The name of the same file in other code points: é is one character or two, as Macs write it."""
    try:
        alike = (one for one in file.parent.iterdir() if composed(one.name) == composed(file.name))
        return next((one.name for one in alike if one.name != file.name and one.is_file()), None)
    except (OSError, ValueError):
        return None


def linked_picture(root: Path, folder: str, source: str) -> PictureFile | Fault:
    """Like :func:`picture_file`, for the URL of a picture in Markdown or HTML, where ``%20`` is a space."""
    return picture_file(root, folder, unquote(source))


def _near(root: Path, folder: str, path: str) -> Sentence:
    """The help for a missing picture: similar or existing names."""
    there = pictures_of(root / folder)
    name = posixpath.basename(path).casefold()
    same = [one for one in there if posixpath.basename(one).casefold() == name]
    same = same or [one for one in there if Path(one).stem.casefold() == Path(name).stem]
    if same:
        return say("write {words}", words=either(same[:3]))
    names = {posixpath.basename(one).casefold(): one for one in there}
    if near := difflib.get_close_matches(name, names, 1, 0.75):
        return say("write {words}", words=names[near[0]])
    if there:
        return say("add the file, or name one of {there}", there=listed(there[:8]))
    return say("save the picture as {path}", path=path[:200])


def pictures_of(folder: Path) -> list[str]:
    """The pictures of an issue, relative to its folder; those in ``images/`` first."""
    found: list[str] = []
    for seen, (at, folders, files) in enumerate(os.walk(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        base = Path(at).relative_to(folder)
        names = [name for name in sorted(files) if Path(name).suffix.lower() in SUFFIXES and is_text(name)]
        found += [(base / name).as_posix() for name in names]
        if seen > 50 or len(found) > _MOST_FILES:
            break
    return sorted(found, key=lambda one: not one.startswith("images/"))
