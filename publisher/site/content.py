"""An edition's body, fitted to where it is read: a page of the archive, or a feed reader far from it; and the words of
the archive's own furniture, for an issue's own words are the edition's.
"""

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
"""CSS pixels of the widest line: how wide a picture in the text is at most."""
_HEADLINE_BLOCK = "header.issue-head"
_WITHIN = re.compile(r'(<a\s[^>]*?href=")(?=#(?!fn(?:ref)?-))')
_FEED_HTML: dict[str, str] = {}  # by digest: an issue stands in the feeds of its tags, authors and sections, each twice
_MOST_KEPT = 500


def page_body(edition: Edition, config: Config, page: str) -> str:
    """The body for the page at ``page``: our own pictures by relative URL, so that the archive also works
    from a disk, under another host or in a preview; each with its copies, and all but the first when they are near.
    """
    from publisher.edition.markdown.blocks import is_wide, labelled  # Markdown loads where a page is made

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
        opening=lambda table: '<table tabindex="0">' if is_wide(table) else "<table>",  # the keyboard scrolls it
    )


def feed_html(edition: Edition, page: str) -> str:
    """The full text for a feed: without the headline block, which a feed reader shows itself; all URLs absolute."""
    if edition.digest not in _FEED_HTML:
        from selectolax.lexbor import LexborHTMLParser  # most builds change no feed

        if len(_FEED_HTML) >= _MOST_KEPT:
            _FEED_HTML.clear()
        tree = LexborHTMLParser(edition.web)
        for node in tree.css(_HEADLINE_BLOCK):
            node.decompose()
        _FEED_HTML[edition.digest] = (tree.body.inner_html or "").strip() if tree.body else ""
    return in_feed(_FEED_HTML[edition.digest], edition.language, page)


def in_feed(html: str, language: str, page: str) -> str:
    """HTML for a feed reader, which knows no ``dir`` of a page and seldom minds ``xml:lang``; nor has it the stories
    that ``#…`` leads to: those are at the address ``page``. Notes it has.
    """
    html = _WITHIN.sub(lambda link: link[1] + page, html)
    return f'<div dir="rtl">{html}</div>' if Locale.of(language, {}).direction == "rtl" else html


class SiteWords(Words):
    """The archive's words in one language, and what it says of an edition."""

    def __init__(self, language: str, config: Config) -> None:
        super().__init__("archive", Locale.of(language, config.labels))
        self.dir = self.direction

    def count(self, number: int) -> str:
        """So many issues."""
        return self("count", count=number)

    def number(self, edition: Edition) -> str:
        """Which issue, or nothing."""
        return "" if edition.number is None else self.words("number", number=edition.number)

    def minutes(self, edition: Edition) -> str:
        """How long it takes to read, in short."""
        return self("minutes", minutes=edition.length.minutes)

    def day(self, edition: Edition) -> str:
        """The date, as the language writes it."""
        return self.words.date(edition.date)

    def on(self, name: str, day: date) -> str:
        """A sentence with the day in it."""
        return self(name, date=self.words.date(day))

    def short_day(self, edition: Edition) -> str:
        """Month and day, for a list under its year."""
        return self.words.short_date(edition.date)
