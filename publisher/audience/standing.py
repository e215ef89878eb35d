"""Columns of a CSV file that say who may be mailed, in the words of any tool.

In this module a column *speaks* if it says so. Some headers (``Status``, ``email_disabled``, ``UNSUB_TIME``,
``opt_in``) make their column speak; an unambiguous value (``unsubscribed``) does so in any column. A value of a
speaking column is known or becomes a question to the operator: no unknown word makes a person confirmed.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path

import yaml

from publisher.diagnostics import counted, listed, say


class ImportStatus(StrEnum):
    """Status of an imported person; the values are the answers that ``--status`` takes."""

    FINE = "confirmed"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCE = "bounced"
    COMPLAINT = "complained"
    MANUAL = "blocked"
    SKIP = "skip"
    """Never subscribed; the row is not imported."""


WORST = (
    ImportStatus.COMPLAINT, ImportStatus.BOUNCE, ImportStatus.MANUAL, ImportStatus.UNSUBSCRIBED, ImportStatus.SKIP,
    ImportStatus.PENDING, ImportStatus.FINE,
)  # fmt: skip

TABLES = yaml.safe_load(Path(__file__).with_name("vocabulary.yaml").read_text(encoding="utf-8"))
"""Vocabulary of many tools; the file explains each table."""


def _words(name: str) -> frozenset[str]:
    return frozenset(TABLES[name].split(", "))


def _statuses(name: str) -> dict[str, ImportStatus]:
    return {word: ImportStatus(status) for status, words in TABLES[name].items() for word in words.split(", ")}


STRONG = _statuses("strong")
KNOWN = STRONG | _statuses("known")
NOUNS = _words("nouns")
TRUE, FALSE, NOTHING = _words("true"), _words("false"), _words("nothing") | {""}
DATE = re.compile(
    r"\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}|^\d{9,13}$|\b\d{1,2}:\d{2}|\b\d{4}$"
)
AROUND, WHEN, WHY, MEASURE = _words("around"), _words("when"), _words("why"), _words("measure")
CHANNELS, MAIL = _words("channels"), _words("mail")
STATUS, STATE = _words("status"), _words("state")
NO = [
    (None if status == "unclear" else ImportStatus(status), re.compile(pattern))
    for status, pattern in TABLES["no"].items()
]
"""(status, pattern) of headers that mean "not to be mailed"; status None: only the operator knows."""
MOMENT, JOINED, BY = _words("moment"), _words("joined"), re.compile(TABLES["by"])
_CONFIRMS = _words("confirms")
YES, WEAK_YES = re.compile(TABLES["yes"]), _words("weak_yes")
LOOSE, FILES = re.compile(TABLES["loose"]), re.compile(TABLES["files"])
_HAN = re.compile("|".join(sorted(
    (word for word in AROUND | WHEN | WHY | STATUS | CHANNELS if word[0] > "\u3000"), key=len, reverse=True
)))  # fmt: skip
"""Words of languages that put no space between them."""
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=8192)
def normal(text: str) -> str:
    """Normalise a value or a header as in the tables: lower case, one space between words."""
    return re.sub(r"[\s_-]+", " ", text.strip().lower()).strip(" .!✅❌✔✗☑☐\ufe0f") or text.strip().lower()


_GROUPS = tuple(_words("groups"))
_GROUP = re.compile(rf" ?(?:{'|'.join(_GROUPS)})$")
_LIST = re.compile(r"[,;|\[{]")


def _unambiguous(value: str) -> ImportStatus | None:
    """Return the worst status among the words of a value, such as a list of tags; None if no word is unambiguous."""
    if value.endswith(_GROUPS):
        value = _GROUP.sub("", value)
    if _LIST.search(value) is None:
        return STRONG.get(value)
    found = {STRONG.get(word) for word in _parts(value)}
    return next((standing for standing in WORST if standing in found), None)


def _parts(value: str) -> list[str]:
    return [word.strip(" \"'[]{}") for word in re.split(r"[,;|:]", value)]


class ColumnKind(StrEnum):
    """Kind of values that a column holds."""

    STATUS = "status"
    """A status in words, as in ``Status``."""
    YES = "yes"
    """True: may be mailed, as in ``opt_in``."""
    NO = "no"
    """True, or a date: must not be mailed, as in ``deleted_at``."""
    OTHER = "other"
    """Speaks only if it holds an unambiguous word."""


@dataclass(slots=True)
class _Column:
    """Column and what its values have shown so far."""

    index: int
    header: str
    kind: ColumnKind = ColumnKind.OTHER
    sure: bool = False
    """Speaks whatever its values are; other columns speak once a value means anything but confirmed."""
    standing: ImportStatus | None = ImportStatus.UNSUBSCRIBED
    """Status of a true value (of kind YES: of a false one); None: ask the operator."""
    state: bool = False
    """May name a region (``State``, ``Estado``): a word for confirmed makes it speak; ``ok`` is Oklahoma."""
    anything: bool = False
    """Any text counts as true, as in a column of reasons."""
    told: bool = False
    true: int = 0
    false: int = 0
    blank: int = 0
    dated: int = 0
    unknown: Counter[str] = field(default_factory=Counter)

    @property
    def speaks(self) -> bool:
        return self.sure or self.told or self.half_confirmed

    @property
    def half_confirmed(self) -> bool:
        """Whether some rows have the moment of a confirmation and others have none, as CleverReach's ``activated``."""
        confirms = self.kind is ColumnKind.YES and self.standing is ImportStatus.PENDING
        return confirms and bool(self.dated and self.blank) and not self.false

    def doubts(self, word: str) -> bool:
        """Whether a value may be a topic of interest, as ``bounce`` among tags."""
        return self.kind is ColumnKind.OTHER and not NOUNS.isdisjoint(_parts(word))

    def observe(self, value: str, answers: Mapping[str, ImportStatus]) -> None:
        """Count a value."""
        if value in self.unknown:
            self.unknown[value] += 1
            return
        word = normal(value)
        if word in NOTHING:
            self.blank += 1
            return
        found = self.meaning(word, answers)
        asks = word not in answers if found is None else self.doubts(word)
        if asks and len(self.unknown) < MOST_VALUES:
            self.unknown[value] = 1
        if found is None:
            return
        self.dated += self.kind is ColumnKind.YES and bool(DATE.search(word))
        self.true += word in TRUE
        self.false += word in FALSE
        self.told = self.told or found is not ImportStatus.FINE or (self.state and word != "ok")

    def meaning(self, word: str, answers: Mapping[str, ImportStatus]) -> ImportStatus | None:
        """Return the status of a value, or None; in yes/no columns ``answers`` override no known value."""
        known = self.judge(word)
        if known is None and self.kind is ColumnKind.OTHER and not self.told:
            return None
        asks = known is None or self.kind in {ColumnKind.STATUS, ColumnKind.OTHER}
        return answers.get(word, known) if asks else known

    def judge(self, word: str) -> ImportStatus | None:
        """Return the status of a value without the operator's answers; None if unknown."""
        if self.kind is ColumnKind.OTHER and not self.told:
            return _unambiguous(word)
        if (found := KNOWN.get(word)) is not None:
            return found
        if self.kind is ColumnKind.NO:
            if (found := _unambiguous(word)) is not None:
                return found
            if word in FALSE:
                return ImportStatus.FINE
            return self.standing if self.anything or word in TRUE or DATE.search(word) else None
        if self.kind is ColumnKind.YES:
            if word in FALSE:
                return self.standing
            return ImportStatus.FINE if word in TRUE or DATE.search(word) else None
        return _unambiguous(word)

    def asks(self) -> list[tuple[str, int]]:
        """Return the values that only the operator can explain, each with its number of rows."""
        if not self.speaks:
            return []
        words = [(value, number, normal(value)) for value, number in self.unknown.most_common()]
        found = [(value, number) for value, number, word in words if self.judge(word) is None or self.doubts(word)]
        ticked = self.kind is ColumnKind.YES and self.true and self.blank and not self.false
        return [*found, ("", self.blank)] if ticked or self.half_confirmed else found


MOST_VALUES = 20
"""Limit on the different unknown values that are collected."""


class StatusColumns:
    """Columns of a file that may speak: observes all rows first, then returns the status of each."""

    def __init__(
        self, columns: Iterable[tuple[int, str]], answers: Mapping[str, ImportStatus], statuses: Sequence[str] = ()
    ) -> None:
        """``columns``: (index, header); ``answers``: by value or header; ``statuses``: headers of status columns."""
        self._answers = {normal(said): standing for said, standing in answers.items()}
        self._columns = [
            column
            for index, header in columns
            if (column := _Column(index, header, ColumnKind.STATUS, sure=True) if header.lower() in statuses
                else _recognized(index, header))
        ]  # fmt: skip
        self.everybody = ImportStatus.FINE
        """Status of every row, if the file's name gives one."""

    def observe(self, row: Sequence[str]) -> None:
        """Observe a row, which is as wide as the header."""
        for column in self._columns:
            column.observe(row[column.index], self._answers)

    @cached_property
    def _speakers(self) -> list[_Column]:
        return [column for column in self._columns if column.speaks]

    @cached_property
    def speaking(self) -> set[int]:
        """Indexes of the columns that speak, valid once the file is read; they do not become attributes."""
        return {column.index for column in self._speakers if self._about(column) is not ImportStatus.FINE}

    def standing(self, row: Sequence[str]) -> ImportStatus:
        """Return the worst status in a row, once the file is read; unknown values are ignored."""
        if not self._speakers:
            return self.everybody
        found = {self.everybody} | {self._says(column, normal(row[column.index])) for column in self._speakers}
        return next(standing for standing in WORST if standing in found)

    def questions(self, stem: str) -> list[str]:
        """Return the questions to answer before the import; ``stem``, the file's name, may give a status too."""
        asked = []
        for column in self._columns:
            if (values := column.asks()) and self._about(column) is None:
                unanswered = [(value, number) for value, number in values if self._answers.get(normal(value)) is None]
                if unanswered:
                    asked.append(_question(column.header, unanswered))
        named = FILES.search(re.sub(r"[\W\d_]+", " ", CAMEL.sub(" ", stem)).lower())
        first = named[0] if named else ""
        if first and not any(column.told for column in self._columns):
            answer = self._answers.get(first)
            self.everybody = answer or ImportStatus.FINE
            if answer is None:
                asked.append(say("the file's name says {first!r} of everybody in it", first=first))
        return asked

    def _about(self, column: _Column) -> ImportStatus | None:
        return self._answers.get(normal(column.header))

    def _says(self, column: _Column, word: str) -> ImportStatus | None:
        if word in NOTHING:
            return self._answers.get("") if column.kind is ColumnKind.YES else None
        if (about := self._about(column)) is not None and word not in self._answers:
            return about
        return column.meaning(word, self._answers)


def _question(header: str, values: list[tuple[str, int]]) -> str:
    def quoted(value: str, number: int) -> str:
        shown = say("a value that is not shown") if "@" in value else f"{value[:40]!r}"
        return counted("{shown} ({n:,} row)", "{shown} ({n:,} rows)", number, shown=shown)

    told = listed([*(quoted(*one) for one in values[:5]), *["…"][: len(values) > 5]])
    what = say("the column {header!r} speaks of a subscription", header=header)
    return say("{what}, and what these values mean is not known: {told}", what=what, told=told)


def _recognized(index: int, header: str) -> _Column | None:
    """Classify a column by its header; None: it is about text messages or calls alone, whatever it holds."""
    said = re.sub(r"[\W_]+", " ", CAMEL.sub(" ", header).lower().replace("e-mail", "email")).strip()
    said = re.sub("(?<=status|reason|bounce) text$", "", said)  # of a status, not a message
    words = _HAN.sub(r" \g<0> ", said).split()
    if MEASURE & set(words) or (CHANNELS & set(words) and not MAIL & set(words)) or "emails bounced" in said:
        if CHANNELS & set(words) and BY.search(said):
            return _Column(index, header, ColumnKind.NO, sure=True, standing=None)
        return None if CHANNELS & set(words) else _Column(index, header)
    said_around = AROUND | WHEN | WHY | STATUS | STATE
    for standing, pattern in NO:
        if (rest := _rest(pattern, said)) is not None and not rest - said_around:
            anything = bool(rest & WHY - {"type", "id", "title", "other"})
            return _Column(index, header, ColumnKind.NO, sure=True, standing=standing, anything=anything)
    if LOOSE.search(said):
        return _Column(index, header, ColumnKind.NO, sure=True, standing=None)
    others = set(words) - AROUND
    if others & (STATUS | STATE):
        sure = not others - STATUS - STATE and (bool(others & STATUS) or len(words) > 1)
        return _Column(index, header, ColumnKind.STATUS, sure=sure, state=not sure and not others - STATE)
    if (rest := _rest(YES, said)) is not None:
        confirms, also = _CONFIRMS & set(words), JOINED | CHANNELS if MAIL & set(words) else frozenset()
        if not rest - AROUND - also - (MOMENT if confirms else frozenset()):
            weak = bool(WEAK_YES & set(words)) or not rest.isdisjoint(MOMENT)
            standing = ImportStatus.PENDING if confirms else ImportStatus.UNSUBSCRIBED
            return _Column(index, header, ColumnKind.YES, sure=not weak, standing=standing)
    if words and not others and {"newsletter", "marketing", "subscription", "mailing"} & set(words):
        return _Column(index, header, ColumnKind.YES)
    return _Column(index, header)


def _rest(pattern: re.Pattern[str], said: str) -> set[str] | None:
    """Return the words of a header outside the match of the pattern; None without a match."""
    return set(_HAN.sub(r" \g<0> ", pattern.sub(" ", said)).split()) if pattern.search(said) else None
