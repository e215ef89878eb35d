"""The static files of the theme: ``templates/web`` of the newsletter, file by file over the package's own."""

from __future__ import annotations

import hashlib

from publisher.config import Config
from publisher.edition.theme_folder import package_theme, theme_folder
from publisher.errors import UsageError
from publisher.site.model import SiteFile

STATIC = {"style": "style.css", "script": "search.js", "icon": "icon.svg"}


def static_files(config: Config) -> dict[str, SiteFile]:
    """The files that every page refers to, by their role. The path carries a hash: it can be cached for ever."""
    return {role: _static(config, name) for role, name in STATIC.items()}


def _static(config: Config, name: str) -> SiteFile:
    for folder in (theme_folder(config), package_theme()):
        file = folder / "web" / name
        if file.is_file():
            if not file.resolve().is_relative_to(folder.resolve()):
                raise UsageError(f"{file} is a link out of the theme", help="copy the file in")
            content = file.read_bytes()
            stem, _, suffix = name.rpartition(".")
            return SiteFile(f"assets/{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}", content)
    raise UsageError(f"the theme has no web/{name}", help="install the package again: its own theme is incomplete")
