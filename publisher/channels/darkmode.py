"""WeChat's conversion of an article's colours in dark mode: the rules and thresholds of its script mp-darkmode 1.2.1.

Backgrounds are converted first, then the text on them, by the perceived brightness of W3C's AERT, 0 to 255.
Source: https://github.com/wechatjs/mp-darkmode, doc/cn/principle.md and src/modules.
"""

import colorsys
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.config.colour import ENOUGH, RGB, contrast, parse, shades, written
from publisher.edition.gates.stylesheet import declarations

PAGE: RGB = (25, 25, 25)
"""Background of an article in dark mode."""
_TEXT: RGB = (25, 25, 25)
_DARK, _WHITE, _MOST_GROUND, _LEAST_OFFSET, _BRIGHT_GROUND = 25.0, 250.0, 190.0, 65.0, 100.0
_MOST_OFFSET = 163.0 - _DARK
_GREY, _LOW = 0.40, 0.22
"""Lightness in HSL: above the first, greys are inverted; below the second, backgrounds are lightened."""
_Channels = tuple[float, float, float]


def brightness(colour: _Channels) -> float:
    """Perceived brightness, 0 to 255."""
    return (colour[0] * 299 + colour[1] * 587 + colour[2] * 114) / 1000


@lru_cache(maxsize=1024)
def dark_ground(colour: RGB) -> RGB:
    """Convert a background: white and grey are inverted, bright colours darkened, very dark ones lightened."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(channel / 255 for channel in colour))
    if (saturation == 0 and lightness > _GREY) or brightness(colour) > _WHITE:
        grey = 255 * min(1.0, 1 + _DARK / 255 - lightness)
        return _whole((grey, grey, grey))
    if brightness(colour) > _MOST_GROUND:
        return _whole(_at_brightness(_MOST_GROUND, colour))
    return _whole(_hls(hue, _LOW, saturation)) if lightness < _LOW else colour


@lru_cache(maxsize=1024)
def dark_text(colour: RGB, ground: RGB) -> RGB:
    """Convert the colour of text or a border on a background already converted by :func:`dark_ground`."""
    return _whole(_text(colour, brightness(ground)))


def _text(colour: _Channels, ground: float) -> _Channels:
    own = brightness(colour)
    offset = abs(ground - own)
    if own >= _WHITE:
        return colour
    if offset > _MOST_OFFSET and ground <= _DARK + 2:
        return _at_brightness(_MOST_OFFSET + ground, colour)
    if offset >= _LEAST_OFFSET:
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(*(channel / 255 for channel in colour))
    bright = ground >= _BRIGHT_GROUND
    if lightness > 0.9 - _GREY if bright else lightness <= _GREY:
        return _text(_hls(hue, max(0.0, 0.9 - lightness), saturation), ground)
    return _at_brightness(min(_MOST_OFFSET, ground - _LEAST_OFFSET if bright else ground + _LEAST_OFFSET), colour)


def _at_brightness(target: float, colour: _Channels) -> _Channels:
    """Scale a colour to a brightness; if a channel is at its limit, another compensates."""
    ratio = target / max(brightness(colour), 1e-9)
    red, green, blue = (min(255.0, channel * ratio) for channel in colour)
    if green == 0 or 255 in (red, blue):
        green = (target * 1000 - red * 299 - blue * 114) / 587
    elif red == 0:
        red = (target * 1000 - green * 587 - blue * 114) / 299
    elif blue == 0 or green == 255:
        blue = (target * 1000 - red * 299 - green * 587) / 114
    return red, green, blue


def _hls(hue: float, lightness: float, saturation: float) -> _Channels:
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return red * 255, green * 255, blue * 255


def _whole(colour: _Channels) -> RGB:
    red, green, blue = (min(255, max(0, round(channel))) for channel in colour)
    return red, green, blue


@lru_cache(maxsize=64)
def readable_colour(colour: RGB, grounds: tuple[RGB, ...], light: tuple[RGB, ...] = ()) -> RGB:
    """The nearest lightness of a colour at which text is readable on ``grounds`` in both modes, on ``light`` in one.

    Returns the colour itself if there is none.
    """

    def readable(one: RGB) -> bool:
        dark = ((dark_text(one, below), below) for below in map(dark_ground, grounds))
        pairs = (*((one, ground) for ground in (*grounds, *light)), *dark)
        return all(contrast(text, ground) >= ENOUGH for text, ground in pairs)

    return next(filter(readable, (colour, *shades(colour))), colour)


def darkened(html: str) -> str:
    """An article's HTML with WeChat's dark colours, as a complete page."""
    root = LexborHTMLParser(html)
    assert root.body is not None
    root.body.attrs["style"] = f"background-color:{written(PAGE)};color:#a3a3a3"
    _recolour(root.body, _TEXT, PAGE)
    return root.html or ""


def _recolour(parent: LexborNode, text: RGB, ground: RGB) -> None:
    """Convert the children of an element; ``text`` is its light text colour, ``ground`` its dark background."""
    for node in parent.iter():
        below, given = ground, {name: value for name, value, _ in declarations(node.attributes.get("style") or "")}
        for name, value in given.items():
            if name in {"background", "background-color"} and (own := parse(value)):
                below = dark_ground(own)
                given[name] = written(below)
            elif name.startswith("border"):  # always converted as on the page's background
                words = ((word, parse(word)) for word in value.split())
                given[name] = " ".join(written(dark_text(edge, PAGE)) if edge else word for word, edge in words)
        colour = parse(given.get("color", ""))
        if colour or ("color" not in given and below is not ground):
            given["color"] = written(dark_text(colour or text, below))
        if given:
            node.attrs["style"] = ";".join(f"{name}:{value}" for name, value in given.items())
        _recolour(node, colour or text, below)
