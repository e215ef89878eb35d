"""Adapt an edition's body to pages and feeds; words of the archive's own interface (an edition has its own words)."""

import re
from datetime import date

from publisher.config import Config
from publisher.edition.model import Edition
from publisher.edition.page_copy import sources
from publisher.language import Locale, Words
from publisher.site.paths import relative, url_of

_IMAGE = re.compile(
    r'(<figure class="[^"]*\bbleed\b[^"]*">\s*)?(<img(?=[^>]* src="([^"]*)")(?=[^>]* width="(\d{1,5})"|)[^>]*)>'
)
TEXT = 640
"""Width of the text column in CSS pixels: the maximum for pictures in it."""
_WITHIN = re.compile(r'(<a\s[^>]*?href=")(?=#(?!fn(?:ref)?-))')
_FEED_HTML: dict[str, str] = {}  # by digest: an issue is in the feeds of its tags, authors and sections, twice each
_MOST_KEPT = 500


def page_body(edition: Edition, config: Config, page: str) -> str:
    """The body for the page at ``page``. Our pictures get relative URLs, so that the archive also works from a disk,
    under another host and in a preview, and smaller copies; all but the first are loaded lazily.
    """
    from publisher.edition.markdown.blocks import is_wide, labelled  # import Markdown only if a page is made

    html = edition.web
    fronts = {relative(page, front.name): front for front in edition.media}
    for name in (front.name for front in edition.media):
        html = html.replace(url_of(config.newsletter.url, name), relative(page, name))
    html = html.replace(f'src="{config.newsletter.url}assets/', f'src="{relative(page, "assets/")}')  # the theme's
    seen: list[str] = []

    def shown(found: re.Match[str]) -> str:
        before, image, address, width = found.groups("")
        front = fronts.get(address)
        image += ' loading="lazy">' if seen or not front else ' fetchpriority="high">'
        if front:
            seen.append(front.name)
            sizes = "100vw" if before else f"(min-width: {TEXT}px) {min(TEXT, int(width or TEXT))}px, 100vw"
            if made := sources(front, lambda path: relative(page, path), sizes):
                image = f"<picture>{made}{image}</picture>"
        return before + image

    html = _IMAGE.sub(shown, html) if "<img" in html else html
    return labelled(
        html,
        lambda head, rest: f'<td data-label="{head.replace(chr(34), "&quot;")}"{rest}>',
        opening=lambda table: '<table tabindex="0">' if is_wide(table) else "<table>",  # keyboard scrolling
    )


def feed_html(edition: Edition, page: str) -> str:
    """The full text for a feed, with absolute URLs, without the headline block, which feed readers show themselves."""
    if edition.digest not in _FEED_HTML:
        from selectolax.lexbor import LexborHTMLParser  # most builds change no feed

        if len(_FEED_HTML) >= _MOST_KEPT:
            _FEED_HTML.clear()
        tree = LexborHTMLParser(edition.web)
        for node in tree.css("header.issue-head"):
            node.decompose()
        _FEED_HTML[edition.digest] = (tree.body.inner_html or "").strip() if tree.body else ""
    return in_feed(_FEED_HTML[edition.digest], edition.language, page)


def in_feed(html: str, language: str, page: str) -> str:
    """Adapt HTML to feed readers: add ``dir``, since they often ignore ``xml:lang``, and let links to stories (``#…``)
    lead to ``page``, because an entry may not contain them. It contains its footnotes.
    """
    html = _WITHIN.sub(lambda link: link[1] + page, html)
    return f'<div dir="rtl">{html}</div>' if Locale.of(language, {}).direction == "rtl" else html


class SiteWords(Words):
    """Words of the archive in one language, and descriptions of an edition."""

    def __init__(self, language: str, config: Config) -> None:
        super().__init__("archive", Locale.of(language, config.labels))
        self.dir = self.direction

    def count(self, number: int) -> str:
        """The number of issues, in words."""
        return self("count", count=number)

    def number(self, edition: Edition) -> str:
        """The issue's number in words, or an empty text."""
        return "" if edition.number is None else self.words("number", number=edition.number)

    def minutes(self, edition: Edition) -> str:
        """The reading time, abbreviated."""
        return self("minutes", minutes=edition.length.minutes)

    def day(self, edition: Edition) -> str:
        """The date in the language's format."""
        return self.words.date(edition.date)

    def on(self, name: str, day: date) -> str:
        """The sentence ``name`` with a date in it."""
        return self(name, date=self.words.date(day))

    def short_day(self, edition: Edition) -> str:
        """Month and day, for lists grouped by year."""
        return self.words.short_date(edition.date)
