"""The subject is wider than 78 columns.

## Why it matters

Phones cut a subject near 40 columns and desktops near 78: what stands behind that is not read. A Chinese character
is two
columns wide. RFC 5322 (2.1.1) recommends lines of at most 78.

## Example

    subject: AI 周报|OpenAI 拟转为公益公司；DeepSeek-V3 重算训练账；字节跳动的八百亿；小米的万卡集群；台积电再创新高
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define
from publisher.diagnostics.width import display_width

MAX_WIDTH = 78
CODE = define("subject-too-long", Severity.WARNING, __doc__)


def check(context: Context) -> Iterator[Diagnostic]:
    """Measure the subject, or the title where that is the subject."""
    issue = context.issue
    width = display_width(issue.subject)
    if width > MAX_WIDTH:
        own = ("subject",) in issue.places.values
        message = f"the subject is {width} columns wide, over {MAX_WIDTH}"
        advice = "shorten it" if own else "write a shorter subject: beside the title"
        yield CODE.at(issue.places.of("subject" if own else "title"), message, help=advice)
