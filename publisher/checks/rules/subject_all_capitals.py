"""The only Latin letters of a Chinese subject are capitals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("subject-all-capitals", Severity.WARNING)
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the Latin letters of a subject that has others beside them."""
    issue = context.issue
    letters = re.findall("[A-Za-z]", issue.subject)
    if letters and _WIDE.search(issue.subject) and all(letter.isupper() for letter in letters):
        own = "subject" if ("subject",) in issue.places.values else "title"
        message = say("the only Latin letters of the subject are capitals, which spam filters take for shouting")
        yield CODE.at(
            issue.places.of(own), message, help=say("add a word with small letters, such as OpenAI, or use none")
        )
