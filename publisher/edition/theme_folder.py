"""Where the theme is. Apart from what runs it, so that asking for the folders loads no template engine."""

from __future__ import annotations

from pathlib import Path

from publisher.config import Config
from publisher.config.theme import BASE, folder_of, store


def package_theme() -> Path:
    """The theme that the package falls back to."""
    return store() / BASE


def theme_folder(config: Config) -> Path:
    """The newsletter's own templates where it has some, else the folder of its theme."""
    own = config.root / config.templates
    return own if own.is_dir() else folder_of(config.theme, config.root)


def theme_folders(config: Config) -> tuple[Path, ...]:
    """The folders in which a file of the theme is looked for: the newsletter's own, its theme's, the package's."""
    folders = (theme_folder(config), folder_of(config.theme, config.root), package_theme())
    return tuple(dict.fromkeys(folder.resolve() for folder in folders))
