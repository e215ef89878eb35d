"""An edition's body, fitted to where it is read: a page of the archive, or a feed reader far from it."""

from __future__ import annotations

from publisher.config import Config
from publisher.edition.brand import Brand
from publisher.edition.model import Edition
from publisher.site.paths import relative, url_of

_HEADLINE_BLOCK = "header.issue-head"
_FEED_HTML: dict[str, str] = {}  # by digest: an issue stands in the feeds of its tags, authors and sections, each twice
_MOST_KEPT = 500


def page_body(edition: Edition, config: Config, page: str) -> str:
    """The body for the page at ``page``: our own pictures by relative URL, so that the archive also works
    from a disk, under another host or in a preview.
    """
    from publisher.edition.markdown.blocks import labelled  # most builds make few pages

    html = edition.web
    shown = [author.picture.path for author in Brand.of(config).authors.values() if author.picture]
    for name in (*(asset.name for asset in edition.assets), *shown):
        html = html.replace(url_of(config.newsletter.url, name), relative(page, name))
    return labelled(html, lambda head, rest: f'<td data-label="{head.replace(chr(34), "&quot;")}"{rest}>')


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
