"""Raw HTML holds something that runs."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.html import RemovedKind, removals
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("removed-active-content", Severity.ERROR, fixed=True)


def check(context: Context) -> Iterator[Diagnostic]:
    """Scripts and their like, event handlers, ``javascript:`` in attributes."""
    for text in context.texts:
        for fragment, place in text.html():
            for removal in removals(fragment):
                if removal.kind is RemovedKind.ACTIVE:
                    message = say("{what} is active content, which is removed", what=removal.what)
                    yield CODE.at(place(removal.start, removal.end), message, help=say("delete it"))
