"""Input of a rule: the issue, the config, the parsed prose, and its text as lines with places."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from publisher.checks.markdown import Text
from publisher.checks.parts import Link
from publisher.config import Config
from publisher.diagnostics import Place, Span
from publisher.documents.nodes import KeyPath
from publisher.issue.definitions import with_shared_definitions
from publisher.issue.markdown.cjk import url_end
from publisher.issue.model import Issue, Item, Picture, Places, Prose
from publisher.issue.translations import Translations, translations_of
from publisher.regex import regex

HAN = regex(r"[\u3400-\u9fff\u3040-\u30ff]")
_ADDRESS = regex(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|www\.)\S+")


class Context:
    """Issue to be checked. It may be partial: a value is empty if another finding already reports it."""

    def __init__(
        self, config: Config, issue: Issue, *, whole: bool = True, translations: Translations | None = None
    ) -> None:
        """``whole``: no part was left out because of an error, so rules may report what is missing."""
        self.config = config
        self.issue = issue
        self.whole = whole
        self._translations = translations

    @cached_property
    def translations(self) -> Translations:
        """The translations of the newsletter; read from disk if not given."""
        return self._translations or translations_of(self.config)

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """All Markdown of the issue, in reading order."""
        return tuple(map(known_text, self._texts()))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The sources and sponsors of the items, then the links of the prose, in reading order."""
        return tuple(self.links_of(lambda _: True))

    def links_of(self, holds: Callable[[str], object]) -> Iterator[Link]:
        """Yield the links of sources and sponsors, and of the texts for which ``holds(text)`` is true."""
        items = self.issue.items
        links: list[tuple[Item | None, Link]] = [
            (item, link) for item in items for link in (*sources(item), *sponsors(item))
        ]
        for text in self.texts:
            if holds(text.prose.text):
                item = None if text.item is None else items[text.item]
                links += [(item, link) for link in text.parts.links]
        return (replace(link, sponsored=True) if item and item.sponsored else link for item, link in links)

    def _texts(self) -> Iterator[Text]:
        issue = self.issue
        if issue.intro:
            yield Text(issue.intro, "intro")
        for point in issue.key_points.points if issue.key_points else ():
            yield Text(point, "key point", inline=True)
        for index, item in enumerate(issue.items):
            body, commentary = with_shared_definitions(item)
            if body.text:
                yield Text(body, "body", item=index)
            if commentary:
                yield Text(commentary, "commentary", item=index)
        if issue.attribution:
            yield Text(issue.attribution, "attribution", inline=True)


@lru_cache(maxsize=256)
def known_text(text: Text) -> Text:
    """Return an equal text with cached results, if any: most of an issue is unchanged while it is edited."""
    return text


def sources(item: Item) -> Iterator[Link]:
    """Yield the links of an item's sources."""
    for index, source in enumerate(item.sources):
        if source.url:
            listed = ("source", index, "url") in item.places.values
            at = ("source", index, "url") if listed else ("source", "url")
            yield Link(source.url, item.places.of(*at))


def sponsors(item: Item) -> Iterator[Link]:
    """Yield the link of an item's sponsor, if it has one."""
    if item.sponsored and item.sponsored.url:
        yield Link(item.sponsored.url, item.places.of("sponsored", "url"))


@dataclass(frozen=True)
class Line:
    """Run of text on one line of a file, and a function for the place of a range. Runs of one text share ``key``."""

    text: str
    place: Callable[[int, int], Place]
    key: object = None

    @cached_property
    def whole(self) -> Place:
        """The place of the whole run."""
        return self.place(0, len(self.text))


def field(places: Places, at: KeyPath, text: str, key: object = None) -> Line:
    """Return a plain-text field. If its characters cannot be traced, the place of any range is the whole field."""
    traced: list[Prose | None] = []  # once it is needed, which is rare

    def place(start: int, end: int) -> Place:
        whole = places.of(*at)
        span = whole.span
        more = span.end_column - span.column - len(text) if span.line == span.end_line else -1
        if more in {0, 2}:  # plain, or in quotes
            column = span.column + more // 2
            return Place(whole.path, Span(span.line, column + start, span.line, column + end))
        traced[:] = traced or [places.text(*at)]
        written = traced[0]
        before = len(written.text) - len(written.text.lstrip()) if written else 0
        if written is None or len(written.text.strip()) != len(text):
            return whole
        return written.place(0, before + start, before + end)

    return Line(text, place, key)


@lru_cache(maxsize=2)
def fields(context: Context) -> tuple[Line, ...]:
    """All plain-text fields, those of the issue and then those of each item; ``key`` is the field's name."""
    return tuple(_all_fields(context.issue))


def _all_fields(issue: Issue) -> Iterator[Line]:
    yield from _fields(issue.places, ("title",), issue.title)
    if ("subject",) in issue.places.values:
        yield from _fields(issue.places, ("subject",), issue.subject)
    yield from _fields(issue.places, ("subtitle",), issue.subtitle)
    yield from _fields(issue.places, ("preheader",), issue.preheader)
    yield from _fields(issue.places, ("authors",), *issue.authors)
    yield from _fields(issue.places, ("tags",), *issue.tags)
    yield from _of_picture(issue.places, "cover", issue.cover)
    yield from _of_origins(issue)
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
        yield from _of_origins(item)


def _fields(places: Places, at: tuple[str | int, ...], *texts: str | None) -> Iterator[Line]:
    for index, text in enumerate(texts):
        if text:
            yield field(places, (*at, *([index] if at[0] in {"authors", "tags"} else [])), text, at[-1])


def _of_origins(owner: Issue | Item) -> Iterator[Line]:
    for part, origin in owner.generated:
        at = ("generated", *([part] if part else []))
        yield from _fields(owner.places, (*at, "by"), origin.by)
        yield from _fields(owner.places, (*at, "reviewed_by"), *origin.reviewed_by)


def _of_picture(places: Places, name: str, picture: Picture | None) -> Iterator[Line]:
    if picture:
        for key in ("alt", "caption", "credit"):
            yield from _fields(places, (name, key), getattr(picture, key))


@lru_cache(maxsize=2)
def lines(context: Context) -> tuple[Line, ...]:
    """Title, headlines and all prose with Han or kana, without code; cached, as several rules use it."""
    return tuple(_lines(context))


def _lines(context: Context) -> Iterator[Line]:
    issue = context.issue
    yield field(issue.places, ("title",), _without_addresses(issue.title), "title")
    heads: dict[int, Item] = dict(enumerate(issue.items))
    for text in context.texts:
        if text.item is not None and text.role == "body":
            yield from _headline(heads, text.item)
        if not HAN.search(text.prose.text) and "&" not in text.prose.text:  # an entity may be Han or kana
            continue
        key = (text.role, text.item, text.prose.origins[:1], text.prose.path)
        for words, place in text.plain():
            yield Line(_without_addresses(words), place, key)
    for index in list(heads):
        yield from _headline(heads, index)


@lru_cache(maxsize=2)
def cjk_lines(context: Context) -> tuple[Line, ...]:
    """The lines with Han or kana."""
    return tuple(line for line in lines(context) if HAN.search(line.text))


def _headline(heads: dict[int, Item], index: int) -> Iterator[Line]:
    if item := heads.pop(index, None):
        yield field(item.places, ("headline",), _without_addresses(item.headline), ("headline", index))


def _without_addresses(text: str) -> str:
    """Replace URLs, which are not prose, by as many U+FFFC characters."""
    if "://" not in text and "www." not in text:
        return text
    return _ADDRESS.sub(lambda found: "\ufffc" * (end := url_end(found[0])) + found[0][end:], text)
