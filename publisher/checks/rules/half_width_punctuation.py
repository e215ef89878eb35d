"""A half-width mark stands between Chinese characters.

## Why it matters

Chinese and Japanese text is set with full-width marks (GB/T 15834): a half-width comma between characters looks like a
slip of the keyboard, and breaks lines in the wrong place.

## Example

    这一周,钱往算力里流

Write `这一周，钱往算力里流`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.lines import cjk_lines
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("half-width-punctuation", Severity.WARNING, __doc__)
FULL = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！"}
_HAN = r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff]"
# Names that are written with their mark.
_NAMES = r"(?<!雅虎)(?<!去哪儿)(?<!去哪兒)(?<!けいおん)(?<!ラブライブ)"
PATTERN = re.compile(f"(?<={_HAN})(?:[,;:]|{_NAMES}[?!])(?={_HAN}|$)")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at each line of Chinese and Japanese text."""
    for line in cjk_lines(context):
        for found in PATTERN.finditer(line.text):
            full = FULL[found[0]]
            message = f"a half-width {found[0]} stands between Chinese characters"
            yield CODE.at(line.place(found.start(), found.end()), message, help=f"write {full}")
