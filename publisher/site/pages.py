"""The HTML pages of the archive."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from markupsafe import Markup, escape

from publisher.config import Config
from publisher.edition.brand import Author, Brand, asset_name, theme_assets, theme_text
from publisher.edition.icon import SIZES, draw_icon, icon_path, initial
from publisher.edition.model import EarlierStory, Edition
from publisher.edition.theme import Theme
from publisher.site.archive import PAGE, Archive, Group, Page, moment
from publisher.site.content import SiteWords, page_body
from publisher.site.feeds import Feed, feeds_of, search_file
from publisher.site.linked_data import aigc, article, collection
from publisher.site.model import NOTHING_SINCE, ArchiveNotes, Target, Watched, identity, key_of
from publisher.site.paths import folder_key, issue_path, relative, url_of

CARD = "card.png"
EARLIER = 3
"""Maximum number of earlier stories linked below an item."""


class Listed(NamedTuple):
    """Group in a list of groups, with its number of issues (0 if not shown)."""

    name: str
    path: str
    issues: int = 0


class ArchivePages:
    """All pages of one archive with one theme, made on demand.

    ``common`` identifies what all pages depend on: config.yaml, theme, package. A page whose template read from the
    whole archive depends on every edition, and is made again when one of them changes.
    """

    def __init__(
        self, config: Config, archive: Archive, aftermath: ArchiveNotes = NOTHING_SINCE, common: bytes = b""
    ) -> None:
        self.config = config
        self.archive = archive
        self.aftermath = aftermath
        self._common = common
        self._editions = {edition.slug: identity(edition) for edition in archive.editions}
        self._published = {edition.slug: edition for edition in archive.published}
        self._whole = key_of(common, *self._editions.values())
        self._words: dict[str, SiteWords] = {}
        self._static = static_files(config)
        self._theme = Theme.of(config)
        self._icons = {size: icon_path(config, size) for size in SIZES}
        self._asset = {role: file.path for role, file in self._static.items()}
        self._asset |= {f"icon_{size}": path for size, path in self._icons.items()}
        self.feeds = {feed.path: feed for feed in feeds_of(config, archive)}

    def all(self) -> Iterator[Target]:
        """Yield every page, the search data, and the static files that they refer to."""
        language = self.config.newsletter.language
        yield from self._static.values()
        newest, groups = self.archive.editions[:PAGE], self._listed()
        uncounted = {kind: tuple(Listed(*one[:2]) for one in listed) for kind, listed in groups.items()}
        parts = ([self._editions[edition.slug] for edition in newest], groups, self.archive.languages)
        yield self._page("", "index.html", language, parts, lambda: self._of_index(newest))
        # Without JavaScript, this page lists groups that lead to all issues; no counts, which a new issue would change.
        found = {"years_of_search": [year for year, _ in self.archive.years], "groups": uncounted}
        yield self._page("search/", "search.html", language, (uncounted,), found)
        yield self._page("", "404.html", language, (), {"link": self._absolute_link}, "404.html")
        for edition in self.archive.editions:
            yield self.issue(edition)
        for slug in sorted(self.aftermath.withdrawn.keys() - self.archive.neighbours.keys()):
            yield self.tombstone(slug)
        for group in self.archive.groups:
            for page in group.pages:
                yield self.group(page)
        for size, icon in self._icons.items():
            yield Target.under(icon, key_of(self._common, icon), partial(draw_icon, self.config, size))
        if self.config.theme.cards:
            yield from self._cards()
        for year, editions in self.archive.years:
            rows = [(self._editions[e.slug], [tag.name for tag in self._tags_of(e)]) for e in editions]
            file, key = f"search/{year}.json", key_of(self._common, f"search/{year}.json", rows)
            yield Target.under(file, key, partial(search_file, editions, self._tags_of, self.words))

    def _cards(self) -> Iterator[Target]:
        newsletter = self.config.newsletter
        yield self._card("", newsletter.name, newsletter.language)
        for tag in self.archive.tags:
            yield self._card(tag.path, tag.name, newsletter.language)
        for edition in self.archive.editions:
            yield self._card(issue_path(edition.slug), edition.title, edition.language, edition)

    def _card(self, path: str, title: str, language: str, edition: Edition | None = None) -> Target:
        key = key_of(self._common, CARD, title, language, edition.front if edition else None)
        no_font = key_of(b"", key)

        def make() -> tuple[bytes, str]:
            from publisher.edition.card import draw, font_for  # load Pillow's fonts only if a card is drawn

            lasts = font_for(self.config, title, language)  # else drawn again next time: a font may be installed
            return draw(self.config, title, language, edition.cover if edition else None), key if lasts else no_font

        return Target(f"{path}{CARD}", (key,), make)

    def group(self, page: Page) -> Target:
        """A page of a tag, an author, a section or a year."""
        group = page.group
        template = "tag.html" if group.kind == "tags" else "group.html"
        listed = [self._editions[edition.slug] for edition in page.editions]
        parts = (group.name, group.issues, page.count, len(group.published), listed)
        language = self.config.newsletter.language
        return self._page(page.path, template, language, parts, lambda: self._of_group(page))

    def _of_group(self, page: Page) -> dict[str, Any]:
        return {
            "page": page,
            "group": page.group,
            "tag": page.group,
            "author": self._author(page.group) if page.group.kind == "authors" else None,
            "card": self._card_url(page.group.path if page.group.kind == "tags" else ""),
            "feeds": self._feeds_of(f"{page.group.path}feed"),
            "linked_data": collection(self.config, page.group.name, page.path, page.editions),
        }

    def _author(self, group: Group) -> Author | None:
        """The entry of config.yaml for the author of a page."""
        known = Brand.of(self.config).authors.items()
        return next((author for name, author in known if folder_key(name) == folder_key(group.name)), None)

    def _listed(self) -> dict[str, tuple[Listed, ...]]:
        """The groups by kind, for lists of groups."""
        kinds: dict[str, list[Listed]] = {"archive": [], "tags": [], "authors": [], "sections": []}
        for group in self.archive.groups:
            kinds[group.kind].append(Listed(group.name, group.path, group.issues))
        return {kind: tuple(listed) for kind, listed in kinds.items()}

    def _card_url(self, path: str = "") -> str:
        return url_of(self.config.newsletter.url, path + CARD) if self.config.theme.cards else ""

    def _feeds_of(self, *own: str) -> tuple[Feed, ...]:
        return tuple(self.feeds[path] for path in (*own, "feed") if path in self.feeds)

    def _of_index(self, newest: Sequence[Edition]) -> dict[str, Any]:
        return {
            "newest": newest,
            "groups": self._listed(),
            "feeds": tuple(feed for path, feed in self.feeds.items() if "/" not in path),
            "linked_data": collection(self.config, self.config.newsletter.name, "", newest),
        }

    def issue(self, edition: Edition) -> Target:
        """The page of one issue."""
        path = issue_path(edition.slug)
        neighbours = self.archive.neighbours[edition.slug]
        around = [self._editions[beside.slug] if beside else None for beside in (neighbours.newer, neighbours.older)]
        tags, authors = self._tags_of(edition), self.archive.groups_of("authors", edition.authors)
        corrected = self.aftermath.corrected.get(edition.slug)
        named = [(group.name, group.path) for group in (*tags, *authors)]
        own_feed = f"feed.{edition.language.lower()}" in self.feeds
        before = [(one, self._editions[other.slug]) for one, other in self._earlier(edition)]
        family = [self._editions[one.slug] for one in self.archive.translations(edition)]
        parts = (self._editions[edition.slug], around, named, own_feed, str(corrected), before, family)
        return self._page(path, "issue.html", edition.language, parts, lambda: self._of_issue(edition))

    def _of_issue(self, edition: Edition) -> dict[str, Any]:
        neighbours = self.archive.neighbours[edition.slug]
        corrected = self.aftermath.corrected.get(edition.slug)
        return {
            "edition": edition,
            "body": Markup(self._body(edition)),  # noqa: S704 - Edition.web is sanitised HTML
            "newer": neighbours.newer,
            "older": neighbours.older,
            "tags": self._tags_of(edition),
            "authors": self.archive.groups_of("authors", edition.authors),
            "translations": self.archive.translations(edition),
            "card": self._card_url(issue_path(edition.slug)),
            "feeds": self._feeds_of(f"feed.{edition.language.lower()}"),
            "published": moment(edition, self.config.newsletter.zone).isoformat(),
            "provenance": f"{edition.digest}; commit={edition.commit or 'none'}",
            "linked_data": article(self.config, edition),
            "aigc": aigc(self.config, edition) if edition.origin else "",
            "corrected": self.words(edition.language).on("corrected", corrected) if corrected else "",
        }

    def _body(self, edition: Edition) -> str:
        """The body of an issue's page, with earlier stories below each item."""
        path = issue_path(edition.slug)
        body, before = page_body(edition, self.config, path), self._earlier(edition)
        for anchor in dict.fromkeys(one.anchor for one, _ in before):
            told = [(f"{relative(path, issue_path(other.slug))}#{quote(one.at)}", one.headline, other)
                    for one, other in before if one.anchor == anchor]  # fmt: skip
            made = self._theme.render("web/earlier.html", say=self.words(edition.language), earlier=told)
            item = body.find(f' id="{escape(anchor)}"')
            end = body.find("</article>", item)
            if 0 <= item < end:
                body = body[:end] + made + body[end:]
        return body

    def _earlier(self, edition: Edition) -> list[tuple[EarlierStory, Edition]]:
        """Up to three earlier stories per item, with their published issues in the same language."""
        found: dict[str, list[tuple[EarlierStory, Edition]]] = {}
        language = edition.language.split("-")[0]
        for one in edition.earlier:
            other = self._published.get(one.slug)
            if other and other.date < edition.date and other.language.split("-")[0] == language:
                found.setdefault(one.anchor, []).append((one, other))
        return [pair for pairs in found.values() for pair in pairs[:EARLIER]]

    def tombstone(self, slug: str) -> Target:
        """The page of a withdrawn issue, for links in readers' inboxes."""
        language, day = self.config.newsletter.language, self.aftermath.withdrawn[slug]
        path, words = issue_path(slug), self.words(language)
        return self._page(path, "withdrawn.html", language, (str(day),), lambda: {"text": words.on("withdrawn", day)})

    def words(self, language: str) -> SiteWords:
        """Words of the page header and footer, cached per language."""
        if language not in self._words:
            self._words[language] = SiteWords(language, self.config)
        return self._words[language]

    def _page(
        self,
        path: str,
        template: str,
        language: str,
        parts: Sequence[object],
        values: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
        name: str = "index.html",
    ) -> Target:
        """A page that depends on ``parts``, and on the whole archive if its template reads from it."""
        file = path + name
        narrow = key_of(self._common, file, language, *parts)
        wide = key_of(self._common, narrow, self._whole)

        def make() -> tuple[bytes, str]:
            looked: list[bool] = []
            given = {**self._context(path, language), **(values() if callable(values) else values)}
            given["archive"] = Watched(self.archive, looked)
            for groups in given.keys() & {"tags", "authors"}:
                given[groups] = tuple(Watched(group, looked, ("name", "path")) for group in given[groups])
            if "tag" in given:
                given["tag"] = given["group"] = Watched(given["group"], looked, ("kind", "name", "path", "issues"))
                given["page"] = Watched(given["page"], looked, ("number", "count", "path", "at", "editions"))
            link = given["link"]  # were it read from ``given`` below, the page would wait for the garbage collector
            given["image"] = lambda name: link(self._theme.image_path(name))
            html = self._theme.render(f"web/{template}", **given)
            return html.encode("utf-8", "replace"), wide if looked else narrow

        return Target(file, (narrow, wide), make)

    def _tags_of(self, edition: Edition) -> tuple[Group, ...]:
        return self.archive.groups_of("tags", edition.topics)

    def _absolute_link(self, to: str) -> str:
        """An absolute path, because 404.html is served for any URL."""
        return (urlsplit(self.config.newsletter.url).path or "/") + relative("", to).removeprefix("./")

    def _context(self, path: str, language: str) -> dict[str, Any]:
        from publisher.edition.footer import footer  # import Markdown only if a page is made

        own = footer(self.config, self.words(language).words)
        newsletter = self.config.newsletter
        service = self.config.service.url
        return {
            "newsletter": newsletter,
            "language": language,
            "say": self.words(language),
            "words": self.words,
            "path": path,
            "link": lambda to: relative(path, to),
            "issue_link": lambda edition: relative(path, issue_path(edition.slug)),
            "absolute": lambda to: url_of(newsletter.url, to),
            "asset": self._asset,
            "feeds": self._feeds_of(),
            "card": self._card_url(),
            "footer": own.html if own else Markup(),
            "subscribe_url": service.rstrip("/") + "/subscribe" if service else None,
        }


STATIC = {"style": "style.css", "page": "site.js", "script": "search.js", "icon": "icon.svg"}
_NOTE = re.compile("^ *//.*\n", re.MULTILINE)
_COLOUR = re.compile(r"\{\{ theme\.(light|dark)\.(\w+) \}\}")


def static_files(config: Config) -> dict[str, Target]:
    """The files that every page refers to, by role. Their paths contain a hash, so that they can be cached permanently.

    Raises ConfigError, ThemeError and UsageError if a file of the theme, or one named by config.yaml or the theme,
    cannot be used.
    """
    brand = Brand.of(config)
    icon = theme_text(config, "web/icon.svg").replace("{{ initial }}", initial(config))
    icon = _COLOUR.sub(lambda place: getattr(brand, place[1])[place[2]], icon)
    texts = {"style": Theme.of(config).style("web/style.css", ""), "icon": icon}
    texts |= {role: _NOTE.sub("", theme_text(config, f"web/{STATIC[role]}")) for role in ("page", "script")}
    files = {role: _hashed(STATIC[role], text.encode()) for role, text in texts.items()}
    return files | {asset.name: Target.of(asset.name, asset.content) for asset in theme_assets(config)}


def _hashed(name: str, content: bytes) -> Target:
    stem, _, suffix = name.rpartition(".")
    return Target.of(asset_name(stem, content, "." + suffix), content)
