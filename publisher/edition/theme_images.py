"""Pictures in a theme's own folder: those that a template asks for with ``{{ image("images/leaf.png") }}``."""

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


def asked_images(config: Config) -> Mapping[str, Asset | Fault]:
    """Each picture by the name that a template of the newsletter's own theme asks for, or what is wrong with it.

    The names stand in the templates, for a page that is not made again still shows its pictures.
    """
    folders = [folder for folder in theme_folders(config) if not folder.is_relative_to(store().resolve())]
    found = {file.relative_to(folder): file for folder in folders[::-1] for file in folder.rglob("*.*")}
    templates = [file for file in found.values() if file.suffix in {".j2", ".html"} and file.is_file()]
    texts = (file.read_text(encoding="utf-8", errors="replace") for file in templates)
    names = dict.fromkeys(asked[2] for text in texts for asked in _ASKED.finditer(text))
    return {name: _image(folders, name) for name in names}


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
