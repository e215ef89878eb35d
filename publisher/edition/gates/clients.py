"""What mail clients lack: the features an email uses, held against caniemail's table (see data/caniemail.LICENSE).

A feature that a client lacks is fine where the email is as readable without it; those are allowed below, each for a
reason. What a theme or an author adds beyond them is reported with the clients that will not show it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files

from publisher.config import Config
from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.edition.gates.stylesheet import declarations, rules
from publisher.edition.model import Edition
from publisher.issue.model import Issue

CLIENT_LACKS = define("client-lacks", Severity.WARNING)

FAMILIES = {"apple-mail": "Apple Mail", "gmail": "Gmail", "outlook": "Outlook", "yahoo": "Yahoo"}

# Readable without it; the reason stands beside it.
HARMLESS = {
    "css-at-media": "the phone layout and dark mode are extras over a fluid column",
    "css-at-media-prefers-color-scheme": "light mode is the fallback",
    "css-border-radius": "square corners",
    "css-box-shadow": "no shadow",
    "css-box-sizing": "the layout does not count on it",
    "css-color-scheme": "light mode is the fallback",
    "css-font": "the client's own font",
    "css-letter-spacing": "set tight",
    "css-max-width": "Outlook takes the width of the table written for it",
    "css-overflow-wrap": "a long word overflows a little",
    "css-pseudo-class-hover": "a phone has no hover",
    "css-table-layout": "a wide picture of an author's may widen the column",
    "css-text-decoration-color": "underlined in the text's colour",
    "css-text-decoration-thickness": "underlined at the usual thickness",
    "css-text-underline-offset": "underlined at the usual distance",
    "css-word-break": "a long word overflows a little",
    "css-height": "automatic on pictures, whose width is given",
    "css-hyphens": "words are not divided",
    "css-max-height": "the preheader is hidden in other ways as well",
    "css-opacity": "the preheader is hidden in other ways as well",
    "css-outline": "pictures have no frame to begin with",
    "css-overflow": "the preheader is hidden in other ways as well",
    "css-white-space": "lines of code fold, which they may",
    "css-word-spacing": "words stand a little closer",
    "css-important": "only used to override in dark mode and on phones",
    "css-selector-attribute": "only used for one client's dark mode",
    "css-selector-child": "only used for extras",
    "css-selector-descendant": "only used for extras",
    "css-selector-class": "styles are inlined; classes carry the extras",
    "css-selector-chaining": "only used for extras",
    "css-selector-grouping": "styles are inlined",
    "css-selector-id": "styles are inlined",
    "css-selector-type": "styles are inlined",
    "css-selector-universal": "styles are inlined",
    "html-style": "styles are inlined as well",
    "html-aria-hidden": "decoration is read aloud at worst",
    "html-aria-label": "the content says the same",
    "html-aria-labelledby": "the content says the same",
    "html-role": "layout tables are announced at worst",
    "html-lang": "the client's language",
    "html-dir": "left to right",
    "html-meta-color-scheme": "light mode is the fallback",
    "html-body": "the wrapper carries the styles again",
    "html-doctype": "clients set their own",
    "html-semantics": "shown as a block",
    "html-comments": "conditional comments are for Outlook alone",
    "html-abbr": "the abbreviation stands as it is",
    "html-bdi": "the text stands as it is",
    "html-wbr": "a long word overflows a little",
    "html-ruby": "the reading follows in parentheses",
    "html-rt": "the reading follows in parentheses",
    "html-rp": "the reading follows in parentheses",
}

_GROUPS = (
    (re.compile(r"h[1-6]"), "html-h1-h6"),
    (re.compile(r"ul|ol|li|dl|dt|dd"), "html-lists"),
    (
        re.compile(r"article|aside|details|figcaption|figure|footer|header|main|mark|nav|section|summary|time"),
        "html-semantics",
    ),
    (re.compile(r"strong|b"), "html-strong"),
)
_VALUES = {"flex": "css-display-flex", "grid": "css-display-grid", "inline-flex": "css-display-flex"}
_FUNCTIONS = {
    "calc": "css-unit-calc", "min": "css-function-min", "max": "css-function-max", "clamp": "css-function-clamp",
    "rgba": "css-rgba", "linear-gradient": "css-linear-gradient", "radial-gradient": "css-radial-gradient",
    "conic-gradient": "css-conic-gradient", "var": "css-variables", "light-dark": "css-function-light-dark",
}  # fmt: skip
_UNIT = re.compile(r"(?<![#\w.])-?\d*\.?\d+(rem|vh|vw|vmin|vmax|ch|ex|em)\b")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SHEET = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
_TEXT = re.compile(r">[^<]*<")
_TAG = re.compile(r"<([a-z][a-z0-9]*)")
_ATTRIBUTE = re.compile(r'\s([a-z-]+)="')
_INPUT = re.compile(r'<input[^>]* type="(\w+)"')
_STYLE = re.compile(r'\sstyle="([^"]*)"')
_SIDE = re.compile(r"^(margin|padding|border)-(top|right|bottom|left)(-.*)?$")
_PSEUDO = re.compile(r"::?([a-z-]+)")


@cache
def _table() -> dict[str, dict[str, dict[str, str]]]:
    """Feature → ``n`` (lacks) or ``a`` (partly) → family → platforms."""
    text = files("publisher.edition.gates").joinpath("data/caniemail.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, dict[str, str]]] = json.loads(text)["features"]
    return table


def check(edition: Edition, issue: Issue, _config: Config) -> list[Diagnostic]:
    """A finding for each feature that a large client lacks."""
    return find(edition.html.fill(lambda _: "#"), issue.places.of())


def find(html: str, place: Place) -> list[Diagnostic]:
    """The findings over the HTML of an email."""
    found = []
    table = _table()
    for feature in sorted(set(features(html)) & table.keys() - HARMLESS.keys()):
        lacking = table[feature].get("n", {})
        clients = [f"{FAMILIES[family]} ({where})" for family, where in lacking.items() if family in FAMILIES]
        if clients:
            name = feature.removeprefix("css-").removeprefix("html-")
            kind = "CSS" if feature.startswith("css-") else "HTML"
            found.append(
                CLIENT_LACKS.at(
                    place,
                    say(
                        "the email uses {kind} {name}, which {clients} does not show",
                        kind=kind,
                        name=name,
                        clients="; ".join(clients),
                    ),
                    help=say("do without it, or give a fallback that reads as well"),
                )
            )
    return found


def features(html: str) -> Iterator[str]:
    """The names, in caniemail's words, of what the HTML uses."""
    visible = _COMMENT.sub("", html)
    sheets = _SHEET.findall(visible)
    markup = _TEXT.sub("><", _SHEET.sub("", visible))
    for tag in set(_TAG.findall(markup)):
        yield next((slug for pattern, slug in _GROUPS if pattern.fullmatch(tag)), f"html-{tag}")
    for name in set(_ATTRIBUTE.findall(markup)) - {"style"}:
        yield f"html-{name}"
    for kind in set(_INPUT.findall(markup)):
        yield f"html-input-{kind}"
    for style in set(_STYLE.findall(markup)):
        yield from _of_style(style)
    for sheet in sheets:
        yield from _of_sheet(sheet)


@lru_cache(maxsize=4096)
def _of_style(style: str) -> frozenset[str]:
    """What a style attribute uses; a theme has few different ones."""
    return frozenset(_declared(declarations(style)))


@lru_cache(maxsize=64)
def _of_sheet(sheet: str) -> frozenset[str]:
    """What a style sheet uses."""
    found: set[str] = set()
    for rule in rules(sheet):
        found.update(f"css-at-{at[1:].split()[0].split('(')[0]}" for at in rule.context if at.startswith("@"))
        for name in _PSEUDO.findall(rule.selector):
            found.update((f"css-pseudo-class-{name}", f"css-pseudo-element-{name}"))
        found.update(_declared(rule.declarations))
    return frozenset(found)


def _declared(declared: Iterable[tuple[str, str, bool]]) -> Iterator[str]:
    for name, value, _ in declared:
        yield "css-" + _SIDE.sub(r"\1", name)
        if name == "display" and value in _VALUES:
            yield _VALUES[value]
        yield from (slug for function, slug in _FUNCTIONS.items() if f"{function}(" in value)
        yield from (f"css-unit-{unit}" for unit in _UNIT.findall(value))
