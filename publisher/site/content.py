"""An edition's body, fitted to where it is read: a page of the archive, or a feed reader far from it."""

from __future__ import annotations

import re

from publisher.config import Config
from publisher.edition.model import Edition
from publisher.site.paths import relative, url_of

_TABLE = re.compile(r"<table>(?:(?!<table).)*?</table>", re.DOTALL)
_ROW = re.compile("<thead>(.*?)</thead>", re.DOTALL)
_HEAD = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_HEADLINE_BLOCK = "header.issue-head"
_FEED_HTML: dict[str, str] = {}  # by digest: an issue stands in the feeds of its tags, authors and sections, each twice
_MOST_KEPT = 500


def page_body(edition: Edition, config: Config, page: str) -> str:
    """The body for the page at ``page``: our own pictures by relative URL, so that the archive also works
    from a disk, under another host or in a preview.
    """
    html = edition.web
    for asset in edition.assets:
        html = html.replace(url_of(config.newsletter.url, asset.name), relative(page, asset.name))
    return _TABLE.sub(_labelled, html) if "<thead" in html else html


def _labelled(table: re.Match[str]) -> str:
    """A table whose cells know their column's head, which stands before each of them on a phone."""
    named = "".join(_ROW.findall(table[0]))
    heads = [_TAG.sub("", head).strip().replace('"', "&quot;") for head in _HEAD.findall(named)]
    if "span=" in table[0] or not heads:
        return table[0]
    rows = table[0].split("<tr>")
    return "<tr>".join(
        "".join(
            f'<td data-label="{heads[at - 1]}"{cell}' if 0 < at <= len(heads) else cell
            for at, cell in enumerate(row.split("<td"))
        )
        if row.count("<td") == len(heads)
        else row
        for row in rows
    )


def feed_html(edition: Edition) -> str:
    """The full text for a feed: without the headline block, which a feed reader shows itself; all URLs absolute."""
    if edition.digest not in _FEED_HTML:
        from selectolax.lexbor import LexborHTMLParser  # most builds change no feed

        if len(_FEED_HTML) >= _MOST_KEPT:
            _FEED_HTML.clear()
        tree = LexborHTMLParser(edition.web)
        for node in tree.css(_HEADLINE_BLOCK):
            node.decompose()
        _FEED_HTML[edition.digest] = (tree.body.inner_html or "").strip() if tree.body else ""
    return _FEED_HTML[edition.digest]
