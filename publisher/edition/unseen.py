"""A logo that is too close to its background to be seen, in light or dark mode."""

import io
from collections.abc import Iterator
from typing import Any

from publisher.config import Config, colour
from publisher.config.theme import rgb
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.edition.brand import Brand, place_of
from publisher.edition.gates.contrast import DARK_MODE, LIGHT_MODE

UNSEEN = define("theme-unseen", Severity.WARNING)
_SEEN, _SHARE, _SAMPLE = 1.5, 0.01, 256
"""Contrast of a visible pixel; share of them that a logo needs; side of the sampled grid in pixels."""


def unseen(config: Config) -> Iterator[Diagnostic]:
    """Yield a finding for each file of the logo that cannot be seen on mail or pages of its scheme."""
    brand, logo = Brand.of(config), config.theme.logo
    if logo is None or brand.logo is None:
        return
    shown = (("light", logo.light, brand.logo.path, brand.light), ("dark", logo.dark, brand.logo.dark, brand.dark))
    for mode, file, path, palette in shown:
        if file is None or path is None:
            continue
        content = next(asset.content for asset in brand.assets if asset.name == path)
        ground = next((name for name in ("page", "paper") if _lost(content, rgb(palette[name]))), None)
        if ground is None:
            continue
        values = {"mode": DARK_MODE if mode == "dark" else LIGHT_MODE, "file": file, "colour": palette[ground]}
        told = say("in the {mode} scheme the logo {file} cannot be seen on its background {colour}", **values)
        advice = say("draw it in colours that are seen there, or put a ground of its own into the picture")
        yield UNSEEN.at(place_of(config.root, "theme", "logo", mode), told, help=advice)


def _lost(content: bytes, ground: colour.RGB) -> bool:
    """Whether almost no pixel of a picture differs from its background."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as given:
        image = given.convert("RGBA")
    image.thumbnail((_SAMPLE, _SAMPLE), Image.Resampling.NEAREST)  # averaging would fade thin lines
    counted: list[Any] = image.getcolors(_SAMPLE * _SAMPLE) or []
    drawn = [(count, pixel[:3]) for count, pixel in counted if pixel[3] >= 128]
    seen = sum(count for count, pixel in drawn if colour.contrast(pixel, ground) >= _SEEN)
    return bool(seen <= _SHARE * sum(count for count, _ in drawn))
