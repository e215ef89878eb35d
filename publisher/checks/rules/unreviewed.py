"""A text that a model wrote names nobody who reviewed it, where config.yaml asks for that.

Regulation (EU) 2024/1689, Art. 50(4): no label is owed where a person reviewed the text and answers for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.issue.model import Grade, Issue, Item

CODE = define("unreviewed", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at each ``generated`` of the issue and its items; what a model only helped with needs no reviewer."""
    if context.config.checks.generated != "required":
        return
    owners: tuple[Issue | Item, ...] = (context.issue, *context.issue.items)
    for owner in owners:
        for part, origin in owner.generated:
            if origin.grade is not Grade.ASSISTED and not origin.reviewed_by:
                place = owner.places.of("generated", *([part] if part else []))
                message = say("nobody is named who reviewed what {model} wrote", model=origin.by)
                yield CODE.at(place, message, help=say("review it, and name yourself: reviewed_by: …"))
