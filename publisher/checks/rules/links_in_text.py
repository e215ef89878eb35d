"""Links inside Markdown lead where readers may be sent: the codes are those of every link of an issue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic
from publisher.issue.links import fault_of_link

_WITHIN = re.compile(r"(\.{0,2}/(?!/)|#).*", re.DOTALL)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at each link; one that begins with ``/``, ``./``, ``../`` or ``#`` leads within the archive."""
    for text in context.texts:
        for link in text.parts.links:
            if not _WITHIN.fullmatch(link.url) and (fault := fault_of_link(link.url)):
                code, message, advice = fault
                yield code.at(link.place, message, help=advice)
