"""Names, quotations, dates and currencies in key points, or in headlines written by a model, that do not occur in the
text they summarize. ``number_not_in_items`` checks numbers.

Rewordings are accepted: a name written as one word or several, an acronym for its expansion, China for Chinese, a date
without its month, quotation marks around a word or two. Precision and recall are measured on a labelled set in
``tests/checks/test_inventions.py``.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from publisher.checks.context import HAN, Context, Line, field
from publisher.checks.numbers import numbers, spelled
from publisher.checks.rules.number_not_in_items import sums_up
from publisher.diagnostics import Code, Diagnostic, Severity, define, say
from publisher.issue.model import Issue
from publisher.regex import regex

NAME = define("name-not-in-items", Severity.WARNING)
QUOTE = define("quote-not-in-items", Severity.WARNING)
DATE = define("date-not-in-items", Severity.WARNING)
CURRENCY = define("currency-not-in-items", Severity.WARNING)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<{}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?s?"
_CALENDAR = regex(rf"{_MONTH.format('month')}|{_DAY}", re.IGNORECASE)
_DATES = regex(
    r"(?P<m1>1[0-2]|0?[1-9])\s*月\s*(?P<d1>[12]\d|3[01]|0?[1-9])\s*[日号號]"
    rf"|\b{_MONTH.format('m2')}\s+(?P<d2>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?\b"
    rf"|\b(?P<d3>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH.format('m3')}\b"
    r"|\b\d{4}-(?P<m4>0\d|1[0-2])-(?P<d4>[0-2]\d|3[01])\b",
    re.IGNORECASE,
)
_DAY_ALONE = regex(
    r"(?<!月)(?<!月 )(?<![\d.])([12]\d|3[01]|[1-9])\s*[日号號]|\bthe\s+([12]\d|3[01]|[1-9])(?:st|nd|rd|th)\b"
)
_CURRENCIES = {
    "CNY": r"人民币|人民幣|yuan|renminbi|RMB|CNY|(?<![美欧歐日港台韩韓])元(?!\w*[台新])",
    "TWD": r"新台币|新台幣|New Taiwan dollars?|NT\$|TWD",
    "HKD": r"港元|港币|HK\$|Hong Kong dollars?|HKD",
    "USD": r"美元|美金|US\$|USD|(?<!Taiwan )(?<!Kong )dollars?|(?<![A-Z])\$",
    "EUR": r"欧元|歐元|euros?|EUR|€",
    "GBP": r"英镑|英鎊|pounds?(?: sterling)?|GBP|£",
    "JPY": r"日元|日圆|日圓|円|yen|JPY",
    "KRW": r"韩元|韓元|won\b|KRW|₩",
}
_CURRENCY = regex("|".join(f"(?P<{name}>{pattern})" for name, pattern in _CURRENCIES.items()), re.IGNORECASE)
_WORD = regex(r"[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ0-9]*(?:[-.&][A-Za-zÀ-ɏ0-9]+)*\+*")
_SAID = regex(r"“([^“”]+)”|\"([^\"]+)\"|「([^「」]+)」|『([^『』]+)』|«([^«»]+)»")
_TITLE = regex(r"《([^《》]{2,})》")
SURNAMES = (
    "王李张張刘劉陈陳杨楊赵趙黄黃周吴吳徐孙孫胡朱林何郭罗羅梁宋郑鄭谢謝韩韓唐冯馮董萧蕭程曹袁邓鄧许許傅沈曾彭"
    "吕呂苏蘇卢盧蒋蔣蔡贾賈魏薛叶葉余潘杜戴钟鍾汪姜范姚谭譚廖邹鄒熊陆陸崔邱秦顾顧侯邵孟雷钱錢汤湯黎乔喬贺賀赖賴龚龔"
)
_PERSON = regex(rf"([{SURNAMES}][\u4e00-\u9fff]{{2}})(?=表示|称|稱|认为|認為|指出|宣布|透露|强调|強調)")
_BODY = regex(r"([\u4e00-\u9fff]{2})(集团|集團|银行|銀行|证券|證券|大学|大學|研究院|科技|汽车|汽車)")
_LOOSE = set("的该該这這其本各多家一在是和与與被由对對向从從为為说說称稱新老大小两兩及等业業们們方层層管人部外首")
_WORDS = "ai ceo cfo cto coo ipo us usa uk eu un gpu cpu npu api llm pc tv it hr pr ev vr ar xr ok faq pdf url app i"
_KNOWN_TO_ALL = frozenset(_WORDS.split())
_PLACES = tuple(
    frozenset(names.split())
    for names in (
        "eu europe european", "us usa u.s america american americans", "uk britain british england english",
        "netherlands dutch holland", "france french", "spain spanish", "denmark danish", "switzerland swiss",
        "ireland irish", "poland polish", "greece greek", "wales welsh", "thailand thai", "turkey turkish türkiye",
    )
)  # fmt: skip
"""Places and their adjectives or inhabitants, if the words begin differently."""
_STARTS = regex(r"[.!?:;。！？：；…—–|·“\"「『(（‘\n]")
_EFFORT = 100_000_000
"""Limit of characters searched for names and quotations per source text; beyond it they count as found."""


class Summed:
    """Source text of a summary, in the forms needed for comparison."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._left = _EFFORT

    def holds(self, words: str) -> bool:
        """Whether the letters of ``words`` occur in it consecutively; true once the limit is exceeded."""
        letters = _letters(words)
        self._left -= len(self.letters)
        return self._left < 0 or letters in self.letters

    @cached_property
    def words(self) -> frozenset[str]:
        """All words, and the parts of hyphenated ones."""
        words = frozenset(_WORD.findall(self.text.casefold()))
        return words.union(*(re.split(r"[-.&]", word) for word in words if not word.isalnum()))

    @cached_property
    def stems(self) -> frozenset[str]:
        """First four letters of names, which China and Chinese share."""
        names = (word for word in _WORD.findall(self.text) if word[0].isupper() and len(word) > 3)
        return frozenset(name[:4].casefold() for name in names)

    @cached_property
    def letters(self) -> str:
        """Its letters and digits, joined."""
        return _letters(self.text)

    @cached_property
    def initials(self) -> frozenset[str]:
        """Possible acronyms of its sequences of capitalized words."""
        runs = ((row, at, at + n) for row in _rows(self.text) for at in range(len(row)) for n in range(2, 7))
        return frozenset(word for row, at, end in runs if end <= len(row) for word in _initials_of(row[at:end]))

    @cached_property
    def dates(self) -> dict[tuple[int, int], str]:
        """Its dates by month and day, as written."""
        return {date: found[0] for date, found in _dates(self.text)}

    @cached_property
    def days(self) -> frozenset[int]:
        """Days without a month."""
        return frozenset(int(one or two) for one, two in _DAY_ALONE.findall(self.text))

    @cached_property
    def values(self) -> frozenset[Decimal]:
        """Its numbers, including those in words."""
        told = (*numbers(self.text, parts=True), *spelled(self.text, "en"))
        return frozenset(value for number in told for value in number.values)

    @cached_property
    def money(self) -> dict[Decimal, set[str]]:
        """Currencies by amount."""
        found: dict[Decimal, set[str]] = {}
        for values, currency, _ in _money(self.text):
            for value in values:
                found.setdefault(value, set()).add(currency)
        return found


@dataclass(frozen=True, slots=True)
class Invention:
    """Text that does not occur in the source: the code, the words, and their offset in the claim."""

    code: Code
    words: str
    start: int


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare key points with all items, and headlines written by a model with the bodies of their items."""
    issue = context.issue
    if not context.whole:
        return
    if issue.key_points:
        drafted = bool(issue.key_points.generated_by) or any(part in {"", "key_points"} for part, _ in issue.generated)
        source = Summed("\n".join(_everything(context)))
        points = (text for text in context.texts if text.role == "key point")
        for line in (Line(*run) for point in points for run in point.plain()):
            yield from _told(line, source, issue, drafted=drafted)
    for index, item in enumerate(issue.items):
        if item.headline and sums_up(item):
            bodies = [text.words for text in context.texts if text.item == index]
            if bodies:
                line = field(item.places, ("headline",), item.headline)
                yield from _told(line, Summed("\n".join(bodies)), issue)


def _everything(context: Context) -> Iterator[str]:
    issue = context.issue
    yield from (issue.title, issue.subtitle or "", *issue.authors, *issue.tags)
    for item in issue.items:
        yield from (item.headline, item.section or "", item.commentary_by or "", *item.tags)
        yield from (source.name for source in item.sources)
        yield item.image.alt if item.image else ""
    yield from (text.words for text in context.texts if text.role != "key point")


def _told(line: Line, source: Summed, issue: Issue, *, drafted: bool = True) -> Iterator[Diagnostic]:
    for found in inventions(line.text, source, issue.language, drafted=drafted):
        place = line.place(found.start, found.start + len(found.words))
        message = say("{text} appears in no item", text=found.words)
        advice = say("write what the items have, or add it to an item")
        if found.code is CURRENCY:
            message = say("the items give this amount in a different currency from {words}", words=found.words)
            advice = say("write the currency the items have")
        elif found.code is QUOTE:
            message = say("nobody says this in the items")
            advice = say("quote what is said there, or write it without quotation marks")
        yield found.code.at(place, message, help=advice)


def inventions(claim: str, source: Summed, language: str, *, drafted: bool = True) -> list[Invention]:
    """Return what the claim contains and the source does not, in reading order. In a claim written by a person (not
    ``drafted``), only names with unusual spelling are checked, as people may add a place or a person.
    """
    others = (*_quotes(claim, source), *_when(claim, source), *other_currencies(claim, source))
    return sorted((*_names(claim, source, language, drafted), *others), key=lambda one: one.start)


def _names(claim: str, source: Summed, language: str, drafted: bool) -> Iterator[Invention]:
    words = list(_WORD.finditer(claim))
    han = bool(HAN.search(claim))
    capitals = sum(word[0][0].isupper() for word in words)
    weak = drafted and language.split("-")[0] != "de" and (han or capitals <= 0.75 * len(words) or len(words) < 4)
    whole = {word.casefold() for row in _rows(claim) if _initials_of(row) & source.words for word in row}
    after = -1
    for word in words:
        begins = not han and (after < 0 or bool(_STARTS.search(claim, after, word.start())))
        name, after = word[0], word.end()
        strong = any(sign.isupper() for sign in name[1:]) or any(sign.isdigit() for sign in name)
        plain = name[0].isupper() and weak and not begins and (len(name) > 2 or not han)
        if (strong or plain) and not _is_known(name, source) and name.casefold() not in whole:
            yield Invention(NAME, name, word.start())
    for pattern in (_TITLE, _PERSON):
        for title in pattern.finditer(claim):
            if not source.holds(title[1]) and not set(title[1][1:]) & _LOOSE:
                yield Invention(NAME, title[1], title.start(1))
    for body in _BODY.finditer(claim):
        if not set(body[1]) & _LOOSE and not source.holds(body[1]):
            yield Invention(NAME, body[0], body.start())


def _is_known(name: str, source: Summed) -> bool:
    plain = name.casefold()
    forms = {plain, plain.replace(".", "")}  # U.S. is US, and LLMs are LLM
    forms |= {plain[:-1]} if name[:-1].isupper() and name[-1] == "s" else set()
    known = not (forms.isdisjoint(_KNOWN_TO_ALL) and forms.isdisjoint(source.words))
    if len(plain) < 2 or known or _CALENDAR.fullmatch(name):
        return True
    letters = _letters(name)
    if len(letters) > 3 and source.holds(letters):
        return True
    if name.rstrip("s").replace(".", "").isupper() and not forms.isdisjoint(source.initials):
        return True
    if name[0].isupper() and name[1:].islower() and len(name) > 4 and plain[:4] in source.stems:
        return True
    if any(plain in names and not names.isdisjoint(source.words) for names in _PLACES):
        return True
    parts = [part for part in re.split(r"[-.&]", name) if not part.islower()]
    return len(parts) > 1 and all(part.casefold() in source.words or part.casefold() in _KNOWN_TO_ALL for part in parts)


def _rows(text: str) -> Iterator[list[str]]:
    """Sequences of capitalized words: European Union, Bank of England."""
    row: list[str] = []
    after = 0
    for word in _WORD.finditer(text):
        if text[after : word.start()].strip() or not (
            word[0][0].isupper() or (row and word[0] in {"of", "the", "and", "for"})
        ):
            if len(row) > 1:
                yield row
            row = []
        if word[0][0].isupper() or row:
            row.append(word[0])
        after = word.end()
    if len(row) > 1:
        yield row


def _initials_of(row: Iterable[str]) -> set[str]:
    capital = "".join(word[0] for word in row if word[0].isupper()).casefold()
    return {capital, "".join(word[0] for word in row).casefold()}


def _quotes(claim: str, source: Summed) -> Iterator[Invention]:
    for said in _SAID.finditer(claim):
        pieces = re.split(r"…|\.\.\.|\[[^\]]*\]", next(filter(None, said.groups())))
        long = (piece for piece in pieces if len(HAN.findall(piece)) >= 6 or len(_WORD.findall(piece)) >= 4)
        if not all(map(source.holds, long)):
            yield Invention(QUOTE, said[0], said.start())


def _when(claim: str, source: Summed) -> Iterator[Invention]:
    for (month, day), found in _dates(claim):
        elsewhere = source.dates and Decimal(day) in source.values  # otherwise the number itself is reported
        if elsewhere and (month, day) not in source.dates and day not in source.days:
            yield Invention(DATE, found[0], found.start())


def _dates(text: str) -> Iterator[tuple[tuple[int, int], re.Match[str]]]:
    for found in _DATES.finditer(text):
        month, day = (next(filter(None, (found[f"{kind}{n}"] for n in range(1, 5)))) for kind in "md")
        number = int(month) if month.isdecimal() else _MONTHS.index(month[:3].casefold()) + 1
        yield (number, int(day)), found


def other_currencies(claim: str, source: Summed) -> Iterator[Invention]:
    """Yield the currencies of amounts that the source gives in another currency."""
    for values, currency, found in _money(claim):
        theirs = set[str]().union(*(source.money.get(value, set()) for value in values))
        if theirs and currency not in theirs:
            yield Invention(CURRENCY, found[0], found.start())


def _money(text: str) -> Iterator[tuple[frozenset[Decimal], str, re.Match[str]]]:
    """Amounts with an adjacent currency."""
    for number in numbers(text):
        end = number.start + len(number.text)
        after = _CURRENCY.search(text, end, end + 20)
        before = list(_CURRENCY.finditer(text, max(0, number.start - 4), number.start))
        if after and not re.search(r"[\d,.;，。；、]", text[end : after.start()]) and after.start() - end < 8:
            yield number.values, str(after.lastgroup), after
        elif before and not text[before[-1].end() : number.start].strip():
            yield number.values, str(before[-1].lastgroup), before[-1]


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
