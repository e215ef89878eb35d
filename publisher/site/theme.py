"""The static files of the theme: ``templates/web`` of the newsletter, file by file over the package's own."""

from __future__ import annotations

import re
from html import escape

from publisher.config import Config
from publisher.edition.brand import Brand, asset_name, theme_text
from publisher.edition.icon import initial
from publisher.edition.theme import Theme
from publisher.edition.theme_images import theme_assets
from publisher.site.model import SiteFile

STATIC = {"style": "style.css", "page": "site.js", "script": "search.js", "icon": "icon.svg"}
_NOTE = re.compile("^ *//.*\n", re.MULTILINE)
_COLOUR = re.compile(r"\{\{ theme\.(light|dark)\.(\w+) \}\}")


def static_files(config: Config) -> dict[str, SiteFile]:
    """The files that every page refers to, by their role. The path carries a hash: it can be cached for ever.

    Raises ConfigError, ThemeError and UsageError for what config.yaml or the theme names, or a file of the theme,
    that cannot be used.
    """
    brand = Brand.of(config)
    icon = theme_text(config, "web/icon.svg").replace("{{ initial }}", escape(initial(config)))
    icon = _COLOUR.sub(lambda place: getattr(brand, place[1])[place[2]], icon)
    texts = {"style": Theme.of(config).style("web/style.css", ""), "icon": icon}
    texts |= {role: _NOTE.sub("", theme_text(config, f"web/{STATIC[role]}")) for role in ("page", "script")}
    files = {role: _hashed(STATIC[role], text.encode()) for role, text in texts.items()}
    return files | {asset.name: SiteFile(asset.name, asset.content) for asset in theme_assets(config)}


def _hashed(name: str, content: bytes) -> SiteFile:
    stem, _, suffix = name.rpartition(".")
    return SiteFile(asset_name(stem, content, "." + suffix), content)
