"""What a screen reader needs of an email, and that no slot of the theme was left unfilled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser

from publisher.config import Config
from publisher.diagnostics import Diagnostic, Place, Severity, define
from publisher.edition.model import Edition
from publisher.issue.model import Issue

INACCESSIBLE = define(
    "inaccessible-structure",
    Severity.ERROR,
    """The email lacks something that a screen reader needs.

## Why it matters

Without `lang` Chinese is read aloud as English; without `alt` a picture is read as its address; without
`role="presentation"` the layout is announced cell by cell. Nearly every newsletter fails here (Email Markup Consortium,
accessibility report 2026); ours does not.

## Example

A theme's template with `<mj-image src="…" />` and no `alt`.

Put what is missing back into the theme's template.
""",
)
SLOT_LEFT = define(
    "slot-left",
    Severity.ERROR,
    """A slot of the theme was not recognised.

## Why it matters

Readers would see an internal marker where their unsubscribe link should be.

## Example

`{{ slots.unsubscribe_url | upper }}` in a template: a filter changes the marker.

Use slots without filters.
""",
    fixed=True,
)
_MARKER = re.compile(r"slot[0-9a-f]{40}", re.IGNORECASE)


def check(edition: Edition, issue: Issue, _config: Config) -> Iterator[Diagnostic]:
    """Look at the HTML part's structure, and at both parts for markers."""
    place = issue.places.of()
    html = edition.html.fill(lambda _: "#")
    yield from find(html, place)
    for name, text in (("HTML", html), ("text", edition.text.fill(lambda _: ""))):
        if _MARKER.search(text):
            yield SLOT_LEFT.at(place, f"a slot in the {name} part was not recognised", help="use slots without filters")


def find(html: str, place: Place) -> Iterator[Diagnostic]:
    """The findings over the HTML of an email."""
    tree = LexborHTMLParser(html)
    root = tree.root
    attributes = root.attributes if root is not None else {}
    faults = [f"<html> has no {name}" for name in ("lang", "dir") if not attributes.get(name)]
    pictures = tree.css("img:not([alt])")
    faults += [f"the picture {picture.attributes.get('src')} has no alt" for picture in pictures[:3]]
    if tables := tree.css("table:not([role])"):
        bare = [table for table in tables if not table.css("th")]  # a table with headers holds data
        faults += [f"{len(bare)} layout tables have no role=presentation"] if bare else []
    if len(tree.css("h1")) != 1:
        faults.append(f"there are {len(tree.css('h1'))} headings of level 1, and there has to be one")
    for fault in faults:
        yield INACCESSIBLE.at(place, fault, help="put it back into the theme's template")
