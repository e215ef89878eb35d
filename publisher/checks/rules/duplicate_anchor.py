"""Two items of the issue have the same anchor.

## Why it matters

A link to the second story would lead to the first, and feeds would take the two for one.

## Example

`01-openai.md` and `02-openai.md`: both anchors are `openai`. Rename a file, or write `anchor: openai-robot` in one.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("duplicate-anchor", Severity.ERROR, __doc__, fixed=True)


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare anchors, written ones and those made from file names or headlines; report all but the first."""
    seen: dict[str, str] = {}
    for item in context.issue.items:
        place = item.places.of("anchor")
        if item.anchor in seen:
            message = f"the anchor {item.anchor} already belongs to {seen[item.anchor]}"
            yield CODE.at(place, message, help=f"write another, such as anchor: {item.anchor}-2")
        else:
            seen[item.anchor] = f"{place.path}:{place.span.line}"
