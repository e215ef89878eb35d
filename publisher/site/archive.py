"""The archive's shape: which issue comes before which, what a year and a tag hold. No markup here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo

from publisher.edition.model import Edition
from publisher.language import covers
from publisher.site.paths import tag_key, tag_path, tag_segment


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag and the issues that carry it, on themselves or on an item; newest first."""

    name: str
    path: str
    editions: tuple[Edition, ...]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The issues beside one."""

    newer: Edition | None
    older: Edition | None


@dataclass(frozen=True, slots=True)
class Archive:
    """All editions, newest first, and the ways through them."""

    editions: tuple[Edition, ...]
    years: tuple[tuple[int, tuple[Edition, ...]], ...]
    tags: tuple[Tag, ...]
    neighbours: dict[str, Neighbours]
    tag_by_key: dict[str, Tag]

    @property
    def published(self) -> tuple[Edition, ...]:
        """What feeds and the sitemap show: a draft, once in somebody's feed reader, cannot be called back."""
        return tuple(edition for edition in self.editions if not edition.draft)

    def tags_of(self, edition: Edition) -> tuple[Tag, ...]:
        """The tags of an issue and of its items, each once, in the order written."""
        keys = dict.fromkeys(tag_key(name) for name in edition.topics)
        return tuple(self.tag_by_key[key] for key in keys)


def arrange(editions: Iterable[Edition], language: str = "") -> Archive:
    """Put editions in order: by date, then number, the newest first; among equals the one in ``language``."""
    first = language.split("-")[0]

    def rank(edition: Edition) -> tuple[date, int, bool, str]:
        return edition.date, edition.number or 0, covers(first, edition.language), edition.slug

    ordered = tuple(sorted(editions, key=rank, reverse=True))
    years: dict[int, list[Edition]] = defaultdict(list)
    for edition in ordered:
        years[edition.date.year].append(edition)
    tags = _by_tag(ordered)
    return Archive(
        ordered,
        tuple((year, tuple(group)) for year, group in years.items()),
        tuple(sorted(tags.values(), key=lambda tag: (-len(tag.editions), tag.name.casefold(), tag.name))),
        _neighbours(ordered),
        tags,
    )


def moment(edition: Edition, zone: tzinfo) -> datetime:
    """When an issue is dated, to the second: its ``publish_at``, else the first moment of its day in the newsletter's
    zone. Never the time of the build, so that a rebuild gives the same bytes.
    """
    if edition.publish_at is None:
        return datetime.combine(edition.date, time(), zone)
    at = edition.publish_at
    return at if at.tzinfo else at.replace(tzinfo=zone)


def latest(editions: Sequence[Edition], zone: tzinfo) -> datetime:
    """The newest moment among ``editions``; the epoch where there are none."""
    return max((moment(edition, zone) for edition in editions), default=datetime(1970, 1, 1, tzinfo=UTC))


def _by_tag(ordered: Sequence[Edition]) -> dict[str, Tag]:
    """Where a tag is spelt in several ways, its oldest spelling names the page: new issues never move old URLs."""
    spelling: dict[str, str] = {}
    members: dict[str, dict[str, Edition]] = defaultdict(dict)
    for edition in reversed(ordered):
        for name in edition.topics:
            key = tag_key(name)
            spelling.setdefault(key, name)
            members[key][edition.slug] = edition
    return {
        key: Tag(name, tag_path(tag_segment(name)), tuple(reversed(members[key].values())))
        for key, name in spelling.items()
    }


def _neighbours(ordered: Sequence[Edition]) -> dict[str, Neighbours]:
    around = (None, *ordered, None)
    return {edition.slug: Neighbours(around[at], around[at + 2]) for at, edition in enumerate(ordered)}
