"""The issue as templates see it, in its language, every value final.

Email, web page and plain text are rendered from one view, so that they have the same content.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from markupsafe import Markup, escape

from publisher.diagnostics.width import cut
from publisher.edition.markdown import Html, RenderedText, in_tables
from publisher.edition.model import Length
from publisher.edition.pictures import Pictures
from publisher.issue.model import Source

_RARE = re.compile(
    r'class="(?:boxed |quoted |(wide) )?(button|callout|cards|footnotes|pullquote|sponsor)"|<(blockquote|code|hr|pre)\b'
)


@dataclass(frozen=True, slots=True)
class PictureView:
    """Image as shown: absolute URL, size in CSS pixels, texts; ``clear`` if it has transparent parts."""

    url: str
    width: int | None
    height: int | None
    alt: str
    caption: str | None
    credit: str | None
    clear: bool = False


@dataclass(frozen=True, slots=True)
class PointView:
    """Key point with its numeral: ``01``, ``02`` and so on."""

    numeral: str
    html: Markup
    text: str


@dataclass(frozen=True, slots=True)
class ItemView:
    """Item as shown. ``section`` is set on the first item of a section; ``level`` is the heading's, 2 or 3; the name of
    ``sponsor`` says that the item is paid for. ``origins``: labels of generated parts, except the commentary's.
    """

    anchor: str
    headline: str
    level: int
    html: Markup
    body: RenderedText
    commentary_html: Markup | None
    commentary: RenderedText | None
    commentary_label: str
    commentary_by: str | None
    sources: tuple[Source, ...]
    image: PictureView | None
    section: str | None
    tags: tuple[str, ...]
    sponsor: Source | None
    kind: str
    origins: tuple[str, ...]
    commentary_origin: str | None

    @property
    def name(self) -> str:
        """Its name in lists: the headline, otherwise a picture's alt text, otherwise its first words."""
        if self.headline or (self.kind == "picture" and self.image):
            return self.headline or (self.image.alt if self.image else "")
        return cut(" ".join(self.body.visible.split()), 60)


@dataclass(frozen=True, slots=True)
class PreviousView:
    """Earlier issue: title, date in the language's format, URL of its page."""

    title: str
    date: str
    url: str


@dataclass(frozen=True, slots=True)
class LanguageView:
    """Translation of the issue: the language's own name, its tag and direction, URL of the page."""

    name: str
    language: str
    direction: str
    url: str


@dataclass(frozen=True, slots=True)
class View:
    """Issue as templates see it, roughly from top to bottom."""

    newsletter: str
    title: str
    subtitle: str
    subject: str
    preheader: str
    language: str
    direction: str
    date: str
    iso_date: str
    number: str | None
    authors: str | None
    authors_html: Markup | None
    authors_text: str | None
    portraits: tuple[str, ...]
    length: Length
    length_line: str
    points: tuple[PointView, ...]
    origin: str | None
    generated: str | None
    intro_origin: str | None
    cover: PictureView | None
    intro_html: Markup | None
    intro: RenderedText | None
    items: tuple[ItemView, ...]
    attribution_html: Markup | None
    attribution: RenderedText | None
    web_url: str
    archive_url: str
    postal_address: str | None
    reply_to: str = ""
    subscribe_url: str | None = None
    previous: tuple[PreviousView, ...] = ()
    more: int = 0
    more_url: str = ""
    languages: tuple[LanguageView, ...] = ()

    @property
    def online(self) -> bool:
        """Whether it has a page in the archive; steps of a series and month's editions have none."""
        return self.web_url != self.archive_url

    @property
    def uses(self) -> frozenset[str]:
        """The kinds of items, boxes and rarer elements that occur, so that a style sheet can leave out the others."""
        texts = [self.intro_html, self.attribution_html, *(point.html for point in self.points)]
        texts += [text for item in self.items for text in (item.html, item.commentary_html)]
        return used("".join(filter(None, texts))).union(item.kind for item in self.items)

    def upto(self, count: int) -> Self:
        """Return the view with its first ``count`` items; ``more`` is the number left out, ``more_url`` their address.
        Links to these lead to the page; in key points they are removed, because their plain text has no URL.
        """
        more_url = f"{self.web_url}#{self.items[count].anchor}"
        gone = "|".join(re.escape(str(escape(item.anchor))) for item in self.items[count:])
        dead = re.compile(f'<a href="#(?:{gone})">(.*?)</a>', re.DOTALL)
        points = tuple(replace(one, html=Html(dead.sub(r"\1", str(one.html)))) for one in self.points)
        away = re.compile(f'(?<=<a href=")(?=#(?:{gone})")')
        kept = replace(self, points=points, items=self.items[:count], more=len(self.items) - count, more_url=more_url)
        return kept.keeping(lambda html: Html(away.sub(lambda _: escape(self.web_url), str(html))))

    def mailed(self, pictures: Pictures, *, tables: bool = True) -> Self:
        """Return the view with mail copies of pictures, at most as wide as the column, and boxes as ``tables``."""

        def fitted(picture: PictureView | None) -> PictureView | None:
            if picture is None:
                return None
            url, width = pictures.mailed(picture.url)
            height = picture.width and picture.height and max(1, round(picture.height * width / picture.width))
            return replace(picture, url=url, width=width, height=height)

        def kept(html: Markup) -> Markup:
            html = pictures.for_mail(html)
            return Html(in_tables(str(html))) if tables else html

        items = tuple(replace(item, image=fitted(item.image)) if item.image else item for item in self.items)
        return replace(self, cover=fitted(self.cover), items=items).keeping(kept)

    def keeping(self, keep: Callable[[Markup], Markup]) -> Self:
        """Return the view with each piece ``html`` of the content replaced by ``keep(html)``."""

        def kept(html: Markup | None) -> Markup | None:
            return None if html is None else keep(html)

        return replace(
            self,
            points=tuple(replace(point, html=keep(point.html)) for point in self.points),
            intro_html=kept(self.intro_html),
            attribution_html=kept(self.attribution_html),
            items=tuple(
                replace(item, html=keep(item.html), commentary_html=kept(item.commentary_html)) for item in self.items
            ),
        )


def used(html: str) -> frozenset[str]:
    """The boxes and rarer elements that occur in HTML."""
    return frozenset(name for found in _RARE.finditer(html) for name in found.groups() if name)
