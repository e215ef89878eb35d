"""What a screen reader needs of an email, and that no slot of the theme was left unfilled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.edition.gates.stylesheet import tree
from publisher.edition.model import Edition

INACCESSIBLE = define("inaccessible-structure", Severity.ERROR)
SLOT_LEFT = define("slot-left", Severity.ERROR, fixed=True)
_MARKER = re.compile(r"slot[0-9a-f]{40}", re.IGNORECASE)


def check(edition: Edition, html: str, place: Place) -> Iterator[Diagnostic]:
    """Look at the structure of the HTML part, whose text is ``html``, and at both parts for markers."""
    written = len(_bare_tables(LexborHTMLParser(edition.web))) if "<table" in edition.web else 0
    yield from find(html, place, written)
    for name, text in (("HTML", html), (say("text"), edition.text.fill(lambda _: ""))):
        if b"slot" in text.encode("utf-8", "surrogatepass").lower() and _MARKER.search(text):
            yield SLOT_LEFT.at(
                place,
                say("a slot in the {name} part was not recognised", name=name),
                help=say("use slots without filters"),
            )


def find(html: str, place: Place, written: int = 0) -> Iterator[Diagnostic]:
    """The findings over the HTML of an email; ``written`` tables without a role or a head are an author's own."""
    email = tree(html)
    root = email.root
    attributes = root.attributes if root is not None else {}
    faults = [say("<html> has no {name}", name=name) for name in ("lang", "dir") if not attributes.get(name)]
    pictures = email.css("img:not([alt])")
    faults += [
        say("the picture {source} has no alt", source=picture.attributes.get("src") or "None")
        for picture in pictures[:3]
    ]
    if len(_bare_tables(email)) > written:
        faults.append(say("a layout table has no role=presentation"))
    if (count := len(email.css("h1"))) != 1:
        faults.append(say("there are {count} headings of level 1, and there has to be one", count=count))
    for fault in faults:
        yield INACCESSIBLE.at(place, fault, help=say("put it back into the theme's template"))


def _bare_tables(html: LexborHTMLParser) -> list[LexborNode]:
    """Tables that neither say that they are layout nor have the headers of data."""
    return [table for table in html.css("table:not([role])") if not table.css("th")]
