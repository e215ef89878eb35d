"""The words of an issue, run by run, for rules about how they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

from publisher.checks.context import Context
from publisher.diagnostics import Place, Span
from publisher.issue import Item, Picture, Places
from publisher.issue.markdown.cjk import url_end

HAN = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]")
_ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|www\.)\S+")


@dataclass(frozen=True, slots=True)
class Line:
    """A run of words on one line of a file. ``key`` is shared by runs of one text; ``at`` gives its place."""

    text: str
    at: Callable[[], Place]
    key: object

    @property
    def whole(self) -> Place:
        """The place of all of it."""
        return self.at()

    def place(self, start: int, end: int) -> Place:
        """The place of a part of the run; the whole of it where the run was not written plainly."""
        whole = self.whole
        span = whole.span
        more = span.end_column - span.column - len(self.text) if span.line == span.end_line else -1
        if more in {0, 2}:  # as it is, or in quotes
            column = span.column + more // 2
            return Place(whole.path, Span(span.line, column + start, span.line, column + end))
        return whole


def fields(context: Context) -> Iterator[Line]:
    """Every field of plain text, those of the issue and then those of each item; ``key`` is the field's own."""
    issue = context.issue
    yield from _fields(issue.places, ("title",), issue.title)
    if ("subject",) in issue.places.values:
        yield from _fields(issue.places, ("subject",), issue.subject)
    yield from _fields(issue.places, ("subtitle",), issue.subtitle)
    yield from _fields(issue.places, ("preheader",), issue.preheader)
    yield from _fields(issue.places, ("authors",), *issue.authors)
    yield from _fields(issue.places, ("tags",), *issue.tags)
    yield from _of_picture(issue.places, "cover", issue.cover)
    for item in issue.items:
        yield from _fields(item.places, ("headline",), item.headline)
        yield from _of_picture(item.places, "image", item.image)
        yield from _fields(item.places, ("commentary_by",), item.commentary_by)
        for index, source in enumerate(item.sources):
            at = ("source", index, "name")
            yield from _fields(item.places, at if at in item.places.values else ("source", "name"), source.name)
        yield from _fields(item.places, ("section",), item.section)
        yield from _fields(item.places, ("tags",), *item.tags)
        yield from _fields(item.places, ("sponsored", "by"), item.sponsored.by if item.sponsored else None)


def _fields(places: Places, at: tuple[str | int, ...], *texts: str | None) -> Iterator[Line]:
    for index, text in enumerate(texts):
        if text:
            yield Line(text, partial(places.of, *at, *([index] if at[0] in {"authors", "tags"} else [])), at[-1])


def _of_picture(places: Places, name: str, picture: Picture | None) -> Iterator[Line]:
    if picture:
        for key in ("alt", "caption", "credit"):
            yield from _fields(places, (name, key), getattr(picture, key))


@lru_cache(maxsize=2)
def lines(context: Context) -> tuple[Line, ...]:
    """Title, headlines and all prose that holds Han or kana, without code; several rules ask in turn."""
    return tuple(_lines(context))


def _lines(context: Context) -> Iterator[Line]:
    issue = context.issue
    yield Line(_without_addresses(issue.title), partial(issue.places.of, "title"), "title")
    heads: dict[int, Item] = dict(enumerate(issue.items))
    for text in context.texts:
        if text.item is not None and text.role == "body":
            yield from _headline(heads, text.item)
        if not HAN.search(text.prose.text) and "&" not in text.prose.text:  # nor by an entity
            continue
        key = (text.role, text.item, text.prose.origins[:1], text.prose.path)
        for words, at in text.plain():
            yield Line(_without_addresses(words), at, key)
    for index in list(heads):
        yield from _headline(heads, index)


@lru_cache(maxsize=2)
def cjk_lines(context: Context) -> tuple[Line, ...]:
    """The runs that hold Han or kana."""
    return tuple(line for line in lines(context) if HAN.search(line.text))


def _headline(heads: dict[int, Item], index: int) -> Iterator[Line]:
    if item := heads.pop(index, None):
        yield Line(_without_addresses(item.headline), partial(item.places.of, "headline"), ("headline", index))


def _without_addresses(text: str) -> str:
    """The text with as many strangers where an address stands: what is written there is no prose."""
    if "://" not in text and "www." not in text:
        return text
    return _ADDRESS.sub(lambda found: "\ufffc" * (end := url_end(found[0])) + found[0][end:], text)
