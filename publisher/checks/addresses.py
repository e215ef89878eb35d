"""Every address an issue leads to, with the place it was written at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from publisher.checks.context import Context
from publisher.diagnostics import Place
from publisher.issue import Item


@dataclass(frozen=True, slots=True)
class Link:
    """A URL and where it was written."""

    url: str
    place: Place


def addresses(context: Context) -> Iterator[Link]:
    """The sources of the items, then the links of the prose, in the order of reading."""
    for item in context.issue.items:
        yield from sources(item)
    for text in context.texts:
        for spot in text.of("link_open"):
            yield Link(str(spot.token.attrs.get("href", "")), spot.place)


def sources(item: Item) -> Iterator[Link]:
    """The addresses of an item's sources."""
    for index, source in enumerate(item.sources):
        if source.url:
            listed = ("source", index, "url") in item.places.values
            at = ("source", index, "url") if listed else ("source", "url")
            yield Link(source.url, item.places.of(*at))
