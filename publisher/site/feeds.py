"""Feeds, the sitemap and the search data: files for programs, independent of pages and theme.

Atom is RFC 4287, JSON Feed is version 1.1 (jsonfeed.org), the sitemap is version 0.9 (sitemaps.org). Identifiers are
tag URIs (RFC 4151) made of the archive's host and the slug: they stay when a title, a date or a path changes.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from publisher.config import Config
from publisher.edition.brand import Brand
from publisher.edition.icon import icon_path
from publisher.edition.model import Edition
from publisher.site.archive import Archive, Group, latest, moment
from publisher.site.content import SiteWords, feed_html, in_feed
from publisher.site.paths import issue_path, url_of

ISSUES_IN_FEED = 30
ISSUES_IN_GROUP_FEED = 10
ITEMS_IN_FEED = 100

_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "<?xml version='1.0' encoding='utf-8'?>\n" + '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_PAGE = " <url>\n  <loc>{}</loc>\n  <lastmod>{}</lastmod>\n </url>\n"
_BRACKET = re.compile(r"[\[\]\s]+")
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\uD800-\uDFFF\uFFFE\uFFFF]")  # XML 1.0, production 2


@dataclass(frozen=True, slots=True)
class Feed:
    """The newest issues of the archive, a language, a tag or an author, as an Atom and a JSON file.

    ``path`` has no suffix. ``home`` is the path of the page with the same issues.
    """

    path: str
    title: str
    home: str
    language: str
    editions: tuple[Edition, ...]


def feeds_of(config: Config, archive: Archive) -> tuple[Feed, ...]:
    """The feeds of the archive, of each language if there are several, and of each tag and author."""
    name, language = config.newsletter.name, config.newsletter.language
    newest = archive.published
    feeds = [Feed("feed", name, "", language, newest[:ISSUES_IN_FEED])]
    for one in archive.languages if len(archive.languages) > 1 else ():
        own = islice((edition for edition in newest if edition.language == one), ISSUES_IN_FEED)
        feeds.append(Feed(f"feed.{one.lower()}", f"{name} ({one})", "", one, tuple(own)))
    feeds += [
        Feed(f"{group.path}feed", f"{group.name} · {name}", group.path, language, editions)
        for group in (*archive.tags, *archive.authors)
        if (editions := group.published[:ISSUES_IN_GROUP_FEED])
    ]
    return tuple(feeds)


def atom_feed(config: Config, feed: Feed) -> bytes:
    """The issues of ``feed`` with their full texts, as Atom."""
    root = _feed(config, feed)
    for edition in feed.editions:
        url = url_of(config.newsletter.url, issue_path(edition.slug))
        entry = _entry(config, root, edition, edition.title, url)
        _add(entry, "summary", edition.subtitle or edition.preheader)
        for name in edition.tags:
            _add(entry, "category", term=name)
        _add(entry, "content", feed_html(edition, url), type="html", base=url)
    return _xml(root)


def items_feed(config: Config, archive: Archive) -> bytes:
    """``feeds/items.xml``: the newest items, one entry per item, for readers who prefer single stories."""
    every = ((edition, story) for edition in archive.published for story in edition.stories)
    stories = list(islice(every, ITEMS_IN_FEED))
    newest = tuple(edition for edition, _ in stories)
    items = Feed("feeds/items", config.newsletter.name, "", config.newsletter.language, newest)
    feed = _feed(config, items)
    for edition, story in stories:
        page = url_of(config.newsletter.url, issue_path(edition.slug))
        url = f"{page}#{quote(story.anchor)}"
        entry = _entry(config, feed, edition, story.headline, url, f"/{story.anchor}")
        for name in dict.fromkeys((*story.tags, *edition.tags)):
            _add(entry, "category", term=name)
        _add(entry, "content", in_feed(story.html, edition.language, page), type="html", base=url)
    return _xml(feed)


def json_feed(config: Config, feed: Feed) -> bytes:
    """The issues of ``feed`` with their full texts, as JSON Feed."""
    newsletter = config.newsletter
    made: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": url_of(newsletter.url, feed.home),
        "feed_url": url_of(newsletter.url, f"{feed.path}.json"),
        "language": feed.language,
        "authors": [{"name": newsletter.name, "url": newsletter.url}],
    }
    if newsletter.description:
        made["description"] = newsletter.description
    made |= {kind: url_of(newsletter.url, icon_path(config, size)) for kind, size in (("icon", 512), ("favicon", 32))}
    made["items"] = [_json_item(config, edition) for edition in feed.editions]
    return json.dumps(made, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def sitemap(config: Config, archive: Archive) -> bytes:
    """``sitemap.xml``: the index, every issue, and every page that lists issues, with the date of its newest one."""
    zone, base = config.newsletter.zone, config.newsletter.url
    pages = [("", latest(archive.published, zone))] if archive.published else []
    pages += [(issue_path(edition.slug), moment(edition, zone)) for edition in archive.published]
    for page in (page for group in archive.groups for page in group.pages):
        if published := [edition for edition in page.editions if not edition.draft]:
            pages.append((page.path, latest(published, zone)))
    listed = "".join(_PAGE.format(escape(url_of(base, path)), at.isoformat()) for path, at in pages)
    return (_SITEMAP + (f">\n{listed}</urlset>\n" if listed else " />\n")).encode()


def robots(config: Config) -> bytes:
    """``robots.txt``: allow all robots, and name the sitemap."""
    return f"User-agent: *\nAllow: /\n\nSitemap: {url_of(config.newsletter.url, 'sitemap.xml')}\n".encode()


def llms(config: Config, archive: Archive) -> bytes:
    """``llms.txt`` (llmstxt.org): links to issues for language models; no counts, which each new issue would change."""
    newsletter = config.newsletter
    lines = [f"# {newsletter.name}", ""]
    lines += [f"> {newsletter.description}", ""] if newsletter.description else []
    ways = {"Issues": archive.by_year, "Topics": archive.tags[:100]}
    feeds = {"Atom, full text": "feed.xml", "JSON Feed, full text": "feed.json", "Sitemap": "sitemap.xml"}
    listed = {title: {group.name: group.path for group in groups} for title, groups in ways.items() if groups}
    for title, links in {"Feeds": feeds, **listed}.items():
        lines += [f"## {title}", ""]
        lines += [f"- [{_BRACKET.sub(' ', name)}]({url_of(newsletter.url, to)})" for name, to in links.items()]
        lines.append("")
    return "\n".join(lines).encode("utf-8", "replace")


def tag_uri(config: Config, what: str) -> str:
    """A permanent identifier: ``tag:`` host ``,2024:`` what. RFC 4151 asks for a year in which the host was ours."""
    return f"tag:{urlsplit(config.newsletter.url).hostname or 'localhost'},2024:{what}"


def _json_item(config: Config, edition: Edition) -> dict[str, Any]:
    url = url_of(config.newsletter.url, issue_path(edition.slug))
    at = moment(edition, config.newsletter.zone).isoformat()
    item: dict[str, Any] = {
        "id": tag_uri(config, f"issues/{edition.slug}"),
        "url": url,
        "title": edition.title,
        "summary": edition.subtitle or edition.preheader,
        "content_html": feed_html(edition, url),
        "date_published": at,
        "date_modified": at,
        "language": edition.language,
        "authors": [{"name": name} for name in edition.authors] or [{"name": config.newsletter.name}],
    }
    if edition.cover:
        item["image"] = url_of(config.newsletter.url, edition.cover.name)
    if edition.tags:
        item["tags"] = list(edition.tags)
    return item


def _feed(config: Config, feed: Feed) -> ElementTree.Element:
    newsletter = config.newsletter
    root = ElementTree.Element("feed", {"xmlns": _ATOM, "xml:lang": feed.language})
    _add(root, "id", tag_uri(config, feed.path))
    _add(root, "title", feed.title)
    if newsletter.description:
        _add(root, "subtitle", newsletter.description)
    _add(root, "updated", latest(feed.editions, newsletter.zone).isoformat())
    _add(root, "link", rel="self", type="application/atom+xml", href=url_of(newsletter.url, f"{feed.path}.xml"))
    _add(root, "link", rel="alternate", type="text/html", href=url_of(newsletter.url, feed.home))
    _add(_add(root, "author"), "name", newsletter.name)
    _add(root, "icon", url_of(newsletter.url, icon_path(config, 180)))
    if logo := Brand.of(config).logo:
        _add(root, "logo", url_of(newsletter.url, logo.path))
    return root


def _entry(
    config: Config, feed: ElementTree.Element, edition: Edition, title: str, url: str, part: str = ""
) -> ElementTree.Element:
    """Append an entry for an issue, or for its ``part``, a story."""
    entry, at = _add(feed, "entry"), moment(edition, config.newsletter.zone).isoformat()
    entry.set("xml:lang", edition.language)
    _add(entry, "id", tag_uri(config, f"issues/{edition.slug}{part}"))
    _add(entry, "title", title)
    _add(entry, "link", rel="alternate", type="text/html", href=url)
    _add(entry, "published", at)
    _add(entry, "updated", at)
    for name in edition.authors:
        _add(_add(entry, "author"), "name", name)
    return entry


def _add(parent: ElementTree.Element, name: str, text: str | None = None, **attributes: str) -> ElementTree.Element:
    """Append an Atom element, without characters not allowed in XML (control characters, lone surrogates)."""
    given = {"xml:base" if key == "base" else key: _NOT_XML.sub("", value) for key, value in attributes.items()}
    element = ElementTree.SubElement(parent, name, given)
    if text is not None:
        element.text = _NOT_XML.sub("", text)
    return element


def _xml(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root, " ")
    text: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return text + b"\n"


def search_file(
    editions: Sequence[Edition], tags: Callable[[Edition], Sequence[Group]], words: Callable[[str], SiteWords]
) -> bytes:
    """``search/<year>.json``, read by the search page's script: the full texts of the year's issues, newest first.

    Substring search finds Chinese text without a dictionary, and ``default-src 'self'`` allows the script, unlike a
    search engine in WebAssembly. A browser downloads the files only for a search, newest year first; an edit of an
    issue changes one file.
    """
    rows = [_row(edition, tags(edition), words(edition.language)) for edition in editions]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _row(edition: Edition, tags: Sequence[Group], words: SiteWords) -> dict[str, object]:
    text, items = edition.searched
    return {
        "title": edition.title,
        "url": issue_path(edition.slug),
        "date": words.day(edition),
        "language": edition.language,
        **({"dir": "rtl"} if words.dir == "rtl" else {}),
        **({"of": edition.translation_of} if edition.translation_of else {}),
        "tags": [tag.name for tag in tags],
        "text": text,
        "items": items,
    }
