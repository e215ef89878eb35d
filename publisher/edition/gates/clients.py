"""Compare the features that an email uses with caniemail's table of what clients lack (see data/caniemail.LICENSE).

Features without which an email is as readable are ignored. Any other that a theme or an author uses is reported with
the clients that do not show it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files

from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.edition.gates.stylesheet import SHEET, declarations, rules

CLIENT_LACKS = define("client-lacks", Severity.WARNING)

FAMILIES = {"apple-mail": "Apple Mail", "gmail": "Gmail", "outlook": "Outlook", "yahoo": "Yahoo"}

_GROUPS = tuple((re.compile(tags), slug) for tags, slug in (
    ("h[1-6]", "html-h1-h6"), ("ul|ol|li|dl|dt|dd", "html-lists"), ("strong|b", "html-strong"),
    ("article|aside|details|figcaption|figure|footer|header|main|mark|nav|section|summary|time", "html-semantics"),
))  # fmt: skip
_VALUES = {"flex": "css-display-flex", "grid": "css-display-grid", "inline-flex": "css-display-flex"}
_FUNCTIONS = {
    "calc": "css-unit-calc", "min": "css-function-min", "max": "css-function-max", "clamp": "css-function-clamp",
    "rgba": "css-rgba", "linear-gradient": "css-linear-gradient", "radial-gradient": "css-radial-gradient",
    "conic-gradient": "css-conic-gradient", "var": "css-variables", "light-dark": "css-function-light-dark",
}  # fmt: skip
_UNIT = re.compile(r"(?<![#\w.])-?(?:\d*\.)?\d+(rem|vh|vw|vmin|vmax|ch|ex|em)\b")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_START = re.compile(r'<[^>"]*+(?:"[^"]*+"[^>"]*+)*+>')  # an alt text may contain >
_VALUE = re.compile(r' (href|src|alt|id|title|aria-label)="[^"\0]*"')
_TAG = re.compile(r"<([a-z][a-z0-9]*)")
_ATTRIBUTE = re.compile(r'\s([a-z-]+)="')
_INPUT = re.compile(r'<input[^>]* type="(\w+)"')
_STYLE = re.compile(r'\sstyle="([^"]*)"')
_SIDE = re.compile(r"^(margin|padding|border)-(top|right|bottom|left)(-.*)?$")
_PSEUDO = re.compile(r"::?([a-z-]+)")


@cache
def _table() -> dict[str, dict[str, dict[str, str]]]:
    """Feature → ``n`` (unsupported) or ``a`` (partly) → family → platforms; without the features that an email can do
    without, which ``data/harmless.json`` lists with reasons.
    """
    table, harmless = (
        json.loads(files("publisher.edition.gates").joinpath(f"data/{name}.json").read_text(encoding="utf-8"))
        for name in ("caniemail", "harmless")
    )
    return {feature: lack for feature, lack in table["features"].items() if feature not in harmless}


def find(html: str, place: Place) -> Iterator[Diagnostic]:
    """Return the findings for the HTML of an email."""
    table = _table()
    for feature in sorted(features(html) & table.keys()):
        lacking = table[feature].get("n", {})
        clients = [f"{FAMILIES[family]} ({where})" for family, where in lacking.items() if family in FAMILIES]
        if clients:
            name = feature.removeprefix("css-").removeprefix("html-")
            told = {"kind": "CSS" if feature.startswith("css-") else "HTML", "clients": "; ".join(clients)}
            message = say("the email uses {kind} {name}, which {clients} does not show", name=name, **told)
            yield CLIENT_LACKS.at(place, message, help=say("leave it out, or give a fallback that reads as well"))


def written(kind: str, name: str) -> re.Pattern[str]:
    """The ways in which a template or a style sheet writes a feature that :func:`find` names."""
    if kind == "HTML":
        return re.compile(rf"<{name}\b|(?<=\s){name}=")
    name = re.sub("^(?:at|display|function|pseudo-(?:class|element)|unit)-", "", name)
    return re.compile(r"var\(" if name == "variables" else rf"(?<![a-z#.-]){name}(?![\w-])")


def features(html: str) -> set[str]:
    """The features that the HTML uses, under caniemail's names."""
    visible = _COMMENT.sub("", html)
    tags = set(_VALUE.sub(r' \1=""', "\0".join(set(_START.findall(SHEET.sub("", visible))))).split("\0"))
    return set().union(*map(_of_tag, tags), *map(_of_sheet, SHEET.findall(visible)))


@lru_cache(maxsize=4096)
def _of_tag(written: str) -> frozenset[str]:
    """Features that a tag uses. Cached: most tags occur many times."""
    found = {f"html-{name}" for name in _ATTRIBUTE.findall(written) if name != "style"}
    found.update(f"html-input-{kind}" for kind in _INPUT.findall(written))
    for tag in _TAG.findall(written):
        found.add(next((slug for pattern, slug in _GROUPS if pattern.fullmatch(tag)), f"html-{tag}"))
    return frozenset(found.union(*map(_of_style, _STYLE.findall(written))))


@lru_cache(maxsize=4096)
def _of_style(style: str) -> frozenset[str]:
    """Features that a ``style`` attribute uses. Cached: a theme has few different ones."""
    return frozenset(_declared(declarations(style)))


@lru_cache(maxsize=64)
def _of_sheet(sheet: str) -> frozenset[str]:
    """Features that a style sheet uses."""
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
