"""Two items of the issue have the same headline."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("duplicate-headline", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare headlines without regard to case, width and white space; report all but the first."""
    seen: dict[str, str] = {}
    for item in context.issue.items:
        key = "".join(unicodedata.normalize("NFKC", item.headline).casefold().split())
        place = item.places.of("headline")
        if key and key in seen:
            yield CODE.at(
                place,
                say("the headline already stands at {seen}", seen=seen[key]),
                help=say("delete one of the two, or reword it"),
            )
        elif key:
            seen[key] = f"{place.path}:{place.span.line}:{place.span.column}"
