"""Raw HTML holds something that is not kept."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.html import RemovedKind, removals
from publisher.checks.rules.text_swallowed import swallowed
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("removed-html", Severity.WARNING)


def check(context: Context) -> Iterator[Diagnostic]:
    """Elements, attributes and declarations that are not on the list."""
    for text in context.texts:
        told = {finding.span for finding in swallowed(text)}
        for fragment, place in text.html():
            for removal in removals(fragment):
                if removal.kind is RemovedKind.OTHER and place(removal.start, removal.end).span not in told:
                    message = say("{what} is not kept", what=removal.what)
                    yield CODE.at(place(removal.start, removal.end), message, help=say("use Markdown, or delete it"))
