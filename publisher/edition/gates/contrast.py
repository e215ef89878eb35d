"""Contrast of text in light and dark mode: WCAG 2.2, success criterion 1.4.3; a logo that cannot be seen there.

The cascade of an email is small: styles are inlined, and dark mode is a few rules in one media query. It is therefore
resolved here, for every element with text, without a browser.
"""

import io
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.config import Config
from publisher.config import colour as colours
from publisher.config.theme import rgb
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, define, say
from publisher.edition.brand import Brand, place_of
from publisher.edition.gates.stylesheet import declarations, rules, sheets, tree

LOW_CONTRAST = define("low-contrast", Severity.ERROR)
UNSEEN = define("theme-unseen", Severity.WARNING)
LIGHT_MODE, DARK_MODE = say("light"), say("dark")
_CLOSE = say("in {mode} mode text has a contrast of {contrast:.1f} to 1: {colour} on {ground}")
_APART = say("give the text a contrast of 4.5 to 1 in the theme")

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLANK = dict.fromkeys(map(ord, "\u200c\u034f\u2007\ufeff\xa0"))  # the padding of a preheader
_SIZE = re.compile(r"([\d.]+)px")
DARK = "prefers-color-scheme:dark"
_Declared = tuple[tuple[str, str, bool], ...]  # property, value, whether it is !important
_SEEN, _SHARE, _SAMPLE = 1.5, 0.01, 256
"""Contrast of a visible pixel; share of them that a logo needs; side of the sampled grid in pixels."""


class _Style(NamedTuple):
    """Inherited properties of an element's text. ``ground`` is the background colour, ``size`` is in CSS pixels."""

    colour: colours.RGB = (0, 0, 0)
    ground: colours.RGB = (255, 255, 255)
    size: float = 16.0
    bold: bool = False


def find(html: str, place: Place) -> list[Diagnostic]:
    """Return the findings for the HTML of an email."""
    return [
        LOW_CONTRAST.at(place, close_words(DARK_MODE if dark else LIGHT_MODE, contrast, colour, ground), help=_APART)
        for (dark, colour, ground), contrast in close_pairs(html).items()
    ]


def close_words(mode: Sentence, contrast: float, colour: colours.RGB, ground: colours.RGB) -> Sentence:
    """The message for a pair of colours with too little contrast."""
    pair = {"colour": colours.written(colour), "ground": colours.written(ground)}
    return say(_CLOSE, mode=mode, contrast=colours.told(contrast), **pair)


def close_pairs(html: str) -> dict[tuple[bool, colours.RGB, colours.RGB], float]:
    """Map (dark mode?, text colour, background) with too little contrast to the contrast."""
    root = tree(html)
    found: dict[tuple[bool, colours.RGB, colours.RGB], float] = {}
    for pair in _texts(root, _dark_styles(root, html)):
        for dark, style in enumerate(pair):
            contrast = colours.contrast(style.colour, style.ground)
            large = style.size >= 24 or (style.bold and style.size >= 18.66)
            if contrast < (3.0 if large else 4.5):
                found.setdefault((bool(dark), style.colour, style.ground), contrast)
    return found


def _dark_styles(root: LexborHTMLParser, html: str) -> dict[int, _Declared]:
    """The declarations of the dark media query, by element."""
    styles: dict[int, _Declared] = {}
    for rule in (rule for sheet in sheets(html) for rule in rules(sheet)):
        if rule.selector and any(DARK in at.replace(" ", "") for at in rule.context):
            for node in _select(root, rule.selector):
                styles[node.mem_id] = styles.get(node.mem_id, ()) + rule.declarations
    return styles


def _select(root: LexborHTMLParser, selector: str) -> list[LexborNode]:
    """The elements that match a selector; none if it is not supported, or has a pseudo-class such as ``:hover``."""
    try:
        return [] if ":" in selector.replace(":root", "") else root.css(selector.replace(":root", "html"))
    except Exception:  # selectolax raises several exceptions for an invalid selector
        return []


def _texts(root: LexborHTMLParser, declared: dict[int, _Declared]) -> Iterable[tuple[_Style, _Style]]:
    """The distinct pairs of styles, light and dark, of the visible texts, found in one walk."""
    found: dict[tuple[int, int], tuple[_Style, _Style]] = {}  # by id(): styles are cached, and this keeps them alive
    own = {node.mem_id: node.attributes for node in root.css("[style],[bgcolor]")}
    waiting = [(root.body, _Style(), _Style())] if root.body is not None else []
    while waiting:
        node, light, dark = waiting.pop()
        number = node.mem_id
        if number in own:
            written, ground = own[number].get("style") or "", own[number].get("bgcolor") or ""
            if _hidden(written):
                continue
            light, dark = _written(light, ground, written), _written(dark, ground, written)
        if number in declared:
            dark = _apply(dark, declared[number])
        pair, child = (id(light), id(dark)), node.child
        while child is not None:
            tag = child.tag or "-"
            if tag == "-text":
                if pair not in found and light.size > 0 and (child.text_content or "").translate(_BLANK).strip():
                    found[pair] = light, dark
            elif tag[0] != "-" and tag not in {"style", "script", "title", "head"}:
                waiting.append((child, light, dark))
            child = child.next
    return found.values()


@lru_cache(maxsize=4096)
def _hidden(written: str) -> bool:
    """Whether a style attribute hides its element."""
    return _HIDDEN.search(written) is not None


@lru_cache(maxsize=4096)
def _written(style: _Style, bgcolor: str, written: str) -> _Style:
    """Apply the attributes of an element to a style. Cached: there are few different inlined styles."""
    if ground := colours.parse(bgcolor):
        style = style._replace(ground=ground)
    return _apply(style, tuple(declarations(written)))


@lru_cache(maxsize=4096)
def _apply(style: _Style, declared: _Declared) -> _Style:
    """Apply a block of declarations to a style; the last declaration of a property wins."""
    for name, value in {name: value for name, value, _ in declared}.items():
        if name == "color" and (colour := colours.parse(value)):
            style = style._replace(colour=colour)
        elif name in {"background", "background-color"} and (ground := colours.parse(value)):
            style = style._replace(ground=ground)
        elif name == "font-size" and (size := _SIZE.search(value)):
            style = style._replace(size=float(size[1]))
        elif name == "font-weight":
            style = style._replace(bold=value in {"bold", "600", "700", "800", "900"})
    return style


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


def _lost(content: bytes, ground: colours.RGB) -> bool:
    """Whether almost no pixel of a picture differs from its background."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as given:
        image = given.convert("RGBA")
    image.thumbnail((_SAMPLE, _SAMPLE), Image.Resampling.NEAREST)  # averaging would fade thin lines
    counted: list[Any] = image.getcolors(_SAMPLE * _SAMPLE) or []
    drawn = [(count, pixel[:3]) for count, pixel in counted if pixel[3] >= 128]
    seen = sum(count for count, pixel in drawn if colours.contrast(pixel, ground) >= _SEEN)
    return bool(seen <= _SHARE * sum(count for count, _ in drawn))
