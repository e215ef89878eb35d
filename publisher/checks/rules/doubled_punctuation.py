"""A mark of punctuation is doubled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.lines import cjk_lines
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("doubled-punctuation", Severity.WARNING)
PATTERN = re.compile(r"。{2,}|，{2,}|、{2,}|；{2,}|：{2,}|[，、；：。][，、；：。]+")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at each line of Chinese and Japanese text."""
    for line in cjk_lines(context):
        for found in PATTERN.finditer(line.text):
            mark = found[0]
            ellipsis = len(mark) > 2 and set(mark) == {"。"}
            advice = say("write …… for an ellipsis") if ellipsis else say("write one mark, {mark}", mark=mark[-1])
            yield CODE.at(
                line.place(found.start(), found.end()), say("the marks {mark} stand together", mark=mark), help=advice
            )
