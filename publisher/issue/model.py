"""Model of a validated issue: complete when created, never changed later; every field knows its place in the source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from publisher.diagnostics import Place, Span
from publisher.documents.nodes import KeyPath


class Status(StrEnum):
    """``draft``: built only with ``--drafts`` and never sent. ``ready``: published when it is due."""

    DRAFT = "draft"
    READY = "ready"


@dataclass(frozen=True)
class Prose:
    """Markdown as written, with the place of each of its lines in the file.

    ``origins[i]`` is ``(line, column)`` in the file, from 1, of the first character of line ``i`` of ``text``. If
    columns do not run on from there (quoted and folded YAML), ``positions[i]`` places each character, and the end.
    """

    text: str
    path: str
    origins: tuple[tuple[int, int], ...] = field(repr=False)
    positions: tuple[tuple[tuple[int, int], ...], ...] = field(default=(), repr=False)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines of ``text``, without line ends."""
        return tuple(self.text.split("\n"))

    def place(self, line: int, column: int = 0, end_column: int | None = None) -> Place:
        """Return the place of a range of line ``line`` (lines and columns from 0); by default the whole line."""
        line = max(0, min(line, len(self.origins) - 1))
        end = len(self.lines[line]) if end_column is None else end_column
        if self.positions:
            known = self.positions[line]
            start, stop = known[min(column, len(known) - 1)], known[min(max(end, column), len(known) - 1)]
            return Place(self.path, Span(*start, *max(start, stop)))
        at, offset = self.origins[line]
        return Place(self.path, Span(at, offset + column, at, offset + max(end, column)))


@dataclass(frozen=True, slots=True)
class Places:
    """Places of the values of a mapping; an absent value has the place of the mapping itself.

    ``text(*at)`` is the value at ``at`` with the place of each of its characters.
    """

    path: str
    start: Span
    values: Mapping[KeyPath, Span] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    text: Callable[..., Prose | None] = field(default=lambda *_: None, repr=False, compare=False)

    def of(self, *at: str | int) -> Place:
        """Return the place of the value at ``at``, or of the nearest mapping that contains it."""
        while at:
            if at in self.values:
                return Place(self.path, self.values[at])
            at = at[:-1]
        return Place(self.path, self.start)


@dataclass(frozen=True, slots=True)
class Picture:
    """Image with alternative text, caption and credit. ``image`` is as written, relative to the issue's folder."""

    image: str
    alt: str
    caption: str | None = None
    credit: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Source of a story."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Sponsor:
    """Sponsor of a story; name and URL are optional."""

    by: str | None = None
    url: str | None = None


class Grade(StrEnum):
    """How a model contributed to a text."""

    DRAFTED = "drafted"
    SUMMARISED = "summarised"
    TRANSLATED = "translated"
    ASSISTED = "assisted"  # written by a person with the model's help


@dataclass(frozen=True, slots=True)
class Origin:
    """Model that wrote a text, and the people who reviewed it and are responsible; ``sources``: the model's input."""

    by: str
    grade: Grade = Grade.DRAFTED
    reviewed_by: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


Origins = tuple[tuple[str, Origin], ...]
"""By part; the part is empty for the whole."""


@dataclass(frozen=True, slots=True)
class KeyPoints:
    """Points above the items; ``generated_by`` is the model that drafted them, as shown to readers."""

    points: tuple[Prose, ...]
    generated_by: str | None = None


@dataclass(frozen=True, slots=True)
class Wechat:
    """Texts for a 公众号 (WeChat official account) that replace title, first author and preheader."""

    title: str | None = None
    author: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """Story in an issue. ``anchor`` is unique within the issue and stable; ``headline`` may be empty for some kinds.

    ``only`` is a condition on readers (:mod:`publisher.config.segments`); None if the item is for all.
    """

    headline: str
    body: Prose
    anchor: str
    places: Places
    commentary: Prose | None = None
    commentary_by: str | None = None
    sources: tuple[Source, ...] = ()
    image: Picture | None = None
    tags: tuple[str, ...] = ()
    section: str | None = None
    sponsored: Sponsor | None = None
    kind: str = "story"
    generated: Origins = ()
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """Validated issue. The defaults of ``subject`` and ``language`` are filled in."""

    slug: str
    folder: str
    title: str
    date: date
    language: str
    subject: str
    places: Places
    items: tuple[Item, ...]
    number: int | None = None
    subtitle: str | None = None
    preheader: str | None = None
    status: Status = Status.DRAFT
    publish_at: datetime | None = None
    deliver_at: time | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cover: Picture | None = None
    intro: Prose | None = None
    key_points: KeyPoints | None = None
    attribution: Prose | None = None
    audience: str | None = None
    overflow: str | None = None
    generated: Origins = ()
    wechat: Wechat = Wechat()
    translation_of: str | None = None
    after: timedelta | None = None  # of a step of a series: delay after the enrolment
