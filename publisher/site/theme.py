"""The static files of the theme: ``templates/web`` of the newsletter, file by file over the package's own."""

from __future__ import annotations

import hashlib

from publisher.config import Config
from publisher.edition.theme import Theme, ThemeError
from publisher.errors import ConfigError
from publisher.site.model import SiteFile

STATIC = {"style": "style.css", "script": "search.js", "icon": "icon.svg"}


def static_files(config: Config) -> dict[str, SiteFile]:
    """The files that every page refers to, by their role. The path carries a hash: it can be cached for ever.

    Raises ConfigError, with the place, for a fault of the theme.
    """
    theme = Theme.of(config)
    try:
        texts = {
            "style": theme.style("web/style.css", config),
            "script": theme.read("web/search.js"),
            "icon": theme.render("web/icon.svg"),
        }
    except ThemeError as error:
        raise ConfigError([error.diagnostic], root=config.root) from error
    files = {role: _hashed(STATIC[role], text.encode()) for role, text in texts.items()}
    return files | {asset.name: SiteFile(asset.name, asset.content) for asset in theme.brand.assets}


def _hashed(name: str, content: bytes) -> SiteFile:
    stem, _, suffix = name.rpartition(".")
    return SiteFile(f"assets/{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}", content)
