"""The HTML pages of the archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from publisher.config import Config
from publisher.edition.model import Edition
from publisher.edition.theme import Theme
from publisher.site.archive import Archive, moment
from publisher.site.content import page_body
from publisher.site.model import NOTHING_SINCE, ArchiveNotes, SiteFile
from publisher.site.paths import issue_path, relative, url_of
from publisher.site.search import search_files
from publisher.site.theme import static_files
from publisher.site.words import SiteWords


class ArchivePages:
    """Renders every page of one archive with one theme."""

    def __init__(self, config: Config, archive: Archive, aftermath: ArchiveNotes = NOTHING_SINCE) -> None:
        self.config = config
        self.archive = archive
        self.aftermath = aftermath
        self.theme = Theme.of(config)
        self._words: dict[str, SiteWords] = {}
        self._static = static_files(config)

    def all(self) -> Iterator[SiteFile]:
        """Every page, the search index, and the static files they refer to."""
        yield from self._static.values()
        yield self._page("index.html", "index.html", "", self.config.newsletter.language)
        yield self._search()
        yield self._missing()
        for edition in self.archive.editions:
            yield self.issue(edition)
        for slug in sorted(self.aftermath.withdrawn.keys() - self.archive.neighbours.keys()):
            yield self.tombstone(slug)
        for tag in self.archive.tags:
            language = self.config.newsletter.language
            yield self._page(f"{tag.path}index.html", "tag.html", tag.path, language, tag=tag)
        yield from search_files(self.archive, self.words)

    def issue(self, edition: Edition) -> SiteFile:
        """The page of one issue."""
        path = issue_path(edition.slug)
        neighbours = self.archive.neighbours[edition.slug]
        return self._page(
            f"{path}index.html",
            "issue.html",
            path,
            edition.language,
            edition=edition,
            body=Markup(page_body(edition, self.config, path)),  # noqa: S704 - Edition.web is promised to be safe
            newer=neighbours.newer,
            older=neighbours.older,
            tags=self.archive.tags_of(edition),
            published=moment(edition, self.config.newsletter.zone).isoformat(),
            provenance=f"{edition.digest}; commit={edition.commit or 'none'}",
            linked_data=self._linked_data(edition),
            corrected=self._corrected(edition),
        )

    def _corrected(self, edition: Edition) -> str:
        day = self.aftermath.corrected.get(edition.slug)
        return self.words(edition.language).on("corrected", day) if day else ""

    def tombstone(self, slug: str) -> SiteFile:
        """The page of an issue that is gone: the links in readers' inboxes lead here."""
        language = self.config.newsletter.language
        text = self.words(language).on("withdrawn", self.aftermath.withdrawn[slug])
        path = issue_path(slug)
        return self._page(f"{path}index.html", "withdrawn.html", path, language, text=text)

    def words(self, language: str) -> SiteWords:
        """The furniture's words, looked up once a language."""
        if language not in self._words:
            self._words[language] = SiteWords(language, self.config)
        return self._words[language]

    def _page(self, file: str, template: str, path: str, language: str, **values: Any) -> SiteFile:
        html = self.theme.render(f"web/{template}", **self._common(path, language), **values)
        return SiteFile(file, html.encode("utf-8", "replace"))

    def _search(self) -> SiteFile:
        """The search page. It lists everything; a script turns it into a search where there is one."""
        years = [year for year, _ in self.archive.years]
        language = self.config.newsletter.language
        return self._page("search/index.html", "search.html", "search/", language, years_of_search=years)

    def _missing(self) -> SiteFile:
        """404.html is served for any path, so its links are absolute paths."""
        common = self._common("", self.config.newsletter.language)
        prefix = urlsplit(self.config.newsletter.url).path or "/"
        common["link"] = lambda to: prefix + relative("", to).removeprefix("./")
        return SiteFile("404.html", self.theme.render("web/404.html", **common).encode("utf-8", "replace"))

    def _common(self, path: str, language: str) -> dict[str, Any]:
        newsletter = self.config.newsletter
        service = self.config.service.url
        return {
            "archive": self.archive,
            "newsletter": newsletter,
            "language": language,
            "say": self.words(language),
            "words": self.words,
            "path": path,
            "link": lambda to: relative(path, to),
            "issue_link": lambda edition: relative(path, issue_path(edition.slug)),
            "absolute": lambda to: url_of(newsletter.url, to),
            "asset": {role: file.path for role, file in self._static.items()},
            "subscribe_url": service.rstrip("/") + "/subscribe" if service else None,
        }

    def _linked_data(self, edition: Edition) -> Markup:
        """schema.org's NewsArticle as JSON-LD: a data block, which no content security policy stops."""
        newsletter = self.config.newsletter
        publisher = {"@type": "Organization", "name": newsletter.name, "url": newsletter.url}
        at = moment(edition, newsletter.zone).isoformat()
        data: dict[str, Any] = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": edition.title,
            "description": edition.preheader,
            "inLanguage": edition.language,
            "datePublished": at,
            "dateModified": at,
            "mainEntityOfPage": url_of(newsletter.url, issue_path(edition.slug)),
            "author": [{"@type": "Person", "name": name} for name in edition.authors] or [publisher],
            "publisher": publisher,
            "isAccessibleForFree": True,
        }
        if edition.cover:
            data["image"] = [url_of(newsletter.url, edition.cover.name)]
        if edition.tags:
            data["keywords"] = list(edition.tags)
        text = json.dumps(data, ensure_ascii=False, indent=1)
        for character in "<>&":
            text = text.replace(character, f"\\u{ord(character):04x}")
        return Markup(text)  # noqa: S704 - nothing in it can close the script element
