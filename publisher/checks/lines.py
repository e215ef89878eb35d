"""The words of an issue, run by run, for rules about how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from publisher.checks.context import Context
from publisher.diagnostics import Place, Span
from publisher.issue import Item

HAN = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]")


@dataclass(frozen=True, slots=True)
class Line:
    """A run of words on one line of a file. ``key`` is shared by runs of one text; ``whole`` is its place."""

    text: str
    whole: Place
    key: object

    def place(self, start: int, end: int) -> Place:
        """The place of a part of the run; the whole of it where the run was not written plainly."""
        span = self.whole.span
        if span.line == span.end_line and span.end_column - span.column == len(self.text):
            return Place(self.whole.path, Span(span.line, span.column + start, span.line, span.column + end))
        return self.whole


def lines(context: Context) -> Iterator[Line]:
    """Title, headlines and all prose, without code."""
    issue = context.issue
    yield Line(issue.title, issue.places.of("title"), "title")
    heads: dict[int, Item] = dict(enumerate(issue.items))
    for text in context.texts:
        if text.item is not None and text.role == "body":
            yield from _headline(heads, text.item)
        for words, place in text.plain():
            yield Line(words, place, (text.role, text.item, text.prose.origins[:1], text.prose.path))
    for index in list(heads):
        yield from _headline(heads, index)


@lru_cache(maxsize=2)
def cjk_lines(context: Context) -> tuple[Line, ...]:
    """The runs that hold Han or kana; several rules ask in turn."""
    return tuple(line for line in lines(context) if HAN.search(line.text))


def _headline(heads: dict[int, Item], index: int) -> Iterator[Line]:
    if item := heads.pop(index, None):
        yield Line(item.headline, item.places.of("headline"), ("headline", index))
