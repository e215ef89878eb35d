"""The two lines that an inbox shows: the subject, which is the title where none is written, and the preheader."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.diagnostics.width import display_width

SUBJECT_WIDTH, PREHEADER_WIDTH = 78, 140  # columns
ALL_CAPITALS = define("subject-all-capitals", Severity.WARNING)
PREHEADER_TOO_LONG = define("preheader-too-long", Severity.WARNING)
SUBJECT_TOO_LONG = define("subject-too-long", Severity.WARNING)
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def check(context: Context) -> Iterator[Diagnostic]:
    """Measure both lines, and look at the Latin letters of a subject that has others beside them."""
    issue = context.issue
    own = ("subject",) in issue.places.values
    place = issue.places.of("subject" if own else "title")
    letters = re.findall("[A-Za-z]", issue.subject)
    if letters and _WIDE.search(issue.subject) and all(letter.isupper() for letter in letters):
        message = say("the only Latin letters of the subject are capitals, which spam filters take for shouting")
        advice = say("add a word with small letters, such as OpenAI, or use none")
        yield ALL_CAPITALS.at(place, message, help=advice)
    if (width := display_width(issue.subject)) > SUBJECT_WIDTH:
        message = say("the subject is {width} columns wide, over {most}", width=width, most=SUBJECT_WIDTH)
        advice = say("shorten it") if own else say("write a shorter subject: beside the title")
        yield SUBJECT_TOO_LONG.at(place, message, help=advice)
    if (width := display_width(issue.preheader or "")) > PREHEADER_WIDTH:
        message = say("the preheader is {width} columns wide, over {most}", width=width, most=PREHEADER_WIDTH)
        yield PREHEADER_TOO_LONG.at(issue.places.of("preheader"), message, help=say("shorten it"))
