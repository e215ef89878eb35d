"""Text that can be read, in light and in dark: WCAG 2.2, success criterion 1.4.3.

The cascade of an email is small: styles are inlined, and dark mode is a handful of rules in one media query. So it is
resolved here, for every element that holds text, without a browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.config import colour as colours
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, define, say
from publisher.edition.gates.stylesheet import declarations, rules, sheets, tree

LOW_CONTRAST = define("low-contrast", Severity.ERROR)
LIGHT_MODE, DARK_MODE = say("light"), say("dark")

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLANK = dict.fromkeys(map(ord, "\u200c\u034f\u2007\ufeff\xa0"))  # what pads a preheader
_SIZE = re.compile(r"([\d.]+)px")
_SILENT = {"style", "script", "title", "head"}
DARK = "prefers-color-scheme:dark"


@dataclass(frozen=True, slots=True)
class _Style:
    """What an element's text inherits."""

    colour: colours.RGB = (0, 0, 0)
    ground: colours.RGB = (255, 255, 255)
    size: float = 16.0
    bold: bool = False


def find(html: str, place: Place) -> list[Diagnostic]:
    """The findings over the HTML of an email."""
    return [
        LOW_CONTRAST.at(
            place,
            close_words(DARK_MODE if dark else LIGHT_MODE, contrast, colour, ground),
            help=say("give the text a contrast of 4.5 to 1 in the theme"),
        )
        for (dark, colour, ground), contrast in close_pairs(html).items()
    ]


def close_words(mode: Sentence, contrast: float, colour: colours.RGB, ground: colours.RGB) -> Sentence:
    """What is wrong with a pair of colours."""
    return say(
        "in {mode} mode text has a contrast of {contrast:.1f} to 1: {colour} on {ground}",
        mode=mode,
        contrast=colours.told(contrast),
        colour=colours.written(colour),
        ground=colours.written(ground),
    )


def close_pairs(html: str) -> dict[tuple[bool, colours.RGB, colours.RGB], float]:
    """Pairs of text and ground that are too close, with their contrast; whether in the dark scheme stands first."""
    root = tree(html)
    found: dict[tuple[bool, colours.RGB, colours.RGB], float] = {}
    for pair in _texts(root.body, _dark_styles(root, html)) if root.body is not None else ():
        for dark, style in enumerate(pair):
            contrast = colours.contrast(style.colour, style.ground)
            large = style.size >= 24 or (style.bold and style.size >= 18.66)
            if contrast < (3.0 if large else 4.5):
                found.setdefault((bool(dark), style.colour, style.ground), contrast)
    return found


def _dark_styles(root: LexborHTMLParser, html: str) -> dict[int, tuple[tuple[str, str], ...]]:
    """What the dark media query declares, by element."""
    styles: dict[int, dict[str, str]] = {}
    for sheet in sheets(html):
        for rule in rules(sheet):
            if not any(DARK in at.replace(" ", "") for at in rule.context) or not rule.selector:
                continue
            for node in _select(root, rule.selector):
                for name, value, _ in rule.declarations:
                    styles.setdefault(node.mem_id, {})[name] = value
    return {node: tuple(declared.items()) for node, declared in styles.items()}


def _select(root: LexborHTMLParser, selector: str) -> list[LexborNode]:
    """The elements a selector means; none for one that is not understood (``:hover`` is no state of reading)."""
    try:
        return [] if ":" in selector.replace(":root", "") else root.css(selector.replace(":root", "html"))
    except Exception:  # selectolax raises several kinds for a selector it cannot read
        return []


def _texts(body: LexborNode, declared: dict[int, tuple[tuple[str, str], ...]]) -> Iterable[tuple[_Style, _Style]]:
    """What the visible texts inherit in light and in dark mode, each pair once, both found in one walk."""
    found: dict[tuple[int, int], tuple[_Style, _Style]] = {}  # a style is made once, and lives as long as it is here
    waiting = [(body, _Style(), _Style())]
    while waiting:
        node, light, dark = waiting.pop()
        attributes = node.attributes
        written, ground = attributes.get("style") or "", attributes.get("bgcolor") or ""
        if node.tag in _SILENT or _hidden(written):
            continue
        if written or ground:
            light, dark = _written(light, ground, written), _written(dark, ground, written)
        if node.mem_id in declared:
            dark = _apply(dark, declared[node.mem_id])
        pair, child = (id(light), id(dark)), node.child
        while child is not None:
            tag = child.tag or "-"
            if tag == "-text":
                if pair not in found and light.size > 0 and (child.text_content or "").translate(_BLANK).strip():
                    found[pair] = light, dark
            elif not tag.startswith("-"):
                waiting.append((child, light, dark))
            child = child.next
    return found.values()


@lru_cache(maxsize=4096)
def _hidden(written: str) -> bool:
    """Whether a style attribute hides its element."""
    return _HIDDEN.search(written) is not None


@lru_cache(maxsize=4096)
def _written(style: _Style, bgcolor: str, written: str) -> _Style:
    """The style after an element's own attributes. Inlined styles are few, so most are known."""
    if ground := colours.parse(bgcolor):
        style = replace(style, ground=ground)
    return _apply(style, tuple({name: value for name, value, _ in declarations(written)}.items()))


@lru_cache(maxsize=4096)
def _apply(style: _Style, declared: tuple[tuple[str, str], ...]) -> _Style:
    """The style after a block of declarations."""
    for name, value in declared:
        if name == "color" and (colour := colours.parse(value)):
            style = replace(style, colour=colour)
        elif name in {"background", "background-color"} and (ground := colours.parse(value)):
            style = replace(style, ground=ground)
        elif name == "font-size" and (size := _SIZE.search(value)):
            style = replace(style, size=float(size[1]))
        elif name == "font-weight":
            style = replace(style, bold=value in {"bold", "600", "700", "800", "900"})
    return style
