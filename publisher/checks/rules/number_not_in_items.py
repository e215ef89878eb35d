"""A number in the key points, or in a headline that a model wrote, appears nowhere in the items.

Numbers are compared as readers understand them: 1,600 is 1600, and 80 billion is 800 亿.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from publisher.checks.context import Context, Line
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.issue.model import Grade, Item
from publisher.regex import regex

CODE = define("number-not-in-items", Severity.WARNING)
_UNITS = {
    "thousand": 3, "k": 3, "million": 6, "m": 6, "mn": 6, "billion": 9, "bn": 9, "b": 9, "trillion": 12, "tn": 12,
    "tausend": 3, "mio.": 6, "millionen": 6, "mrd.": 9, "milliarde": 9, "milliarden": 9, "billionen": 12,
    "mille": 3, "millions": 6, "milliard": 9, "milliards": 9,
    "mil": 3, "millones": 6, "mil millones": 9, "milhões": 6, "bilhões": 9,
    "千": 3, "万": 4, "萬": 4, "百万": 6, "百萬": 6, "千万": 7, "千萬": 7,
    "亿": 8, "億": 8, "万亿": 12, "萬億": 12, "兆": 12,
}  # fmt: skip
_WORDS: dict[str, int | Decimal] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90, "half": Decimal("0.5"), "hundred": 100,
}  # fmt: skip
_HAN_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2, "〇": 0}
_HAN_PLACES = {"十": 10, "百": 100, "千": 1000}
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_NOTATIONS = {
    comma: (regex(
        rf"(?<![^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(?<!\.)"
        rf"(\d{{1,3}}(?:[{between}]\d{{3}})+(?!\d)(?:[{point}]\d+)?|\d+(?:[{point}]\d+)?)"
        rf"(?:[ \n\u00a0\u202f-]?[多余]?({_UNIT})(?![a-z])"
        r"|\s?(%|％|per ?cent\b|Prozent\b|pour cent\b|por cien?to\b|(?<!\d\d)(?<!\d\d\s)成(?![为立本员长功交熟])))?",
        re.IGNORECASE,
    ), str.maketrans({**dict.fromkeys(between, ""), point: "."}))
    for comma, point, between in ((False, ".", ",，\u202f\u00a0"), (True, ",", ".' \u202f\u00a0"))
}  # fmt: skip
"""2,500.5, and, with a comma before the fraction, 2.500,5 or 2 500,5: the pattern, and what makes Python's of it. Of
letters before a number those of Chinese, Japanese and Korean alone, which write no blank there: 融资5亿.
"""
_IN_NAME = regex(r"[A-Za-z]-")  # GPT-5: inventions.py looks at names
_GLUED = regex(r"(?<![\d.,])(\d+(?:\.\d+)?)", re.ASCII)
_WORD = regex(rf"\b({'|'.join(_WORDS)})(?:[ -](hundred|{_UNIT}))?\b", re.IGNORECASE)
_HAN = regex(
    rf"([{''.join(_HAN_DIGITS)}{''.join(_HAN_PLACES)}]{{1,20}})(万亿|亿|億|兆|万|萬|千万|百万|成)?|([万萬亿億])(?=[卡人元])"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, with the values it may stand for (with its unit; a bare one only itself)."""

    text: str
    values: frozenset[Decimal]
    start: int


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare each key point with all headlines, bodies and commentary, a model's headline with its item's text."""
    issue = context.issue
    if not context.whole:  # an item that cannot be read may well have the number
        return
    points = (text for text in context.texts if text.role == "key point")
    said = [*(item.headline for item in issue.items), *(text.words for text in context.texts if text.item is not None)]
    yield from _told([Line(*run, None) for point in points for run in point.plain()], said)
    for index, item in enumerate(issue.items):
        if sums_up(item):
            line = Line(item.headline, partial(item.places.of, "headline"), None)
            yield from _told([line], [text.words for text in context.texts if text.item == index])


def _told(lines: list[Line], said: list[str]) -> Iterator[Diagnostic]:
    named = [(line, number) for line in lines for number in numbers(line.text)]
    known = {value for text in said if named for number in numbers(text, words=True) for value in number.values}
    for line, number in named:
        if not number.values & known and not _IN_NAME.fullmatch(line.text[max(0, number.start - 2) : number.start]):
            place = line.place(number.start, number.start + len(number.text))
            advice = say("write the number the items have, or add it to an item")
            yield CODE.at(place, say("{text} appears in no item", text=number.text), help=advice)


def sums_up(item: Item) -> bool:
    """Whether a model made the headline of the item's text; one that was translated is its original's."""
    grades = (origin.grade for part, origin in item.generated if part in {"", "headline"})
    return any(grade in {Grade.DRAFTED, Grade.SUMMARISED} for grade in grades)


def numbers(text: str, *, words: bool = False, comma: bool = False) -> Iterator[Number]:
    """The numbers of a text in digits; with ``words`` those in English and Chinese words too. ``comma``: before a
    fraction stands one, as in most languages of Europe.
    """
    pattern, plain = _NOTATIONS[comma]
    for found in pattern.finditer(text):
        digits = found[1].translate(plain)
        values = _values(digits, found[2], found[3])
        if found[2] and found[0][-2].isspace():  # 5 m, 7 k: a metre, a word
            values |= {Decimal(digits)}
        yield Number(found[0], values, found.start())
    if not words:
        return
    for found in _GLUED.finditer(text):  # GPT-5, o3, V3: a number glued to letters
        yield Number(found[0], frozenset({Decimal(found[1])}), found.start())
    for found in _WORD.finditer(text):
        base = Decimal(_WORDS[found[1].casefold()])
        scale = 100 if (found[2] or "").casefold() == "hundred" else 10 ** _UNITS.get((found[2] or "").casefold(), 0)
        yield Number(found[0], frozenset({base * scale}), found.start())
    for found in _HAN.finditer(text):
        yield Number(found[0], _han_values(found), found.start())


def _values(digits: str, unit: str | None, percent: str | None) -> frozenset[Decimal]:
    value = Decimal(digits)
    if percent == "成":
        return frozenset({value, value * 10, value / 10})
    if percent:
        return frozenset({value, value / 100})  # 47% and 0.47 are one number
    return frozenset({value * 10 ** _UNITS[unit.casefold()]}) if unit else frozenset({value})


def _han_values(found: re.Match[str]) -> frozenset[Decimal]:
    if found[3]:
        return frozenset({Decimal(10) ** _UNITS[found[3]]})
    total, digit = 0, 0
    for character in found[1]:
        if character in _HAN_DIGITS:
            digit = digit * 10 + _HAN_DIGITS[character]  # 二〇一五
        else:
            total, digit = total + (digit % 10 or 1) * _HAN_PLACES[character], 0
    value = Decimal(total + digit)
    if found[2] == "成":
        return frozenset({value, value * 10, value / 10})
    return frozenset({value * 10 ** _UNITS[found[2]]}) if found[2] else frozenset({value})
