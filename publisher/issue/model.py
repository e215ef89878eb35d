"""The validated issue.

Everything here is final: nothing is filled in later, and every field knows where it was written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from publisher.diagnostics import Place, Span
from publisher.documents.nodes import KeyPath


class Status(StrEnum):
    """``draft``: built only with ``--drafts`` and never sent. ``ready``: published when its time has come."""

    DRAFT = "draft"
    READY = "ready"


@dataclass(frozen=True)
class Prose:
    """Markdown as written, with the place of each of its lines in the file.

    ``origins[i]`` is ``(line, column)`` in the file, from 1, of the first character of line ``i`` of ``text``. Where
    columns do not run on from there (quoted and folded YAML), ``positions[i]`` places each character, and the end.
    """

    text: str
    path: str
    origins: tuple[tuple[int, int], ...] = field(repr=False)
    positions: tuple[tuple[tuple[int, int], ...], ...] = field(default=(), repr=False)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines of ``text``, without their ends."""
        return tuple(self.text.split("\n"))

    def place(self, line: int, column: int = 0, end_column: int | None = None) -> Place:
        """The file's place of ``text`` line ``line`` (from 0), columns from 0; the whole line where none is given."""
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
    """Where each value of a mapping was written; one that is absent is placed at the mapping itself.

    ``text(*at)`` is the value at ``at`` with the place of each of its characters.
    """

    path: str
    start: Span
    values: Mapping[KeyPath, Span] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    text: Callable[..., Prose | None] = field(default=lambda *_: None, repr=False, compare=False)

    def of(self, *at: str | int) -> Place:
        """The place of the value at ``at``, or of the nearest mapping that holds it."""
        while at:
            if at in self.values:
                return Place(self.path, self.values[at])
            at = at[:-1]
        return Place(self.path, self.start)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image with its words. ``image`` is as written, relative to the issue's folder."""

    image: str
    alt: str
    caption: str | None = None
    credit: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a story comes from."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Sponsor:
    """Who pays for a story; neither name nor address has to be given."""

    by: str | None = None
    url: str | None = None


class Grade(StrEnum):
    """What a model did to a text."""

    DRAFTED = "drafted"
    SUMMARISED = "summarised"
    TRANSLATED = "translated"
    ASSISTED = "assisted"  # a person wrote it, with the model's help


@dataclass(frozen=True, slots=True)
class Origin:
    """Which model wrote a text, and who reviewed it and answers for it; ``sources``: what the model was given."""

    by: str
    grade: Grade = Grade.DRAFTED
    reviewed_by: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


Origins = tuple[tuple[str, Origin], ...]
"""By part, which is empty for the whole."""


@dataclass(frozen=True, slots=True)
class KeyPoints:
    """The points above the items; ``generated_by`` names the model that drafted them, and readers are told."""

    points: tuple[Prose, ...]
    generated_by: str | None = None


@dataclass(frozen=True, slots=True)
class Wechat:
    """What an issue is called in a 公众号, where that is not its title, first author and preheader."""

    title: str | None = None
    author: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One story. ``anchor`` is unique in its issue and stable; ``headline`` is empty where its ``kind`` needs none.

    ``only`` is a condition on readers (:mod:`publisher.config.segments`); None: it is for all.
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
    """One dated unit of content, validated. ``subject`` and ``language`` have their defaults filled in."""

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
    after: timedelta | None = None  # of a step of a series: how long after a reader's start
