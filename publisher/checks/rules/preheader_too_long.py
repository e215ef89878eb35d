"""The preheader is wider than 140 columns."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.diagnostics.width import display_width

MAX_WIDTH = 140
CODE = define("preheader-too-long", Severity.WARNING)


def check(context: Context) -> Iterator[Diagnostic]:
    """Measure the preheader, where one is written."""
    issue = context.issue
    width = display_width(issue.preheader or "")
    if width > MAX_WIDTH:
        message = say("the preheader is {width} columns wide, over {most}", width=width, most=MAX_WIDTH)
        yield CODE.at(issue.places.of("preheader"), message, help=say("shorten it"))
