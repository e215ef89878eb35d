"""The only Latin letters of a Chinese subject are capitals.

## Why it matters

Spam filters look at the Latin letters alone and take `AI 周报` for shouting: SpamAssassin's SUBJ_ALL_CAPS costs half
a point,
rspamd's rule 1.65.

## Example

    subject: AI 周报：GPU 涨价

Any word with a small letter helps: `AI 周报：OpenAI 重组，GPU 涨价`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("subject-all-capitals", Severity.WARNING, __doc__)
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the Latin letters of a subject that has others beside them."""
    issue = context.issue
    letters = re.findall("[A-Za-z]", issue.subject)
    if letters and _WIDE.search(issue.subject) and all(letter.isupper() for letter in letters):
        own = "subject" if ("subject",) in issue.places.values else "title"
        message = "the only Latin letters of the subject are capitals, which spam filters take for shouting"
        yield CODE.at(issue.places.of(own), message, help="add a word with small letters, such as OpenAI, or use none")
