"""What a rule looks at: one issue, the config, and the issue's prose, parsed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from publisher.checks.markdown import Text
from publisher.checks.parts import Link
from publisher.config import Config
from publisher.issue import Issue, Item
from publisher.issue.definitions import halves


class Context:
    """One issue under check. The issue may be a partial one: empty text marks what another finding already names."""

    def __init__(self, config: Config, issue: Issue, *, whole: bool = True) -> None:
        """``whole``: nothing of the issue is missing for an error, so that what is absent may be missed."""
        self.config = config
        self.issue = issue
        self.whole = whole

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """All Markdown of the issue, in the order of reading."""
        return tuple(self._texts())

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The sources of the items, then the links of the prose, in the order of reading."""
        items = self.issue.items
        links: list[tuple[Item | None, Link]] = [
            (item, link) for item in items for link in (*sources(item), *_sponsor(item))
        ]
        for text in self.texts:
            item = None if text.item is None else items[text.item]
            links += [(item, link) for link in text.parts.links]
        return tuple(replace(link, sponsored=True) if item and item.sponsored else link for item, link in links)

    def _texts(self) -> Iterator[Text]:
        issue = self.issue
        if issue.intro:
            yield Text(issue.intro, "intro")
        for point in issue.key_points.points if issue.key_points else ():
            yield Text(point, "key point", inline=True)
        for index, item in enumerate(issue.items):
            body, commentary = halves(item)
            if body.text:
                yield Text(body, "body", item=index)
            if commentary:
                yield Text(commentary, "commentary", item=index)
        if issue.attribution:
            yield Text(issue.attribution, "attribution", inline=True)


def sources(item: Item) -> Iterator[Link]:
    """The addresses of an item's sources."""
    for index, source in enumerate(item.sources):
        if source.url:
            listed = ("source", index, "url") in item.places.values
            at = ("source", index, "url") if listed else ("source", "url")
            yield Link(source.url, item.places.of(*at))


def _sponsor(item: Item) -> Iterator[Link]:
    if item.sponsored and item.sponsored.url:
        yield Link(item.sponsored.url, item.places.of("sponsored", "url"))
