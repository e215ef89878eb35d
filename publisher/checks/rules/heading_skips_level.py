"""A heading skips a level."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("heading-skips-level", Severity.WARNING)


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare each heading of a text with the one before it."""
    for text in context.texts:
        before: int | None = None
        for heading in text.parts.headings:
            if before is not None and heading.level > before + 1:
                message = say(
                    "a heading of level {level} follows one of level {before}", level=heading.level, before=before
                )
                yield CODE.at(
                    heading.place,
                    message,
                    help=say("begin it with {signs}, or <h{level}>", signs="#" * (before + 1), level=before + 1),
                )
            before = heading.level
