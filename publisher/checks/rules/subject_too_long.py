"""The subject is wider than 78 columns."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.diagnostics.width import display_width

MAX_WIDTH = 78
CODE = define("subject-too-long", Severity.WARNING)


def check(context: Context) -> Iterator[Diagnostic]:
    """Measure the subject, or the title where that is the subject."""
    issue = context.issue
    width = display_width(issue.subject)
    if width > MAX_WIDTH:
        own = ("subject",) in issue.places.values
        message = say("the subject is {width} columns wide, over {most}", width=width, most=MAX_WIDTH)
        advice = say("shorten it") if own else say("write a shorter subject: beside the title")
        yield CODE.at(issue.places.of("subject" if own else "title"), message, help=advice)
