"""Headings: lines that begin with number signs and are none, and headings that skip a level."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

NOT_MADE = define("heading-not-made", Severity.WARNING)
SKIPS_LEVEL = define("heading-skips-level", Severity.WARNING)
_ALMOST = re.compile(
    r"^(?:#{2,6}(?=[^ \t\n#])|#{7,}(?=[ \t])|#(?=[\u00a0\u3000])|＃{2,}|＃(?=[ \t\u3000]))", re.MULTILINE
)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the begin of each line of a paragraph, and compare each heading of a text with the one before it."""
    for text in context.texts:
        for words, place in () if text.inline else text.written:
            for found in _ALMOST.finditer(words):
                message = say("this is no heading: readers would see the number signs")
                advice = say("write one to six plain #, then a plain space; \\# for a sign that is meant")
                yield NOT_MADE.at(place(found.start(), found.end()), message, help=advice)
        for before, heading in pairwise(text.parts.headings):
            wanted = before.level + 1
            if heading.level > wanted:
                message = say(
                    "a heading of level {level} follows one of level {before}",
                    level=heading.level,
                    before=before.level,
                )
                advice = say("begin it with {signs}, or <h{level}>", signs="#" * wanted, level=wanted)
                yield SKIPS_LEVEL.at(heading.place, message, help=advice)
