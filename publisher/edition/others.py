"""Heads of the issues that an edition depends on: its translations, and those it lists (``theme.parts.previous``)."""

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


class IssueHead(NamedTuple):
    """Fields of an issue that a list shows."""

    day: date
    slug: str
    title: str
    language: str
    ready: bool


@dataclass(frozen=True, slots=True)
class OtherIssues:
    """Index of all issues of a newsletter. ``heads`` is empty if the theme lists no previous issues; ``ready`` has the
    issues of each language that are not drafts, oldest first.
    """

    translations: Translations = field(default_factory=Translations)
    heads: Mapping[str, IssueHead] = field(default_factory=dict)
    ready: Mapping[str, tuple[IssueHead, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config) -> Self:
        """Read them from disk, and from an editor's unsaved buffers."""
        listed = _heads(config) if Brand.of(config).parts.get("previous") else ()
        found = {head.slug: head for head in listed}
        ready: dict[str, list[IssueHead]] = {}
        for head in sorted(found.values()):
            if head.ready:
                ready.setdefault(head.language, []).append(head)
        return cls(translations_of(config), found, {language: tuple(known) for language, known in ready.items()})

    def family(self, slug: str) -> Family:
        """The translations of an issue, and the issue it translates."""
        return self.translations.others(slug)

    def before(self, slug: str) -> tuple[IssueHead, ...]:
        """The last ready issues before the day of ``slug`` in its language, newest first."""
        own = self.heads.get(slug)
        known = self.ready.get(own.language, ()) if own else ()
        end = bisect_left(known, (own.day,)) if own else 0  # (day,) sorts before every head of that day
        return known[max(0, end - LISTED) : end][::-1]

    def slugs(self, slug: str) -> tuple[str, ...]:
        """The slugs of the issues that the edition of ``slug`` depends on."""
        return (*(one.slug for one in self.family(slug)), *(one.slug for one in self.before(slug)))


def _heads(config: Config) -> Iterable[IssueHead]:
    for slug, texts in heads(config.root).items():
        own = texts.get("language") or config.newsletter.language
        with suppress(KeyError, ValueError):  # an incomplete issue is reported elsewhere
            day, title = date.fromisoformat(texts["date"]), " ".join(texts["title"].split())
            yield IssueHead(day, slug, title, canonical(own) or own, texts.get("status") == "ready")
