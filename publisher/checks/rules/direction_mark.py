"""A character that nobody sees turns the direction of writing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.lines import Line, fields
from publisher.diagnostics import Diagnostic, Sentence, Severity, define, say

CODE = define("direction-mark", Severity.WARNING)
_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_OVERRIDES = "\u202d\u202e"
_CLOSES = dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c") | dict.fromkeys("\u2066\u2067\u2068", "\u2069")
_LATE = {"R", "AL"}  # bidirectional classes of letters written from right to left (UAX #9, 3.2)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at each field of plain text, and at each text of prose as a whole: markup may stand inside a pair."""
    for line in fields(context):
        yield from _look([line])
    for text in context.texts:
        if _MARKS.search(text.prose.text):
            yield from _look([Line(words, place, None) for words, place in text.plain()])


def _look(lines: list[Line]) -> Iterator[Diagnostic]:
    if not any(_MARKS.search(line.text) for line in lines):
        return
    mixed = any(
        unicodedata.bidirectional(sign) in _LATE and not _MARKS.match(sign) for one in lines for sign in one.text
    )
    opened: list[tuple[Line, int]] = []
    for line in lines:
        for found in _MARKS.finditer(line.text):
            at, sign = found.start(), found[0]
            if sign in _OVERRIDES:
                yield _finding(
                    line,
                    at,
                    say("shows what follows in reverse")
                    if sign == _OVERRIDES[1]
                    else say("shows what follows in its own order"),
                )
            if sign in _CLOSES:
                opened.append((line, at))
            elif sign not in _CLOSES.values():
                if not mixed:
                    yield _finding(line, at, say("has nothing to do in a text of one direction"))
            elif opened and _CLOSES[opened[-1][0].text[opened[-1][1]]] == sign:
                opened.pop()
            else:
                yield _finding(line, at, say("closes what nothing opened"))
    for line, at in opened:
        if line.text[at] not in _OVERRIDES:  # told already
            yield _finding(line, at, say("opens a direction that is never closed"))


def _finding(line: Line, at: int, what: Sentence) -> Diagnostic:
    sign = line.text[at]
    name = unicodedata.name(sign).lower()
    after = _MARKS.sub("", line.text[at:]).strip()[:20]
    mark = f"U+{ord(sign):04X} ({name})"
    message = say("{mark}, which nobody sees, {what}, at the end", mark=mark, what=what)
    if after:
        message = say("{mark}, which nobody sees, {what}: “{after}”", mark=mark, what=what, after=after)
    closing = _CLOSES.get(sign)
    advice = (
        say("delete it, or write U+{point} where it ends", point=f"{ord(closing):04X}")
        if closing and sign not in _OVERRIDES
        else say("delete it")
    )
    return CODE.at(line.place(at, at + 1), message, help=advice)
