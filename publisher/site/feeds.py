"""Feeds and the sitemap, as values; no page and no theme is involved, for machines read them.

Atom is RFC 4287, JSON Feed is version 1.1 (jsonfeed.org), the sitemap is version 0.9 (sitemaps.org). Identifiers are
tag URIs (RFC 4151) made of the archive's host and the slug: they stay when a title, a date or a path changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from publisher.config import Config
from publisher.edition.model import Edition, EditionItem
from publisher.site.archive import Archive, latest, moment
from publisher.site.content import feed_html
from publisher.site.paths import issue_path, url_of

ISSUES_IN_FEED = 30
ITEMS_IN_FEED = 100

_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")  # XML 1.0, production 2


def atom_feed(config: Config, archive: Archive) -> bytes:
    """``feed.xml``: the newest issues, each with its full text."""
    base = config.newsletter.url
    editions = archive.published[:ISSUES_IN_FEED]
    feed = _feed(config, "feed.xml", base, editions, tag_uri(config, "feed"))
    for edition in editions:
        at = moment(edition, config.newsletter.zone)
        url = url_of(base, issue_path(edition.slug))
        entry = _entry(feed, edition, tag_uri(config, f"issues/{edition.slug}"), edition.title, url, at)
        _add(entry, "summary", edition.subtitle or edition.preheader)
        for name in edition.tags:
            _add(entry, "category", term=name)
        _add(entry, "content", feed_html(edition), type="html", base=url)
    return _xml(feed)


def items_feed(config: Config, archive: Archive) -> bytes:
    """``feeds/items.xml``: the newest items, an entry each, for readers who want stories and not issues."""
    base = config.newsletter.url
    stories = list(islice(_stories(archive.published), ITEMS_IN_FEED))
    feed = _feed(config, "feeds/items.xml", base, [edition for edition, _ in stories], tag_uri(config, "feeds/items"))
    for edition, story in stories:
        at = moment(edition, config.newsletter.zone)
        url = url_of(base, issue_path(edition.slug)) + f"#{quote(story.anchor)}"
        identity = tag_uri(config, f"issues/{edition.slug}/{story.anchor}")
        entry = _entry(feed, edition, identity, story.headline, url, at)
        for name in dict.fromkeys((*story.tags, *edition.tags)):
            _add(entry, "category", term=name)
        _add(entry, "content", story.html, type="html", base=url)
    return _xml(feed)


def json_feed(config: Config, archive: Archive) -> bytes:
    """``feed.json``: the newest issues, each with its full text."""
    newsletter = config.newsletter
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": newsletter.name,
        "home_page_url": newsletter.url,
        "feed_url": url_of(newsletter.url, "feed.json"),
        "language": newsletter.language,
        "authors": [{"name": newsletter.name, "url": newsletter.url}],
    }
    if newsletter.description:
        feed["description"] = newsletter.description
    feed["items"] = [_json_item(config, edition) for edition in archive.published[:ISSUES_IN_FEED]]
    return json.dumps(feed, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def sitemap(config: Config, archive: Archive) -> bytes:
    """``sitemap.xml``: the index, every issue and every tag, with the day of the newest issue on each."""
    root = ElementTree.Element("urlset", {"xmlns": _SITEMAP})
    zone, base = config.newsletter.zone, config.newsletter.url
    pages = [("", latest(archive.published, zone))] if archive.published else []
    pages += [(issue_path(edition.slug), moment(edition, zone)) for edition in archive.published]
    for tag in archive.tags:
        if published := [edition for edition in tag.editions if not edition.draft]:
            pages.append((tag.path, latest(published, zone)))
    for path, at in pages:
        url = ElementTree.SubElement(root, "url")
        ElementTree.SubElement(url, "loc").text = url_of(base, path)
        ElementTree.SubElement(url, "lastmod").text = at.isoformat()
    return _xml(root)


def robots(config: Config) -> bytes:
    """``robots.txt``: everyone is welcome, and here is the sitemap."""
    return f"User-agent: *\nAllow: /\n\nSitemap: {url_of(config.newsletter.url, 'sitemap.xml')}\n".encode()


def tag_uri(config: Config, what: str) -> str:
    """A name that never changes: ``tag:`` host ``,2024:`` what. The year only has to be one when the host was ours."""
    return f"tag:{urlsplit(config.newsletter.url).hostname or 'localhost'},2024:{what}"


def _json_item(config: Config, edition: Edition) -> dict[str, Any]:
    url = url_of(config.newsletter.url, issue_path(edition.slug))
    at = moment(edition, config.newsletter.zone).isoformat()
    item: dict[str, Any] = {
        "id": tag_uri(config, f"issues/{edition.slug}"),
        "url": url,
        "title": edition.title,
        "summary": edition.subtitle or edition.preheader,
        "content_html": feed_html(edition),
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


def _stories(editions: Iterable[Edition]) -> Iterator[tuple[Edition, EditionItem]]:
    return ((edition, story) for edition in editions for story in edition.stories)


def _feed(
    config: Config, name: str, base: str, editions: list[Edition] | tuple[Edition, ...], identity: str
) -> ElementTree.Element:
    newsletter = config.newsletter
    feed = ElementTree.Element("feed", {"xmlns": _ATOM, "xml:lang": newsletter.language})
    _add(feed, "id", identity)
    _add(feed, "title", newsletter.name)
    if newsletter.description:
        _add(feed, "subtitle", newsletter.description)
    _add(feed, "updated", latest(editions, newsletter.zone).isoformat())
    _add(feed, "link", rel="self", type="application/atom+xml", href=url_of(base, name))
    _add(feed, "link", rel="alternate", type="text/html", href=base)
    _add(_add(feed, "author"), "name", newsletter.name)
    return feed


def _entry(
    feed: ElementTree.Element, edition: Edition, identity: str, title: str, url: str, at: datetime
) -> ElementTree.Element:
    entry = _add(feed, "entry")
    entry.set("xml:lang", edition.language)
    _add(entry, "id", identity)
    _add(entry, "title", title)
    _add(entry, "link", rel="alternate", type="text/html", href=url)
    _add(entry, "published", at.isoformat())
    _add(entry, "updated", at.isoformat())
    for name in edition.authors:
        _add(_add(entry, "author"), "name", name)
    return entry


def _add(parent: ElementTree.Element, name: str, text: str | None = None, **attributes: str) -> ElementTree.Element:
    """Append an Atom element; what XML cannot hold (control characters, lone surrogates) is left out."""
    given = {"xml:base" if key == "base" else key: _NOT_XML.sub("", value) for key, value in attributes.items()}
    element = ElementTree.SubElement(parent, name, given)
    if text is not None:
        element.text = _NOT_XML.sub("", text)
    return element


def _xml(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root, " ")
    text: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return text + b"\n"
