"""A line begins with number signs, and is no heading."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("heading-not-made", Severity.WARNING)
_ALMOST = re.compile(
    r"^(?:#{2,6}(?=[^ \t\n#])|#{7,}(?=[ \t])|#(?=[\u00a0\u3000])|＃{2,}|＃(?=[ \t\u3000]))", re.MULTILINE
)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the begin of each line of a paragraph."""
    for text in context.texts:
        for words, place in () if text.inline else text.written:
            for found in _ALMOST.finditer(words):
                message = say("this is no heading: readers would see the number signs")
                advice = say("write one to six plain #, then a plain space; \\# for a sign that is meant")
                yield CODE.at(place(found.start(), found.end()), message, help=advice)
