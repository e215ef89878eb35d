"""Two items of the issue were given the same anchor."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("duplicate-anchor", Severity.ERROR, fixed=True)


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare the anchors; report all but the first. Only written ones can be the same."""
    seen: dict[str, str] = {}
    for item in context.issue.items:
        place = item.places.of("anchor")
        if item.anchor in seen:
            message = say("the anchor {anchor} already belongs to {seen}", anchor=item.anchor, seen=seen[item.anchor])
            yield CODE.at(place, message, help=say("write another, such as anchor: {anchor}-2", anchor=item.anchor))
        else:
            seen[item.anchor] = f"{place.path}:{place.span.line}"
