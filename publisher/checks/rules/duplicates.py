"""Two items of the issue have the same anchor or headline: all but the first are reported."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

ANCHOR = define("duplicate-anchor", Severity.ERROR, fixed=True)
HEADLINE = define("duplicate-headline", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare anchors (only written ones can be the same), and headlines without case, width and white space."""
    anchors: dict[str, str] = {}
    headlines: dict[str, str] = {}
    for item in context.issue.items:
        place, anchor = item.places.of("anchor"), item.anchor
        if anchor in anchors:
            message = say("the anchor {anchor} already belongs to {seen}", anchor=anchor, seen=anchors[anchor])
            yield ANCHOR.at(place, message, help=say("write another, such as anchor: {anchor}-2", anchor=anchor))
        else:
            anchors[anchor] = f"{place.path}:{place.span.line}"
        place, key = item.places.of("headline"), unicodedata.normalize("NFKC", item.headline).casefold()
        if (key := "".join(key.split())) in headlines:
            message = say("the headline already stands at {seen}", seen=headlines[key])
            yield HEADLINE.at(place, message, help=say("delete one of the two, or reword it"))
        elif key:
            headlines[key] = f"{place.path}:{place.span.line}:{place.span.column}"
