"""Numbers in key points, or in headlines written by a model, that do not occur in the items.

Numbers are compared by value: 1,600 is 1600, 80 billion is 800 亿, 八点半 is 20:30, and two thirds are 67%. For
languages whose number words are not known here, only digits are compared, and only numbers of several digits: others
may be written in words.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from functools import cached_property

from publisher.checks.context import Context, Line, field
from publisher.checks.numbers import NARROW, SPOKEN, Number, numbers, otherwise, spelled
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.issue.model import Grade, Item
from publisher.language import Locale
from publisher.language.tags import subtags
from publisher.regex import regex

CODE = define("number-not-in-items", Severity.WARNING)
_SEVERAL = 3  # digits; such numbers are not written in words
_DATE = regex(r"\d{4}([-./])\d\d?\1\d\d?|\d\d?([-./])\d\d?\2\d{4}")
_ROW = regex(rf"(?<!\d)(?:{_DATE.pattern})(?!\d)|\+?\d(?:[ {NARROW}()./-]{{0,2}}\d)*")
_LONG_ROW = 7  # digits, as in a phone number; its groups are not numbers
_MARKS = regex(r"[A-Za-z]-\0|\[\^\0|^(?!.*[(（][^()（）\0]+\0).*(?<![\w%])\0\d{1,2}[)）]$")
"""The end of a text up to a number (after NUL) that is part of a name (GPT-5: see inventions.py), a note's mark, or
the number of an enumeration: 1）, (2).
"""


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare key points with all headlines, bodies and commentaries, and a model's headline with its item's text."""
    issue = context.issue
    if not context.whole:  # an item that cannot be read may have the number
        return
    points = (text for text in context.texts if text.role == "key point")
    said = [*(item.headline for item in issue.items), *(text.words for text in context.texts if text.item is not None)]
    yield from _told([Line(*run) for point in points for run in point.plain()], said, issue.language)
    for index, item in enumerate(issue.items):
        if sums_up(item):
            said = [text.words for text in context.texts if text.item == index]
            yield from _told([field(item.places, ("headline",), item.headline)], said, issue.language)


def _told(lines: Iterable[Line], said: Iterable[str], language: str) -> Iterator[Diagnostic]:
    known = Said(said, language, language)
    for line in lines:
        for number in known.lacking(line.text):
            end = number.start + len(number.text)
            before = line.text[max(0, number.start - 200) : number.start]
            if not _MARKS.search(f"{before}\0{line.text[number.start : end + 1]}"):
                place = line.place(number.start, end)
                advice = say("write the number the items have, or add it to an item")
                yield CODE.at(place, say("{text} appears in no item", text=number.text), help=advice)


class Said:
    """Numbers of texts in one language, for comparison with a text in the same or another (``other``)."""

    def __init__(self, texts: Iterable[str], language: str, other: str) -> None:
        self._texts, self._comma = tuple(texts), Locale.of(other, {}).decimal_comma
        self._commas = {self._comma, Locale.of(language, {}).decimal_comma}
        self._language = subtags(language).language or "en"
        self._spoken = {self._language, subtags(other).language} <= SPOKEN

    def lacking(self, text: str) -> Iterator[Number]:
        """Yield the numbers of a text that these texts lack, even in words or as digits in other groups."""
        rows = None
        for number in numbers(text, comma=self._comma):
            if not (number.values.isdisjoint(self._in_digits) and number.values.isdisjoint(self._values)):
                continue
            digits = _digits(number.values)
            if self._spoken or (len(digits) >= _SEVERAL and digits not in self._known):
                if rows is None:
                    rows = [row.span() for row in _ROW.finditer(text) if self._has(row[0])]
                if not any(start <= number.start < end for start, end in rows):
                    yield number

    def _has(self, row: str) -> bool:
        """Whether grouped digits occur with other grouping: a phone number, an ISBN, a date."""
        if _DATE.fullmatch(row):  # the month may be a word
            one, two, year = sorted(map(int, re.findall(r"\d+", row)))
            return year in self._values and (two in self._values or (two <= 12 and one in self._values))
        digits = re.sub(r"\D", "", row)
        tail = digits[-_LONG_ROW:] if row[0] == "+" else digits.lstrip("0")
        return len(digits) >= _LONG_ROW and any(
            tail in theirs
            for written, theirs in self._rows
            if digits == theirs or len(written) > len(theirs) or len(row) > len(digits)
        )

    @cached_property
    def _in_digits(self) -> frozenset[Decimal]:
        """Values in both notations if the languages differ: names and versions keep their points."""
        told = (numbers(text, parts=True, comma=comma) for text in self._texts for comma in self._commas)
        return frozenset(value for row in told for number in row for value in number.values)

    @cached_property
    def _values(self) -> frozenset[Decimal]:
        """All values. Those in words take ten times as long to find, and few numbers are only there."""
        told = (number.values for text in self._texts for number in spelled(text, self._language))
        other = (otherwise(text) for text in self._texts) if self._spoken else ()
        return self._in_digits.union(*told, *other)

    @cached_property
    def _rows(self) -> tuple[tuple[str, str], ...]:
        rows = (row[0] for text in self._texts for row in _ROW.finditer(text))
        return tuple((row, re.sub(r"\D", "", row)) for row in rows)

    @cached_property
    def _known(self) -> frozenset[tuple[int, ...]]:
        return frozenset(_digits({value}) for value in self._values)


def _digits(values: Collection[Decimal]) -> tuple[int, ...]:
    """The digits of a number without leading and trailing zeros, which its unit may replace."""
    return min(values).normalize().as_tuple().digits


def sums_up(item: Item) -> bool:
    """Whether a model wrote the headline from the item's text; a translated headline does not count."""
    grades = (origin.grade for part, origin in item.generated if part in {"", "headline"})
    return any(grade in {Grade.DRAFTED, Grade.SUMMARISED} for grade in grades)
