"""The elements and style sheets of an email, parsed once for all gates; a minimal CSS parser for rules and at-rules.

Themes come from this package or an editor and are not hostile; CSS that cannot be parsed is skipped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser

SHEET = re.compile(r"<style[^>]*>([^<]*(?:<(?!/style>)[^<]*)*)</style>")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StyleRule:
    """Style rule. ``context`` holds the enclosing at-rules, outermost first."""

    selector: str
    declarations: tuple[tuple[str, str, bool], ...]  # property, value, whether it is !important
    context: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def tree(html: str) -> LexborHTMLParser:
    """Parse an email. The tree is shared by the gates, which do not change it."""
    return LexborHTMLParser(html)


@lru_cache(maxsize=1)
def sheets(html: str) -> list[str]:
    """The style sheets of an email."""
    return SHEET.findall(html)


@lru_cache(maxsize=64)
def rules(css: str) -> tuple[StyleRule, ...]:
    """Parse a style sheet, at-rules included. Cached: the issues of a theme share its style sheets."""
    return tuple(_rules(css))


def _rules(css: str, context: tuple[str, ...] = ()) -> Iterator[StyleRule]:
    css = _COMMENT.sub("", css)
    at = 0
    while (brace := css.find("{", at)) >= 0:
        prelude = css[at:brace].rsplit(";", 1)[-1].strip()
        end = _closing(css, brace)
        body = css[brace + 1 : end]
        if prelude.startswith("@") and "{" in body:
            yield from _rules(body, (*context, prelude))
        elif prelude.startswith("@"):  # such as @font-face, which contains no rules
            yield StyleRule("", (), (*context, prelude))
        else:
            yield StyleRule(prelude, tuple(declarations(body)), context)
        at = end + 1


def declarations(body: str) -> Iterator[tuple[str, str, bool]]:
    """Yield property, value and whether it is ``!important``, for a declaration block or a style attribute."""
    for part in re.split(r";(?![^(]*\))", body):
        name, colon, value = part.partition(":")
        if not colon:
            continue
        value, important, _ = value.strip().partition("!important")
        yield name.strip().lower(), value.strip(), bool(important)


def _closing(css: str, brace: int) -> int:
    """The index of the brace that closes the one at ``brace``; the length of the text if there is none."""
    depth = 0
    for found in re.finditer(r"[{}]", css[brace:]):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return brace + found.start()
    return len(css)
