"""A half-width mark stands in Chinese text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.lines import HAN, cjk_lines
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.language import Locale

CODE = define("half-width-punctuation", Severity.WARNING)
FULL = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！"}
_HAN = r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff]"
_CLOSER, _OPENER = "[”’》〉」』）】]", "[“‘《〈「『（【]"
# Names that are written with their mark.
_NAMES = r"(?<!雅虎)(?<!去哪儿)(?<!去哪兒)(?<!けいおん)(?<!ラブライブ)"
_MARK = f"(?:[,;:]|{_NAMES}[?!])"
_AFTER_HAN = f"(?:(?<={_HAN})|(?<={_CLOSER})){_MARK} *(?={_HAN}|{_OPENER}|[A-Za-z0-9]|$)"
_BEFORE_HAN = f"(?:^|(?<=[A-Za-z0-9%)\\]\"'])){_MARK}(?={_HAN}|{_OPENER})"
_WORD = re.compile("[A-Za-z]+")
_CHINESE = re.compile(f"{_AFTER_HAN}|{_BEFORE_HAN}")
_MIXED = re.compile(f"(?<={_HAN}){_MARK}(?={_HAN}|$)")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at each line of Chinese and Japanese text; where other words are more, only between their characters."""
    chinese = Locale.of(context.issue.language, {}).counts_characters
    for line in cjk_lines(context):
        mostly = chinese and len(HAN.findall(line.text)) >= len(_WORD.findall(line.text))
        pattern = _CHINESE if mostly else _MIXED
        for found in pattern.finditer(line.text):
            mark = found[0].rstrip()
            message = say("a half-width {mark} stands between Chinese characters", mark=mark)
            yield CODE.at(line.place(found.start(), found.end()), message, help=say("write {words}", words=FULL[mark]))
