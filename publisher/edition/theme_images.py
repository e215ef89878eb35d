"""Pictures in a theme's own folder: those that a template or a sheet names.

``src="images/leaf.png"`` and ``url(images/leaf.png)`` are short for ``{{ image("images/leaf.png") }}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from publisher.config import Config
from publisher.config.theme import store, theme_folders
from publisher.diagnostics import Fault, say
from publisher.edition.brand import Brand, asset_of
from publisher.edition.model import Asset
from publisher.issue import codes
from publisher.issue.opening import PictureFile, open_file

_ASKED = re.compile(r"""\bimage\(\s*(["'])([^"'\\\n]+)\1\s*\)""")
_NAME = r"""([^\s"'(){}<>:#?/\\][^"'(){}<>:#?\\\n]*\.(?:png|jpe?g|gif|webp|avif|svg))(?=\s*["')])"""
_JINJA = r"\{#.*?#\}|\{%[-+]?\s*raw\b.*?\bendraw\s*[-+]?%\}|\{\{.*?\}\}|\{%.*?%\}"
_WRITTEN = re.compile(rf"""{_JINJA}|(?<![\w-])(src=["']|url\(\s*["']?){_NAME}""", re.DOTALL | re.IGNORECASE)
SHEET_PICTURE = re.compile(rf"""/\*.*?\*/|\b(url\(\s*["']?){_NAME}""", re.DOTALL | re.IGNORECASE)
"""A picture that a sheet names: what stands before it, and its name; neither for a comment."""


def asking(template: str) -> str:
    """A template that asks for the pictures that it names by a path from the theme's root; lines stay as they are."""
    return _WRITTEN.sub(lambda found: f'{found[1]}{{{{ image("{found[2]}") }}}}' if found[2] else found[0], template)


def asked_images(config: Config) -> Mapping[str, Asset | Fault]:
    """Each picture by the name that a template or sheet of the newsletter's own theme has, or what is wrong with it.

    The names are read there, for a page that is not made again still shows its pictures.
    """
    folders = [folder for folder in theme_folders(config) if not folder.is_relative_to(store())]
    found = {file.relative_to(folder): file for folder in folders[::-1] for file in folder.rglob("*.*")}
    files = [file for file in found.values() if file.suffix in {".j2", ".html", ".css"} and file.is_file()]
    texts = ((file.suffix, file.read_text(encoding="utf-8", errors="replace")) for file in files)
    names = dict.fromkeys(
        asked[2]
        for suffix, text in texts
        for asked in (SHEET_PICTURE.finditer(text) if suffix == ".css" else _ASKED.finditer(asking(text)))
    )
    return {name: _image(folders, name) for name in names if name}


def theme_assets(config: Config) -> Iterator[Asset]:
    """What is published of the brand, and of the theme's pictures."""
    yield from Brand.of(config).assets
    yield from (found for found in asked_images(config).values() if isinstance(found, Asset))


def _image(folders: list[Path], name: str) -> Asset | Fault:
    folder = next((folder for folder in folders if (folder / name).is_file()), None)
    if folder is None:
        message = say("the theme has no picture {name}", name=name)
        return Fault(codes.IMAGE_MISSING, message, say("put it into the folder of the theme, or correct the name"))
    file = folder / name
    if not file.resolve().is_relative_to(folder):
        message = say("{name} leads out of the folder of the theme", name=name)
        return Fault(codes.IMAGE_OUTSIDE, message, say("copy the picture in"))
    opened = open_file(file, name)
    if isinstance(opened, Fault):
        return opened
    try:
        status = file.stat()
        return _asset(opened, status.st_mtime_ns, status.st_ctime_ns)
    except OSError as error:
        message = say("{path} cannot be read: {reason}", path=name, reason=error.strerror or str(error))
        return Fault(codes.IMAGE_UNREADABLE, message, say("make it readable, and commit it"))


@lru_cache(maxsize=64)
def _asset(opened: PictureFile, *_times: int) -> Asset:
    return asset_of(opened)
