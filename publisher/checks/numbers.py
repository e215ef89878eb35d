"""Numbers of a text, in digits, in words, and in other ways to say them, by value."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from publisher.regex import regex

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
    "en": "ten twenty thirty forty fifty sixty seventy eighty ninety hundred",
    "de": "zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert",
    "fr": "dix vingt trente quarante cinquante soixante soixante-dix quatre-vingts quatre-vingt-dix cent",
    "es": "diez veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien",
    "pt": "dez vinte trinta quarenta cinquenta sessenta setenta oitenta noventa cem",
}
_ONES = {
    "en": "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen",
    "de": "ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn"
    " achtzehn neunzehn",
    "fr": "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit"
    " dix-neuf",
    "es": "un dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete"
    " dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete"
    " veintiocho veintinueve",
    "pt": "um dois três quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis dezessete"
    " dezoito dezenove",
}
_MORE = {
    "en": "half 0.5 first 1 second 2 third 3 fourth 4 fifth 5 sixth 6 seventh 7 eighth 8 ninth 9 tenth 10 twelfth 12"
    " both 2 couple 2 pair 2 twice 2 double 2 doubled 2 triple 3 tripled 3 decade 10 dozen 12",
    "de": "halb 0.5 einhalb 0.5 eineinhalb 1.5 anderthalb 1.5 eins 1 eine 1 dreissig 30",
    "fr": "demi 0.5 une 1 quatre-vingt 80 cents 100",
    "es": "medio 0.5 media 0.5 uno 1 una 1 veintiún 21 veintiuna 21 ciento 100 doscientos 200 trescientos 300"
    " cuatrocientos 400 quinientos 500 seiscientos 600 setecientos 700 ochocientos 800 novecientos 900",
    "pt": "meio 0.5 meia 0.5 uma 1 duas 2 catorze 14 dezasseis 16 dezassete 17 dezanove 19 cento 100 duzentos 200"
    " trezentos 300 quatrocentos 400 quinhentos 500 seiscentos 600 setecentos 700 oitocentos 800 novecentos 900",
}
_ENGLISH = f"{_ONES['en']} {_TENS['en']}".split()
SPOKEN = frozenset({*_ONES, "zh", "ja"})
"""Languages whose number words are known."""
_HAN_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2, "〇": 0}
_HAN_PLACES = {"十": 10, "百": 100, "千": 1000}
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
NARROW = "\u00a0\u2008\u2009\u202f"
_NOTATIONS = {
    comma: (regex(
        rf"(?<![^\W\u0590-\u065f\u066e-\u06ef\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(?<!\.)"
        rf"(\d{{1,3}}(?:[{between}]\d{{3}})+(?!\d)(?:[{point}]\d+)?|\d+(?:[{point}]\d+)?)"
        rf"(?:[ \n{NARROW}-]?[多余]?({_UNIT})(?![a-z])"
        r"|\s?(%|％|٪|per ?cent\b|Prozent\b|pour cent\b|por cien?to\b|(?<!\d\d)(?<!\d\d\s)成(?![为立本员长功交熟])))?",
        re.IGNORECASE,
    ), str.maketrans({**dict.fromkeys(between, ""), **dict.fromkeys(point, ".")}))
    for comma, point, between in ((False, ".٫", f",，٬{NARROW}"), (True, ",٫", f".' {NARROW}"))
}  # fmt: skip
"""2,500.5, and, with a decimal comma, 2.500,5 or 2 500,5: the pattern, and the translation to Python's notation.
Letters before a number are allowed only in scripts without spaces there: 融资5亿, و١٢٣.
"""
_GLUED = regex(r"(?<![\d.,])(\d+(?:\.\d+)?)", re.ASCII)
_LONG = "|".join(sorted((unit for unit in _UNITS if len(unit) > 2 and unit[0].isascii()), key=len, reverse=True))
_HAN = regex(
    rf"([{''.join(_HAN_DIGITS)}{''.join(_HAN_PLACES)}]{{1,20}})(万亿|亿|億|兆|万|萬|千万|百万|成)?|([万萬亿億])(?=[卡人元])"
)
_ROMAN = {
    tens + ones: 10 * ten + one
    for ten, tens in enumerate(("", "X", "XX", "XXX"))
    for one, ones in enumerate(("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"))
}
_OTHER_WORDS = {"half": 2, "quarter": 4, "dozen": 12, "decades": 10, "centuries": 100, "a": 1, "an": 1} | {
    f"{tens}ties": 10 * n for n, tens in enumerate(["twen", "thir", "for", "fif", "six", "seven", "eigh", "nine"], 2)
}  # fmt: skip
_N = rf"(\d++|[{''.join(_HAN_DIGITS)}十]{{1,3}}|\b(?:an?|{'|'.join(_ENGLISH)})\b)"
_NUMBER = regex(rf"(\d+|[{''.join(_HAN_DIGITS)}十]{{1,4}})|[a-z]+")
_COUNTED = frozenset({"a", "an", *_ENGLISH})
_AFTER: tuple[tuple[str, Callable[..., Iterable[Decimal | int]]], ...] = (
    (r"(?:[:：]\d\d|\s?(?:[:.]\d\d)?\s?[ap]\.?m\b|\so.clock)", lambda h: _hours(h)),
    (r"\s?[点點时時](?=[半整钟鐘一二三四五\d])", lambda h: _hours(h)),
    (r"年代|(?<=\d)['’]?s\b", lambda n: _decade(n)),
    (r"[ -](half|third|quarter|fifth|sixth|seventh|eighth|ninth|tenth)s?\b", lambda n, of: _share(n, of)),
    (rf" (?:in|out of) (?:every )?{_N}", lambda n, of: _share(n, of)),
    (rf"分之{_N}", lambda of, n: _share(n, of)),
    (r"(?:[^\W\d]{0,2}半(?!导|導)| \w+ and a half\b)", lambda n: (n + Decimal("0.5"),)),
    (r" (dozen|decades|centuries)\b", lambda n, many: (n * many,)),
)
"""What follows a number that is said in another way, and its values: times of day, decades, shares, halves."""
_TAIL, _TAILS = regex("|".join(tail for tail, _ in _AFTER)), tuple((regex(tail), meant) for tail, meant in _AFTER)
_PHRASES: tuple[tuple[str, re.Pattern[str], Callable[..., Iterable[Decimal | int]]], ...] = tuple(
    (signs, regex(pattern), meant) for signs, pattern, meant in (
        ("点 點 时 時", rf"(?:(?<=[午晚上晨早夜])\s?|(?<!\d)(?=\d\d?\s?[时時])){_N}\s?[点點时時]", lambda h: _hours(h)),
        ("half quarter twenty ten five", rf"\b(?:half|quarter|twenty|ten|five) (?:past|to) {_N}",
            lambda h: (*_hours(h), *_hours(h - 1))),
        ("half 半", r"\bhalf (?:past|an hour)|半[个個]?(?:小时|小時|钟头|鐘頭)|[点點时時]半", lambda: (30,)),
        ("quarter 刻", r"\bquarter (?:past|to|of an hour)|[一三]刻", lambda: (15, 45)),
        ("noon midnight 午", r"\b(?:noon|midnight)\b|[正中]午|午夜", lambda: (0, 12, 24)),
        ("ties", r"\b(\w+ties)\b", lambda n: _decade(n)),
        ("半", r"[一各对對过過]半|半[数數]", lambda: (50,)),
        ("半年 half", r"半年|\bhalf a year", lambda: (6,)),
        ("century", r"\bcentury", lambda: (100,)),
    )
)  # fmt: skip
_LETTERS = regex("[a-zß-ÿ][a-zß-ÿ]*")
_CAPITALS = regex(r"[IVX](?<!\w[IVX])[IVX]*\b")
_HAN_POINT = regex(rf"[{''.join(_HAN_DIGITS)}]{{1,9}}点[{''.join(_HAN_DIGITS)}]+")


@dataclass(frozen=True, slots=True)
class Number:
    """Number as written, with its possible values: with its unit; without a unit, a single one."""

    text: str
    values: frozenset[Decimal]
    start: int


def numbers(text: str, *, parts: bool = False, comma: bool = False) -> Iterator[Number]:
    """Yield the numbers of a text in digits; with ``parts``, also those that form one number together (1万2千).
    ``comma``: a comma is the decimal separator, as in most European languages.
    """
    pattern, plain = _NOTATIONS[comma]
    row: list[tuple[Number, int]] = []
    for found in pattern.finditer(text):
        digits, unit = found[1].translate(plain), (found[2] or "").casefold()
        values = _values(Decimal(digits), unit, found[3])
        if unit and found[0][-2].isspace():  # 5 m, 7 k: may be metres, or a word
            values |= {Decimal(digits)}
        row.append((Number(found[0], values, found.start()), _UNITS.get(unit, 0)))
    yield from _summed(text, row, keep=parts)


def spelled(text: str, language: str) -> Iterator[Number]:
    """Yield the numbers that a text has in words of a language, in English or Chinese ones, or adjacent to letters.
    Their texts are in small letters.
    """
    text = text.lower()
    for found in _GLUED.finditer(text):  # GPT-5, o3, V3: number adjacent to letters
        yield Number(found[0], frozenset({Decimal(found[1])}), found.start())
    spoken = _words(language)
    if any(word[:4] in spoken.heads or word[:3] in spoken.heads for word in _LETTERS.findall(text)):
        for found in spoken.row.finditer(text):
            for value in _counted(spoken.values[word] for word in spoken.single.findall(found[0])):
                yield Number(found[0], frozenset({value}), found.start())
    han = ((Number(one[0], _han_values(one), one.start()), _UNITS.get(one[2], 0)) for one in _HAN.finditer(text))
    yield from _summed(text, han, keep=True)


class _NumberWords(NamedTuple):
    """Number words: the pattern of adjacent ones, of a single one, their values, and the letters they begin with."""

    row: re.Pattern[str]
    single: re.Pattern[str]
    values: dict[str, Decimal]
    heads: frozenset[str]


@cache
def _words(language: str) -> _NumberWords:
    """The number words of a language and of English, which is often quoted."""
    known = {unit: Decimal(10**zeros) for unit, zeros in _UNITS.items()}
    for name in {"en", language} & _ONES.keys():
        known |= {word: Decimal(n) for n, word in enumerate(_ONES[name].split(), 1)}
        known |= {word: Decimal(10 * n) for n, word in enumerate(_TENS[name].split(), 1)}
        words = iter(_MORE[name].split())
        known |= {word: Decimal(next(words)) for word in words}
    known |= {f"{word[:-1]}ieth" if word[-1] == "y" else f"{word}th": known[word] for word in _ENGLISH}
    known |= {f"{word[:-2]}as": value for word, value in known.items() if value >= 200 and word.endswith("os")}
    spoken = sorted((re.escape(word) for word in known if word not in _UNITS), key=len, reverse=True)
    part = rf"(?>{_LONG}|{'|'.join(spoken)})"
    of = rf"\b{part}(?:(?:[ -]?(?:und|and|et|y|e)(?: an?)?[ -]?|[ -](?:an? )?)?{part}){{0,15}}(?:[ -](?:{_UNIT}))?\b"
    heads = frozenset(word[:n] for word in known for n in (3, 4) if n == 4 or len(word) <= 3)
    return _NumberWords(re.compile(of), re.compile(f"{part}|{_UNIT}"), known, heads)


def _counted(values: Iterable[Decimal]) -> Iterator[Decimal]:
    """The numbers formed by adjacent words: two hundred and five, zweiundzwanzig, quatre-vingt-dix-sept."""
    total, least, row, last = Decimal(0), Decimal(0), Decimal(0), Decimal(0)  # the next unit multiplies ``row``
    for value in values:
        if value >= 1000:
            if total and value >= least:
                yield total
                total = Decimal(0)
            total, least, row, last = total + (row or 1) * value, value, Decimal(0), Decimal(0)
        elif value == 100 and 0 < last < 20:
            row, last = row + 99 * last, value
        elif not row or value < 1 <= last or _goes_on(last, value):
            row, last = row + value, value
        else:
            yield total + row
            total, row, last = Decimal(0), value, value
    yield total + row


def _goes_on(last: Decimal, value: Decimal) -> bool:
    """Whether ``value`` continues the number: a hundred twenty, twenty five, soixante quinze, zwei(und)zwanzig."""
    if last % 100 == 0:
        return value < 100
    return value < 20 if last >= 20 else value >= 20 and value % 10 == 0 and last < 10


def _summed(text: str, row: Iterable[tuple[Number, int]], *, keep: bool) -> Iterator[Number]:
    """The numbers, with adjacent descending ones added: 1万2千, 3억 5천만. ``keep``: each of them by itself as well."""
    joined: list[list[Number]] = []
    end, room = 0, 0  # of the previous number: its end, and the zeros of its unit
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


def _values(value: Decimal, unit: str, share: str | None = None) -> frozenset[Decimal]:
    if "成" in {unit, share}:
        return frozenset({value, value * 10, value / 10})
    if share:
        return frozenset({value, value / 100})  # 47% equals 0.47
    return frozenset({value * 10 ** _UNITS.get(unit, 0)})


def _han_values(found: re.Match[str]) -> frozenset[Decimal]:
    if found[3]:
        return _values(Decimal(1), found[3])
    total, digit = 0, 0
    for character in found[1]:
        if character in _HAN_DIGITS:
            digit = digit * 10 + _HAN_DIGITS[character]  # 二〇一五
        else:
            total, digit = total + (digit % 10 or 1) * _HAN_PLACES[character], 0
    return _values(Decimal(total + digit), found[2] or "")


def otherwise(text: str) -> Iterator[Decimal]:
    """The values of the numbers that a text has as times of day, decades, shares, Roman numbers, or by halves."""
    yield from (Decimal(_ROMAN[number]) for number in _CAPITALS.findall(text) if number in _ROMAN)
    text = text.lower()
    said = [
        (meant, (number[0], *after.groups()))
        for number in _NUMBER.finditer(text)
        if (number[1] or number[0] in _COUNTED) and _TAIL.match(text, number.end())
        for tail, meant in _TAILS
        if (after := tail.match(text, number.end()))
    ]
    phrases = ((pattern, meant) for signs, pattern, meant in _PHRASES if any(sign in text for sign in signs.split()))
    said += [(meant, found.groups()) for pattern, meant in phrases for found in pattern.finditer(text)]
    for meant, words in said:
        if all(read := [_read(word) for word in words if word]):
            yield from map(Decimal, meant(*read))
    for found in _HAN_POINT.finditer(text):
        yield Decimal("".join("." if sign == "点" else str(_HAN_DIGITS[sign]) for sign in found[0]))


def _read(word: str) -> Decimal:
    """The value of a number in digits or in small letters, Chinese or English; 0 if it is none."""
    if word.isdecimal():
        return Decimal(word)
    if han := _HAN.fullmatch(word):
        return max(_han_values(han))
    return Decimal(_OTHER_WORDS.get(word) or _words("en").values.get(word) or 0)


def _hours(hour: Decimal) -> tuple[Decimal | int, ...]:
    return (hour, hour + 12, hour - 12, 0) if hour <= 24 else ()


def _decade(year: Decimal) -> tuple[Decimal, ...]:
    """The values of the nineties: the year with and without its century, and the century."""
    return (year, year + 1900, year + 2000) if year < 100 else (year % 100, year // 100 + 1)


def _share(part: Decimal, whole: Decimal) -> tuple[Decimal | int, ...]:
    """The percentages that a part of a whole may be written as."""
    share = 100 * part / whole
    return (round(share), share // 1, round(share, 1), share / 100) if part < whole else ()
