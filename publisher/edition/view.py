"""What templates see: an issue in the words of its language, every value finished.

Email, archive fragment and plain text are three writings of one view, so none can say what another does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parseaddr
from typing import Any

from markupsafe import Markup, escape

from publisher.checks.html import SCHEMES
from publisher.config import Config
from publisher.diagnostics import Place
from publisher.edition.brand import Brand
from publisher.edition.length import measure
from publisher.edition.markdown import Html, MarkdownRenderer, RenderedText, in_tables, sponsored
from publisher.edition.markdown.links import scheme
from publisher.edition.markdown.text import link
from publisher.edition.model import Length
from publisher.edition.named import StoryWords, linked
from publisher.edition.origin import Labels
from publisher.edition.pictures import Pictures
from publisher.edition.preheader import preheader
from publisher.edition.previous import heads_of, listed
from publisher.issue.definitions import halves
from publisher.issue.markdown.cjk import one_line
from publisher.issue.model import Issue, Picture, Prose, Source, Sponsor
from publisher.issue.translations import Family, Sibling
from publisher.language import Locale

_RARE = re.compile(r'class="(?:boxed )?(button|callout|cards|footnotes|pullquote|sponsor)"|<(blockquote|hr|pre)\b')


@dataclass(frozen=True, slots=True)
class PictureView:
    """An image as shown: absolute URL, CSS pixels, and its words; ``clear``: partly transparent."""

    url: str
    width: int | None
    height: int | None
    alt: str
    caption: str | None
    credit: str | None
    clear: bool = False


@dataclass(frozen=True, slots=True)
class PointView:
    """A key point with its numeral, ``01`` and on."""

    numeral: str
    html: Markup
    text: str


@dataclass(frozen=True, slots=True)
class ItemView:
    """One story. ``section`` is set on the first of its section; ``level`` is its heading's, 2 or 3; ``sponsor`` tells
    in the name who pays for it. ``origins``: the labels of what a model wrote of it, but for its commentary's.
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
        """What lists call it: its headline, else the picture's words, else its first 40 characters."""
        if self.headline or (self.kind == "picture" and self.image):
            return self.headline or (self.image.alt if self.image else "")
        words = " ".join(self.body.visible.split())
        return words if len(words) <= 40 else f"{words[:40].rstrip()}…"


@dataclass(frozen=True, slots=True)
class PreviousView:
    """An earlier issue: its title, its date as the language writes it, its page."""

    title: str
    date: str
    url: str


@dataclass(frozen=True, slots=True)
class LanguageView:
    """The issue in another language: the language's own name, its tag and direction, the address of the page."""

    name: str
    language: str
    direction: str
    url: str


@dataclass(frozen=True, slots=True)
class View:
    """An issue as a reader meets it, from the top down."""

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
    def uses(self) -> frozenset[str]:
        """Which kinds of items, boxes and rarer elements occur, so that a style sheet holds no others."""
        texts = [self.intro_html, self.attribution_html, *(point.html for point in self.points)]
        texts += [text for item in self.items for text in (item.html, item.commentary_html)]
        return used("".join(filter(None, texts))).union(item.kind for item in self.items)

    def upto(self, count: int) -> View:
        """The view with its first ``count`` items alone; ``more`` are left out, and stand at ``more_url``."""
        more_url = f"{self.web_url}#{self.items[count].anchor}"
        gone = "|".join(re.escape(str(escape(item.anchor))) for item in self.items[count:])
        dead = re.compile(f'<a href="#(?:{gone})">(.*?)</a>', re.DOTALL)
        points = tuple(replace(one, html=Html(dead.sub(r"\1", str(one.html)))) for one in self.points)
        return replace(self, points=points, items=self.items[:count], more=len(self.items) - count, more_url=more_url)

    def mailed(self, pictures: Pictures, *, tables: bool = True) -> View:
        """The view with each picture's copy for mail, none wider than the column, and its boxes as ``tables``."""

        def fitted(picture: PictureView | None) -> PictureView | None:
            if picture is None:
                return None
            url, width = pictures.mailed(picture.url)
            return replace(picture, url=url, width=width, height=None)

        items = tuple(replace(item, image=fitted(item.image)) for item in self.items)
        shown = replace(self, cover=fitted(self.cover), items=items).keeping(pictures.for_mail)
        return shown.keeping(lambda html: Html(in_tables(str(html)))) if tables else shown

    def keeping(self, keep: Callable[[Markup], Markup]) -> View:
        """The same view with each piece of the content's HTML replaced by ``keep`` of it."""

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
    """Which boxes and rarer elements occur in HTML."""
    return frozenset(found[1] or found[2] for found in _RARE.finditer(html))


def view(issue: Issue, config: Config, words: Locale, pictures: Pictures, others: Family = ()) -> View:
    """The view of an issue. What cannot be shown is reported in ``pictures.diagnostics``."""
    archive = config.newsletter.url.rstrip("/") + "/"
    page = f"{archive}issues/{issue.slug}/"
    renderer = MarkdownRenderer(page, pictures.place, words, pictures.miss)
    points = tuple(
        PointView(f"{number:02}", written.html, written.text)
        for number, written in enumerate(
            (renderer.inline(point, f"point-{n}") for n, point in enumerate(_points(issue), 1)), 1
        )
    )
    intro = renderer.block(issue.intro, "intro", 1) if issue.intro else None
    labels = Labels(words, config)
    items = _items(issue, words, pictures, renderer, labels)
    stories = [StoryWords(item.anchor, item.headline, " ".join(_measured((item,), None))) for item in items]
    shown = linked([point.html for point in points], stories)
    points = tuple(replace(point, html=html) for point, html in zip(points, shown, strict=True))
    attribution = renderer.inline(issue.attribution, "attribution") if issue.attribution else None
    pictures.diagnostics.extend(renderer.diagnostics)
    length = measure(_measured(items, attribution), words, config)
    told = {part: labels.of(origin, part or "issue") for part, origin in issue.generated}
    generated_by = issue.key_points.generated_by if issue.key_points else None
    if generated_by and points:
        told.setdefault("key_points", words("generated", model=labels.model(generated_by)))
    return View(
        newsletter=config.newsletter.name,
        title=one_line(issue.title),
        subtitle=one_line(issue.subtitle or ""),
        subject=one_line(issue.subject),
        preheader=preheader(
            issue,
            [" ".join(point.html.striptags().split()) for point in points],
            intro,
            [item.name for item in items],
        ),
        language=issue.language,
        direction=words.direction,
        date=words.date(issue.date),
        iso_date=issue.date.isoformat(),
        number=None if issue.number is None else words("number", number=issue.number),
        authors=words("authors", names=words.join(tuple(map(one_line, issue.authors)))) if issue.authors else None,
        **_bylines(issue, config, words),
        length=length,
        length_line=words("length", count=length.count, minutes=length.minutes),
        points=points,
        origin=told.get(""),
        generated=told.get("key_points") if points else None,
        intro_origin=told.get("intro") if intro else None,
        cover=_picture(issue.cover, pictures, issue.places.of("cover", "image")) if issue.cover else None,
        intro_html=intro.html if intro else None,
        intro=intro,
        items=items,
        attribution_html=attribution.html if attribution else None,
        attribution=attribution,
        previous=tuple(
            PreviousView(one.title, words.date(one.day), f"{archive}issues/{one.slug}/")
            for one in listed(heads_of(config), issue.slug)
        ),
        web_url=page,
        archive_url=archive,
        postal_address=config.newsletter.postal_address,
        reply_to=parseaddr(config.newsletter.reply_to or config.newsletter.from_)[1],
        subscribe_url=f"{config.service.url.rstrip('/')}/subscribe" if config.service.url else None,
        languages=tuple(_language(one, archive) for one in others if one.ready),
    )


def _language(sibling: Sibling, archive: str) -> LanguageView:
    words = Locale.of(sibling.language, {})
    return LanguageView(words.own_name, sibling.language, words.direction, f"{archive}issues/{sibling.slug}/")


def _bylines(issue: Issue, config: Config, words: Locale) -> dict[str, Any]:
    """The authors as config.yaml's ``authors`` shows them: names with links, in HTML and in text, and the addresses of
    their pictures; nothing where it knows none of them.
    """
    brand = Brand.of(config)
    known = [(one_line(name), brand.authors.get(name)) for name in issue.authors]
    if not any(author for _, author in known):
        return {"authors_html": None, "authors_text": None, "portraits": ()}
    named = [(name, author.url if author else None) for name, author in known]
    before, _, after = words("authors", names="\0").partition("\0")
    html = escape(words("comma")).join(
        Markup('<a href="{}" rel="author">{}</a>').format(url, name) if url else escape(name) for name, url in named
    )
    return {
        "authors_html": escape(before) + html + escape(after),
        "authors_text": words("authors", names=words.join(tuple(link(name, url or "") for name, url in named))),
        "portraits": tuple(brand.base + author.picture.path for _, author in known if author and author.picture),
    }


def _points(issue: Issue) -> tuple[Prose, ...]:
    return issue.key_points.points if issue.key_points else ()


def _items(
    issue: Issue, words: Locale, pictures: Pictures, renderer: MarkdownRenderer, labels: Labels
) -> tuple[ItemView, ...]:
    level = 3 if any(item.section for item in issue.items) else 2
    label = words("commentary").strip()
    views = []
    section: str | None = None
    for item in issue.items:
        first, second = halves(item)
        body = renderer.block(first, item.anchor, level)
        commentary = renderer.block(second, f"{item.anchor}:commentary", level) if second else None
        if item.sponsored:
            body = replace(body, html=sponsored(body.html))
            commentary = replace(commentary, html=sponsored(commentary.html)) if commentary else None
        views.append(
            ItemView(
                anchor=item.anchor,
                headline=one_line(item.headline),
                level=level,
                html=body.html,
                body=body,
                commentary_html=_labelled(commentary.html, label, words.runs_in) if commentary else None,
                commentary=commentary,
                commentary_label=label,
                commentary_by=one_line(item.commentary_by) if item.commentary_by else None,
                sources=tuple(_source(source) for source in item.sources),
                image=_picture(item.image, pictures, item.places.of("image", "image")) if item.image else None,
                section=one_line(item.section) if item.section and item.section != section else None,
                tags=item.tags,
                sponsor=_sponsor(item.sponsored, words) if item.sponsored else None,
                kind=item.kind,
                origins=tuple(labels.of(origin, part) for part, origin in item.generated if part != "commentary"),
                commentary_origin=next((labels.of(o) for part, o in item.generated if part == "commentary"), None),
            )
        )
        section = item.section
    return tuple(views)


def _labelled(html: Html, label: str, runs_in: bool) -> Html:
    """A commentary with its label: at the head of its first line, or on a line of its own."""
    if runs_in and (begun := re.match(r"<p( dir=\"[a-z]+\")?>", html)):
        return Html(f'{begun[0]}<strong class="label">{escape(label)}</strong>{html[begun.end() :]}')
    return Html(f'<p class="label">{escape(label)}</p>\n{html}')


def _source(source: Source) -> Source:
    safe = scheme(source.url) in SCHEMES
    return Source(one_line(source.name), one_line(source.url) if source.url and safe else None)


def _sponsor(sponsor: Sponsor, words: Locale) -> Source:
    told = words("sponsored_by", name=one_line(sponsor.by)) if sponsor.by else words("sponsored")
    return _source(Source(told, sponsor.url))


def _picture(picture: Picture, pictures: Pictures, place: Place) -> PictureView | None:
    placed = pictures.require(picture.image, place)
    if placed is None:
        return None
    return PictureView(
        url=placed.url,
        width=placed.width,
        height=placed.height,
        alt=one_line(picture.alt),
        caption=one_line(picture.caption) if picture.caption else None,
        credit=one_line(picture.credit) if picture.credit else None,
        clear=placed.clear,
    )


def _measured(items: tuple[ItemView, ...], attribution: RenderedText | None) -> list[str]:
    """What length measures: headlines, bodies, each commentary with its label, the attribution."""
    texts = []
    for item in items:
        texts += [item.headline, item.body.visible]
        if item.commentary:
            texts += [item.commentary_label, item.commentary.visible]
    return [*texts, attribution.visible] if attribution else texts
