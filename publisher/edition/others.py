"""What an edition follows from beside its own issue: its translations, and the issues before it that its mail lists
(``theme.parts.previous``). Of each of those the head alone is read.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Self

from publisher.config import Config
from publisher.edition.brand import Brand
from publisher.issue.translations import Family, Translations, heads, translations_of
from publisher.language.tags import canonical

LISTED = 3


class Head(NamedTuple):
    """What a list needs of an issue."""

    day: date
    slug: str
    title: str
    language: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Others:
    """Of all issues of a newsletter. ``heads`` is empty where the theme lists no previous issues; ``ready`` are those
    of each language that are no draft, the oldest first.
    """

    translations: Translations = field(default_factory=Translations)
    heads: Mapping[str, Head] = field(default_factory=dict)
    ready: Mapping[str, tuple[Head, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config) -> Self:
        """As they are on disk, and in an editor's buffers."""
        listed = _heads(config) if Brand.of(config).parts.get("previous") else ()
        found = {head.slug: head for head in listed}
        ready: dict[str, list[Head]] = {}
        for head in sorted(found.values()):
            if head.ready:
                ready.setdefault(head.language, []).append(head)
        return cls(translations_of(config), found, {language: tuple(known) for language, known in ready.items()})

    def family(self, slug: str) -> Family:
        """Its translations, and what it translates."""
        return self.translations.others(slug)

    def before(self, slug: str) -> tuple[Head, ...]:
        """The last issues of an earlier day in the language of ``slug`` that are ready, newest first."""
        own = self.heads.get(slug)
        known = self.ready.get(own.language, ()) if own else ()
        end = bisect_left(known, (own.day,)) if own else 0  # a head of that day is greater
        return known[max(0, end - LISTED) : end][::-1]

    def slugs(self, slug: str) -> tuple[str, ...]:
        """The issues that the edition of ``slug`` follows from."""
        return (*(one.slug for one in self.family(slug)), *(one.slug for one in self.before(slug)))


def _heads(config: Config) -> Iterable[Head]:
    for slug, texts in heads(config.root).items():
        own = texts.get("language") or config.newsletter.language
        with suppress(KeyError, ValueError):  # an issue that is not whole is told of elsewhere
            day, title = date.fromisoformat(texts["date"]), " ".join(texts["title"].split())
            yield Head(day, slug, title, canonical(own) or own, texts.get("status") == "ready")
