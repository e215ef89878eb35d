"""Where the theme is. Apart from what runs it, so that asking for the folder loads no template engine."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from publisher.config import Config


def package_theme() -> Path:
    """The theme the package ships: inside a wheel, or beside the package in a checkout."""
    shipped = Path(str(importlib.resources.files("publisher"))) / "_theme"
    return shipped if shipped.is_dir() else Path(__file__).resolve().parents[2] / "templates"


def theme_folder(config: Config) -> Path:
    """The newsletter's own theme where it has one, else the package's."""
    own = config.root / config.templates
    return own if own.is_dir() else package_theme()
