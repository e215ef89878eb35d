"""The order of issues in the archive, and the groups that share a tag, an author, a section or a year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo

from publisher.edition.model import Edition
from publisher.language import covers
from publisher.site.paths import folder_key, folder_name

PAGE = 24
"""Number of issues on a page."""


@dataclass(frozen=True, slots=True)
class Group:
    """Issues that share a tag, an author, a section or a year, newest first. ``path`` is the folder of its page.

    ``published`` are the issues that feeds and the sitemap show.
    """

    kind: str
    name: str
    path: str
    editions: tuple[Edition, ...]
    published: tuple[Edition, ...]

    @property
    def issues(self) -> int:
        """The number of issues."""
        return len(self.editions)

    @property
    def pages(self) -> tuple[Page, ...]:
        """The pages of the group, at least one, with ``PAGE`` editions each."""
        count = max(1, -(-self.issues // PAGE))
        return tuple(Page(self, at + 1, count) for at in range(count))


@dataclass(frozen=True, slots=True)
class Page:
    """Page of a group; ``number`` counts from 1."""

    group: Group
    number: int
    count: int

    @property
    def editions(self) -> tuple[Edition, ...]:
        """The editions on this page."""
        return self.group.editions[(self.number - 1) * PAGE : self.number * PAGE]

    @property
    def path(self) -> str:
        """The folder of this page, ending in ``/``."""
        return self.at(self.number)

    def at(self, number: int) -> str:
        """The folder of page ``number`` of the group."""
        return self.group.path + (f"page/{number}/" if number > 1 else "")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The next newer and the next older issue."""

    newer: Edition | None
    older: Edition | None


@dataclass(frozen=True, slots=True)
class Archive:
    """All editions, newest first, and their groups: largest first, years newest first.

    ``published`` are the editions in feeds and the sitemap: a draft cannot be withdrawn from a feed reader.
    ``languages`` are the distinct languages of the published editions.
    """

    editions: tuple[Edition, ...]
    published: tuple[Edition, ...]
    languages: tuple[str, ...]
    by_year: tuple[Group, ...]
    tags: tuple[Group, ...]
    authors: tuple[Group, ...]
    sections: tuple[Group, ...]
    by_key: dict[tuple[str, str], Group]
    neighbours: dict[str, Neighbours]
    families: dict[str, tuple[Edition, ...]]

    def translations(self, edition: Edition) -> tuple[Edition, ...]:
        """The issue in each of its languages, the original first; empty if there are no translations."""
        return self.families.get(edition.translation_of or edition.slug, ())

    def groups_of(self, kind: str, names: Iterable[str]) -> tuple[Group, ...]:
        """The distinct groups of ``kind`` (``tags``, ``authors``, ``sections``) for ``names``."""
        return tuple(self.by_key[kind, key] for key in dict.fromkeys(map(folder_key, names)))

    @property
    def years(self) -> tuple[tuple[int, tuple[Edition, ...]], ...]:
        """Each year with its issues."""
        return tuple((int(group.name), group.editions) for group in self.by_year)

    @property
    def groups(self) -> tuple[Group, ...]:
        """All groups."""
        return (*self.by_year, *self.tags, *self.authors, *self.sections)


def arrange(editions: Iterable[Edition], language: str = "") -> Archive:
    """Sort editions by date, then number, newest first, the one in ``language`` first among equals; and group them."""
    first = language.split("-")[0]

    def rank(edition: Edition) -> tuple[date, int, bool, str]:
        return edition.date, edition.number or 0, covers(first, edition.language), edition.slug

    ordered = tuple(sorted(editions, key=rank, reverse=True))
    years = _grouped("archive", ordered, lambda edition: [str(edition.date.year)])
    tags = _by_size(_grouped("tags", ordered, lambda edition: edition.topics))
    authors = _by_size(_grouped("authors", ordered, lambda edition: edition.authors))
    sections = _by_size(_grouped("sections", ordered, lambda edition: edition.sections))
    by_key = {(group.kind, folder_key(group.name)): group for group in (*tags, *authors, *sections)}
    published = _published(ordered)
    languages = tuple(sorted({edition.language for edition in published}))
    beside, families = _neighbours(ordered), _families(ordered)
    return Archive(ordered, published, languages, years, tags, authors, sections, by_key, beside, families)


def _families(editions: Iterable[Edition]) -> dict[str, tuple[Edition, ...]]:
    """Issues with their translations, the original first, by the slug of the original."""
    found: dict[str, list[Edition]] = defaultdict(list)
    for edition in sorted(editions, key=lambda edition: (edition.translation_of is not None, edition.slug)):
        found[edition.translation_of or edition.slug].append(edition)
    return {slug: tuple(members) for slug, members in found.items() if len(members) > 1}


def moment(edition: Edition, zone: tzinfo) -> datetime:
    """The time of an issue: its ``publish_at``, otherwise midnight of its date in the newsletter's time zone. It does
    not depend on the time of the build, so that a rebuild gives the same bytes.
    """
    if edition.publish_at is None:
        return datetime.combine(edition.date, time(), zone)
    at = edition.publish_at
    return at if at.tzinfo else at.replace(tzinfo=zone)


def latest(editions: Sequence[Edition], zone: tzinfo) -> datetime:
    """The latest moment of ``editions``; the epoch if there are none."""
    return max((moment(edition, zone) for edition in editions), default=datetime(1970, 1, 1, tzinfo=UTC))


def _grouped(kind: str, ordered: Sequence[Edition], names: Callable[[Edition], Iterable[str]]) -> tuple[Group, ...]:
    """Group editions by name. The oldest of several spellings names the page, so that new issues change no old URLs."""
    spelling: dict[str, str] = {}
    members: dict[str, dict[str, Edition]] = defaultdict(dict)
    for edition in reversed(ordered):
        for name in names(edition):
            key = folder_key(name)
            spelling.setdefault(key, name)
            members[key][edition.slug] = edition
    groups = (
        Group(kind, name, f"{kind}/{folder_name(name)}/", editions, _published(editions))
        for key, name in reversed(spelling.items())
        if (editions := tuple(reversed(members[key].values())))
    )
    return tuple(groups)


def _published(editions: tuple[Edition, ...]) -> tuple[Edition, ...]:
    return tuple(edition for edition in editions if not edition.draft)


def _by_size(groups: Sequence[Group]) -> tuple[Group, ...]:
    return tuple(sorted(groups, key=lambda group: (-len(group.editions), group.name.casefold(), group.name)))


def _neighbours(ordered: Sequence[Edition]) -> dict[str, Neighbours]:
    around = (None, *ordered, None)
    return {edition.slug: Neighbours(around[at], around[at + 2]) for at, edition in enumerate(ordered)}
