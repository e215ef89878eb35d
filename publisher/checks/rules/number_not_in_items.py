"""A number in the key points, or in a headline that a model wrote, appears nowhere in the items.

Numbers are compared as readers understand them: 1,600 is 1600, and 80 billion is 800 亿. Of a language whose words for
numbers are not known here, only the digits are compared, and only where there are several: a thousand may be a word.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property

from publisher.checks.context import Context, Line, field
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.issue.model import Grade, Item
from publisher.language import Locale
from publisher.language.tags import subtags
from publisher.regex import regex

CODE = define("number-not-in-items", Severity.WARNING)
_SEVERAL = 3  # digits of a number that nobody writes in words
_UNITS = {
    "thousand": 3, "k": 3, "million": 6, "m": 6, "mn": 6, "billion": 9, "bn": 9, "b": 9, "trillion": 12, "tn": 12,
    "tausend": 3, "mio.": 6, "millionen": 6, "mrd.": 9, "milliarde": 9, "milliarden": 9, "billionen": 12,
    "mille": 3, "millions": 6, "milliard": 9, "milliards": 9,
    "mil": 3, "millón": 6, "millones": 6, "mil millones": 9, "billón": 12, "billones": 12,
    "milhão": 6, "milhões": 6, "mil milhões": 9, "bilhão": 9, "bilhões": 9, "trilhão": 12, "trilhões": 12,
    "万亿": 12, "萬億": 12, "千": 3, "천": 3, **{f"{ten}{unit}": more + zeros
    for ten, more in {"": 0, "百": 2, "千": 3, "백": 2, "천": 3}.items()
    for unit, zeros in {"万": 4, "萬": 4, "亿": 8, "億": 8, "兆": 12, "만": 4, "억": 8, "조": 12}.items()},
}  # fmt: skip
_TENS = {
    "en": "ten twenty thirty forty fifty sixty seventy eighty ninety hundred half",
    "de": "zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert halb",
    "fr": "dix vingt trente quarante cinquante soixante soixante-dix quatre-vingts quatre-vingt-dix cent demi",
    "es": "diez veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien medio",
    "pt": "dez vinte trinta quarenta cinquenta sessenta setenta oitenta noventa cem meio",
}
_ONES = {
    "en": "one two three four five six seven eight nine ten eleven twelve",
    "de": "ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "fr": "un deux trois quatre cinq six sept huit neuf dix onze douze",
    "es": "un dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "pt": "um dois três quatro cinco seis sete oito nove dez onze doze",
}
_SPOKEN = frozenset({*_ONES, "zh", "ja"})
"""Languages whose words for numbers are known."""
_HAN_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2, "〇": 0}
_HAN_PLACES = {"十": 10, "百": 100, "千": 1000}
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_NARROW = "\u00a0\u2008\u2009\u202f"
_NOTATIONS = {
    comma: (regex(
        rf"(?<![^\W\u0590-\u065f\u066e-\u06ef\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(?<!\.)"
        rf"(\d{{1,3}}(?:[{between}]\d{{3}})+(?!\d)(?:[{point}]\d+)?|\d+(?:[{point}]\d+)?)"
        rf"(?:[ \n{_NARROW}-]?[多余]?({_UNIT})(?![a-z])"
        r"|\s?(%|％|٪|per ?cent\b|Prozent\b|pour cent\b|por cien?to\b|(?<!\d\d)(?<!\d\d\s)成(?![为立本员长功交熟])))?",
        re.IGNORECASE,
    ), str.maketrans({**dict.fromkeys(between, ""), **dict.fromkeys(point, ".")}))
    for comma, point, between in ((False, ".٫", f",，٬{_NARROW}"), (True, ",٫", f".' {_NARROW}"))
}  # fmt: skip
"""2,500.5, and, with a comma before the fraction, 2.500,5 or 2 500,5: the pattern, and what makes Python's of it. Of
letters before a number those alone of scripts that write no blank there: 融资5亿, و١٢٣.
"""
_IN_NAME = regex(r"[A-Za-z]-")  # GPT-5: inventions.py looks at names
_GLUED = regex(r"(?<![\d.,])(\d+(?:\.\d+)?)", re.ASCII)
_LONG = "|".join(sorted((unit for unit in _UNITS if len(unit) > 2 and unit[0].isascii()), key=len, reverse=True))
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
    yield from _told([Line(*run) for point in points for run in point.plain()], said, issue.language)
    for index, item in enumerate(issue.items):
        if sums_up(item):
            said = [text.words for text in context.texts if text.item == index]
            yield from _told([field(item.places, ("headline",), item.headline)], said, issue.language)


def _told(lines: Iterable[Line], said: Iterable[str], language: str) -> Iterator[Diagnostic]:
    known = Said(said, language, language)
    for line in lines:
        for number in known.lacking(line.text):
            if not _IN_NAME.fullmatch(line.text[max(0, number.start - 2) : number.start]):
                place = line.place(number.start, number.start + len(number.text))
                advice = say("write the number the items have, or add it to an item")
                yield CODE.at(place, say("{text} appears in no item", text=number.text), help=advice)


class Said:
    """The numbers of texts in one language, as somebody looks for them who reads them in another, or in the same."""

    def __init__(self, texts: Iterable[str], language: str, other: str) -> None:
        self._texts, self._comma = texts, Locale.of(other, {}).decimal_comma
        self._commas = {self._comma, Locale.of(language, {}).decimal_comma}
        self._language = subtags(language).language or "en"
        self._spoken = {self._language, subtags(other).language} <= _SPOKEN

    def lacking(self, text: str) -> Iterator[Number]:
        """The numbers of a text that are not among them, nor may be there in words."""
        for number in numbers(text, comma=self._comma):
            digits = _digits(number.values)
            if number.values.isdisjoint(self._values) and (
                self._spoken or (len(digits) >= _SEVERAL and digits not in self._known)
            ):
                yield number

    @cached_property
    def _values(self) -> frozenset[Decimal]:
        """Read both ways where the languages differ in them: names and versions keep their point."""
        ways = [*zip(self._commas, (self._language, ""), strict=False)]  # words are the same either way
        told = (one for text in self._texts for comma, words in ways for one in numbers(text, words=words, comma=comma))
        return frozenset(value for number in told for value in number.values)

    @cached_property
    def _known(self) -> frozenset[tuple[int, ...]]:
        return frozenset(_digits({value}) for value in self._values)


def _digits(values: Collection[Decimal]) -> tuple[int, ...]:
    """The digits of a number without the zeros around them, which its unit may stand for."""
    return min(values).normalize().as_tuple().digits


def sums_up(item: Item) -> bool:
    """Whether a model made the headline of the item's text; one that was translated is its original's."""
    grades = (origin.grade for part, origin in item.generated if part in {"", "headline"})
    return any(grade in {Grade.DRAFTED, Grade.SUMMARISED} for grade in grades)


def numbers(text: str, *, words: str = "", comma: bool = False) -> Iterator[Number]:
    """The numbers of a text in digits; with ``words``, a language, those in its words and in Chinese ones too.
    ``comma``: before a fraction stands one, as in most languages of Europe.
    """
    pattern, plain = _NOTATIONS[comma]
    row: list[tuple[Number, int]] = []
    for found in pattern.finditer(text):
        digits, unit = found[1].translate(plain), (found[2] or "").casefold()
        values = _values(digits, unit, found[3])
        if unit and found[0][-2].isspace():  # 5 m, 7 k: a metre, a word
            values |= {Decimal(digits)}
        row.append((Number(found[0], values, found.start()), _UNITS.get(unit, 0)))
    yield from _summed(text, row, keep=bool(words))
    if not words:
        return
    for found in _GLUED.finditer(text):  # GPT-5, o3, V3: a number glued to letters
        yield Number(found[0], frozenset({Decimal(found[1])}), found.start())
    pattern, known = _words(words)
    for found in pattern.finditer(text):
        base = known[found[1].casefold()] if found[1] else Decimal(1)
        scale = 10 ** _UNITS.get((found[3] or found[4] or "").casefold(), 0) * (100 if found[2] else 1)
        yield Number(found[0], frozenset({base * scale}), found.start())
    han = ((Number(one[0], _han_values(one), one.start()), _UNITS.get(one[2], 0)) for one in _HAN.finditer(text))
    yield from _summed(text, han, keep=True)


@cache
def _words(language: str) -> tuple[re.Pattern[str], dict[str, Decimal]]:
    """The words for numbers of a language, and those of English, which all cite: a pattern, and their values."""
    known: dict[str, Decimal] = {}
    for name in {"en", language} & _ONES.keys():
        known |= {word.casefold(): Decimal(n) for n, word in enumerate(_ONES[name].split(), 1)}
        *tens, half = _TENS[name].split()
        known |= {word.casefold(): Decimal(10 * n) for n, word in enumerate(tens, 1)} | {half: Decimal("0.5")}
    base = "|".join(known).replace("ss", "(?:ss|ß)")
    of = rf"\b(?:({base})(?:[ -](hundred))?(?:[ -](?:an? )?({_UNIT}))?|({_LONG}))\b"
    return re.compile(of, re.IGNORECASE), known


def _summed(text: str, row: Iterable[tuple[Number, int]], *, keep: bool) -> Iterator[Number]:
    """The numbers; those that stand together and count down as one: 1万2千, 3억 5천만. ``keep``: each by itself too."""
    joined: list[list[Number]] = []
    end, room = 0, 0  # of the one before: where it ends, and the zeros that its unit stands for
    for number, unit in row:
        between = text[end : number.start]
        together = joined and (not between or (between == " " and "가" <= text[end - 1] <= "힣"))
        if together and 10 <= max(number.values) < 10**room:
            joined[-1].append(number)
        else:
            joined.append([number])
        end, room = number.start + len(number.text), unit
    for parts in joined:
        if len(parts) > 1:
            start, last = parts[0].start, parts[-1]
            total = sum((max(one.values) for one in parts), Decimal(0))
            yield Number(text[start : last.start + len(last.text)], frozenset({total}), start)
        if keep or len(parts) == 1:
            yield from parts


def _values(digits: str, unit: str, percent: str | None) -> frozenset[Decimal]:
    value = Decimal(digits)
    if percent == "成":
        return frozenset({value, value * 10, value / 10})
    if percent:
        return frozenset({value, value / 100})  # 47% and 0.47 are one number
    return frozenset({value * 10 ** _UNITS.get(unit, 0)})


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
