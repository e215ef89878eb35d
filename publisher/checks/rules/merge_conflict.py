"""A merge conflict was committed."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("merge-conflict", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for the marks of git's, in their order."""
    for text in context.texts:
        opened, parted = None, False
        for number, line in enumerate(text.prose.lines):
            if opened is None and line.startswith("<<<<<<< "):
                opened, parted = number, False
            elif opened is not None and line == "=======":
                parted = True
            elif opened is not None and parted and line.startswith(">>>>>>> "):
                place, opened = text.prose.place(opened, 0, 7), None
                yield CODE.at(
                    place,
                    say("a merge conflict is not resolved"),
                    help=say("keep one version; delete the lines of <, = and >"),
                )
