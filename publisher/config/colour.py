"""CSS colours, their contrast (WCAG 2.2) and lightness in OKLCH (B. Ottosson, 2020; CSS Color 4)."""

import math
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

RGB = tuple[int, int, int]
ENOUGH = 4.5
"""Minimum contrast of text with its background (WCAG 2.2, 1.4.3)."""
_NO_COLOUR = frozenset({"", "none", "transparent", "currentcolor", "inherit", "initial", "unset", "revert"})
_STEPS = 400


@lru_cache(maxsize=4096)
def parse(value: str) -> RGB | None:
    """Parse a CSS colour; ``None`` for anything but an opaque colour (``transparent``, ``inherit``, a gradient)."""
    value = value.strip().lower()
    if found := re.search(r"#([0-9a-f]{6}|[0-9a-f]{3})\b", value):
        digits = found[1] if len(found[1]) == 6 else "".join(c * 2 for c in found[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if found := re.fullmatch(r"rgb\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)\s*\)", value):
        return int(found[1]), int(found[2]), int(found[3])
    word = value if value.startswith("hsl(") else value.partition(" ")[0]
    if word in _NO_COLOUR:
        return None
    from PIL import ImageColor

    try:
        channels = ImageColor.getrgb(word)
    except ValueError:
        return None
    return channels if len(channels) == 3 else None


def written(colour: RGB) -> str:
    """``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: RGB) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    red, green, blue = map(_linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=1024)
def contrast(one: RGB, other: RGB) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def told(ratio: float) -> float:
    """A contrast for display: truncated, not rounded, so that a value below a limit never reads as the limit."""
    return math.floor(ratio * 10) / 10


def least_contrast(colour: RGB, grounds: Iterable[RGB]) -> float:
    """The smallest contrast of a colour with any of the backgrounds."""
    return min(contrast(colour, ground) for ground in grounds)


@lru_cache(maxsize=64)
def nearest(colour: RGB, grounds: tuple[RGB, ...], at_least: float, start: float | None = None) -> RGB:
    """The colour of the same hue and chroma with contrast ``at_least`` on every background, nearest in lightness.

    ``start`` is the lightness (0 to 1) to search from; by default the colour's own. Chroma is reduced if sRGB has no
    such colour. If no lightness passes, for instance on both dark and light backgrounds, the best one is returned.
    """
    best = colour
    for candidate in shades(colour, start):
        if least_contrast(candidate, grounds) >= at_least:
            return candidate
        best = max(best, candidate, key=lambda one: least_contrast(one, grounds))
    return best


def shades(colour: RGB, start: float | None = None) -> Iterator[RGB]:
    """Colours of the same hue and chroma, with lightness moving away from ``start`` (by default the colour's own)."""
    lightness, chroma, hue = _oklch(colour)
    first = lightness if start is None else start
    moved = sorted((step / _STEPS for step in range(_STEPS + 1)), key=lambda value: abs(value - first))
    return (_in_gamut(value, chroma, hue) for value in (first, *moved))


def _linear(channel: int) -> float:
    part = channel / 255
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _oklch(colour: RGB) -> tuple[float, float, float]:
    """Lightness 0 to 1, chroma, and hue in radians."""
    r, g, b = map(_linear, colour)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    green_red = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    blue_yellow = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, math.hypot(green_red, blue_yellow), math.atan2(blue_yellow, green_red)


def _in_gamut(lightness: float, chroma: float, hue: float) -> RGB:
    """The colour with its chroma reduced to what sRGB has at this lightness."""
    for part in range(20, -1, -1):
        channels = _rgb(lightness, chroma * part / 20, hue)
        if all(-0.0005 <= channel <= 1.0005 for channel in channels):
            break
    red, green, blue = (round(255 * min(max(channel, 0), 1)) for channel in channels)
    return red, green, blue


def _rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    red, green, blue = (
        12.92 * part if part <= 0.0031308 else 1.055 * math.copysign(abs(part) ** (1 / 2.4), part) - 0.055
        for part in linear
    )
    return red, green, blue
