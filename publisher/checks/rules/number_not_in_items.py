"""A number in the key points appears nowhere in the items."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.lines import Line
from publisher.checks.numbers import numbers
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("number-not-in-items", Severity.WARNING)


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare the numbers of each key point with all numbers of headlines, bodies and commentary."""
    issue = context.issue
    if issue.key_points is None or not context.whole:  # an item that cannot be read may well have the number
        return
    points = (text for text in context.texts if text.role == "key point")
    named = [(Line(*run, None), number) for point in points for run in point.plain() for number in numbers(run[0])]
    said = [item.headline for item in issue.items] if named else []
    said += [text.words for text in context.texts if text.item is not None and named]
    known = {value for text in said for number in numbers(text, words=True) for value in number.values}
    for line, number in named:
        if not number.values & known:
            yield CODE.at(
                line.place(number.start, number.start + len(number.text)),
                say("{text} appears in no item", text=number.text),
                help=say("write the number the items have, or add it to an item"),
            )
