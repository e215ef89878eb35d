"""The words of the archive's own furniture. An issue's own words are the edition's."""

from datetime import date

from publisher.config import Config
from publisher.edition.model import Edition
from publisher.language import Locale, Words


class SiteWords(Words):
    """The archive's words in one language, and what it says of an edition."""

    def __init__(self, language: str, config: Config) -> None:
        super().__init__("archive", Locale.of(language, config.labels))
        self.dir = self.direction

    def count(self, number: int) -> str:
        """So many issues."""
        return self("count", count=number)

    def number(self, edition: Edition) -> str:
        """Which issue, or nothing."""
        return "" if edition.number is None else self.words("number", number=edition.number)

    def minutes(self, edition: Edition) -> str:
        """How long it takes to read, in short."""
        return self("minutes", minutes=edition.length.minutes)

    def day(self, edition: Edition) -> str:
        """The date, as the language writes it."""
        return self.words.date(edition.date)

    def on(self, name: str, day: date) -> str:
        """A sentence with the day in it."""
        return self(name, date=self.words.date(day))

    def short_day(self, edition: Edition) -> str:
        """Month and day, for a list under its year."""
        return self.words.short_date(edition.date)
