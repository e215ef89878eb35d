"""An email's elements and style sheets, read once for all gates; of CSS just enough: rules with their at-rules.

Themes are ours or an editor's, not hostile; what cannot be read is skipped, never guessed.
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
    """A style rule. ``context`` holds the at-rules around it, outermost first."""

    selector: str
    declarations: tuple[tuple[str, str, bool], ...]  # property, value, important
    context: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def tree(html: str) -> LexborHTMLParser:
    """The elements of an email, which the gates ask in turn and none changes."""
    return LexborHTMLParser(html)


@lru_cache(maxsize=1)
def sheets(html: str) -> list[str]:
    """The style sheets of an email."""
    return SHEET.findall(html)


@lru_cache(maxsize=64)
def rules(css: str) -> tuple[StyleRule, ...]:
    """The rules of a style sheet, those inside at-rules with their context. Issues of a theme share its sheets."""
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
        elif prelude.startswith("@"):  # @font-face and its like: no rule inside
            yield StyleRule("", (), (*context, prelude))
        else:
            yield StyleRule(prelude, tuple(declarations(body)), context)
        at = end + 1


def declarations(body: str) -> Iterator[tuple[str, str, bool]]:
    """Property, value and whether it is important, of a declaration block or a style attribute."""
    for part in re.split(r";(?![^(]*\))", body):
        name, colon, value = part.partition(":")
        if not colon:
            continue
        value, important, _ = value.strip().partition("!important")
        yield name.strip().lower(), value.strip(), bool(important)


def _closing(css: str, brace: int) -> int:
    """The index of the brace that closes the one at ``brace``; the end where none does."""
    depth = 0
    for found in re.finditer(r"[{}]", css[brace:]):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return brace + found.start()
    return len(css)
