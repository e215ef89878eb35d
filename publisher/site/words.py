"""The words of the archive's own furniture, by language. An issue's own words are the edition's.

``labels`` in config.yaml overrides a word: ``labels: {en: {archive_search: Find}}``.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from babel.dates import format_date

from publisher.config import Config
from publisher.edition.language import Words, catalogs_of, locale_of
from publisher.edition.model import Edition

CATALOGS = catalogs_of(Path(__file__).parent)


def declared() -> dict[str, list[str]]:
    """Every word that ``labels`` may replace, with its text in English."""
    return {f"archive_{name}": [text] for name, text in CATALOGS["en"].items()}


class SiteWords:
    """The archive's words in one language; English where a language has no catalog."""

    def __init__(self, language: str, config: Config) -> None:
        self.language = language
        self.words = Words.of(language, config)
        self.dir = self.words.direction
        self._furniture = self.words.of_room(Path(__file__).parent, "archive_")

    def __getitem__(self, name: str) -> str:
        return self._furniture[name]

    def count(self, number: int) -> str:
        """So many issues."""
        return self["count_one"] if number == 1 else self["count"].replace("{count}", str(number))

    def number(self, edition: Edition) -> str:
        """Which issue, or nothing."""
        return "" if edition.number is None else self.words("number", number=edition.number)

    def minutes(self, edition: Edition) -> str:
        """How long it takes to read, in short."""
        return self["minutes"].replace("{minutes}", str(edition.length.minutes))

    def day(self, edition: Edition) -> str:
        """The date, as the language writes it."""
        return self.words.date(edition.date)

    def on(self, name: str, day: date) -> str:
        """A sentence with the day in it."""
        return self[name].replace("{date}", self.words.date(day))

    def short_day(self, edition: Edition) -> str:
        """Month and day, for a list under its year."""
        pattern = "M月d日" if self.words.counts_characters else "d MMM"
        return format_date(edition.date, pattern, locale=locale_of(self.language))
