"""Make the view of an issue, in its language, for templates."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup, escape

from publisher.config import Config
from publisher.diagnostics import Place
from publisher.diagnostics.width import cut, display_width
from publisher.edition.brand import Brand
from publisher.edition.markdown import Html, MarkdownRenderer, RenderedText, sponsored, visible_text
from publisher.edition.markdown.raw_text import link
from publisher.edition.model import Length
from publisher.edition.named import StoryWords, linked
from publisher.edition.origin import Labels
from publisher.edition.others import OtherIssues
from publisher.edition.pictures import Pictures
from publisher.edition.slots import Slots
from publisher.edition.view import ItemView, LanguageView, PictureView, PointView, PreviousView, View
from publisher.issue.definitions import with_shared_definitions
from publisher.issue.links import SCHEMES, scheme
from publisher.issue.markdown.cjk import HAN, KANA, one_line
from publisher.issue.model import Issue, Picture, Source, Sponsor
from publisher.issue.translations import Sibling
from publisher.language import Locale
from publisher.regex import regex

_LATIN = "A-Za-zªºÀ-ÖØ-öø-ʸᴀ-ᴥᵢ-ᵥᵫ-ᵷᵹ-ᶾḀ-ỿⱠ-Ɀꜣ-ꞇꞋ-ꟿꬰ-ꭤﬀ-ﬆＡ-Ｚａ-ｚ"
_COUNTED = regex(f"[{HAN}{KANA}{_LATIN}\\d]+")


def measure(texts: Iterable[str], words: Locale, config: Config) -> Length:
    """Measure the visible texts of the items: headlines, bodies, commentary with its label, attribution.

    Chinese and Japanese count Han and kana characters and Latin letters and digits, not punctuation and spaces; others
    count words, separated by white space (238 per minute: Brysbaert 2019, doi:10.1016/j.jml.2019.104047).
    """
    if words.counts_characters:
        count, unit, speed = sum(map(characters, texts)), "characters", config.reading_speed.characters
    else:
        count, unit, speed = sum(len(text.split()) for text in texts), "words", config.reading_speed.words
    return Length(count, unit, max(1, -(-count // speed)))


def characters(text: str) -> int:
    """The number of Han and kana characters, Latin letters and digits in a text."""
    return sum(map(len, _COUNTED.findall(text)))


def view(
    issue: Issue, config: Config, words: Locale, pictures: Pictures, slots: Slots, others: OtherIssues | None = None
) -> View:
    """Return the view of an issue, with slot markers. Faults are added to ``pictures.diagnostics``."""
    archive = config.newsletter.url.rstrip("/") + "/"
    step = issue.after is not None  # a step has neither page nor date; a month's edition has no page
    page = archive if "/" in issue.slug else f"{archive}issues/{issue.slug}/"
    renderer = MarkdownRenderer(page, pictures.place, words, pictures.miss, slots)
    given = issue.key_points.points if issue.key_points else ()
    written = [renderer.inline(point, f"point-{n}") for n, point in enumerate(given, 1)]
    intro = renderer.block(issue.intro, "intro", 1) if issue.intro else None
    labels = Labels(words, config)
    items = _items(issue, words, pictures, renderer, labels, slots)
    subject = _line(issue.subject, words)
    stories = [StoryWords(item.anchor, item.headline, " ".join(_measured((item,), None))) for item in items]
    shown = zip(written, linked([point.html for point in written], stories), strict=True)
    points = tuple(PointView(f"{n:02}", html, point.text) for n, (point, html) in enumerate(shown, 1))
    attribution = renderer.inline(issue.attribution, "attribution", personal=True) if issue.attribution else None
    pictures.diagnostics.extend(renderer.diagnostics)
    length = measure(_measured(items, attribution), words, config)
    told = {part: labels.of(origin, part or "issue") for part, origin in issue.generated}
    generated_by = issue.key_points.generated_by if issue.key_points else None
    if generated_by and points:
        told.setdefault("key_points", words("generated", model=labels.model(generated_by)))
    before = others.before(issue.slug) if others else ()
    said = [" ".join(point.html.striptags().split()) for point in points]
    opening = " ".join(visible_text(intro.html).split()) if intro else ""
    return View(
        newsletter=config.newsletter.name,
        title=_line(issue.title, words),
        subtitle=_line(issue.subtitle or "", words),
        subject=slots.marked(subject) if ("subject",) in issue.places.values else subject,
        preheader=preheader(issue, words, said, opening, [item.name for item in items], slots),
        language=issue.language,
        direction=words.direction,
        date="" if step else words.date(issue.date),
        iso_date=issue.date.isoformat(),
        number=None if issue.number is None else words("number", number=issue.number),
        authors=words("authors", names=words.join(tuple(_line(name, words) for name in issue.authors)))
        if issue.authors
        else None,
        **_bylines(issue, config, words),
        length=length,
        length_line=words("length", count=length.count, minutes=length.minutes) if length.count else "",
        points=points,
        origin=told.get(""),
        generated=told.get("key_points") if points else None,
        intro_origin=told.get("intro") if intro else None,
        cover=_picture(issue.cover, words, pictures, issue.places.of("cover", "image")) if issue.cover else None,
        intro_html=intro.html if intro else None,
        intro=intro,
        items=items,
        attribution_html=attribution.html if attribution else None,
        attribution=attribution,
        previous=tuple(PreviousView(one.title, words.date(one.day), f"{archive}issues/{one.slug}/") for one in before),
        web_url=page,
        archive_url=archive,
        postal_address=config.newsletter.postal_address,
        reply_to=config.newsletter.answers or config.newsletter.sender[1],
        subscribe_url=_subscribe_url(config, issue.language),
        languages=tuple(_language(one, archive) for one in (others.family(issue.slug) if others else ()) if one.ready),
    )


def _line(text: str, words: Locale) -> str:
    """Text on one line, with direction marks, which keep punctuation in place inside the line and at its ends."""
    line = words.steady(one_line(text))
    ends = line[:1] + line[-1:]
    edge = "" if ends.isalnum() else {"ltr": "\u200e", "rtl": "\u200f"}.get(words.turned(line) or "", "")
    return f"{edge}{line}{edge}"


def _subscribe_url(config: Config, language: str) -> str | None:
    """URL of the subscribe form in the issue's language, for people to whom the issue was forwarded."""
    if not config.service.url:
        return None
    form = f"{config.service.url.rstrip('/')}/subscribe"
    return form if language == config.newsletter.language else f"{form}?language={language}"


def _language(sibling: Sibling, archive: str) -> LanguageView:
    words = Locale.of(sibling.language, {})
    return LanguageView(words.own_name, sibling.language, words.direction, f"{archive}issues/{sibling.slug}/")


def _bylines(issue: Issue, config: Config, words: Locale) -> dict[str, Any]:
    """The authors' names with links, as HTML and text, and picture URLs; empty if config.yaml has none of them."""
    if config.authors.keys().isdisjoint(issue.authors):
        return {"authors_html": None, "authors_text": None, "portraits": ()}
    brand = Brand.of(config)
    known = [(_line(name, words), brand.authors.get(name)) for name in issue.authors]
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


def _items(
    issue: Issue, words: Locale, pictures: Pictures, renderer: MarkdownRenderer, labels: Labels, slots: Slots
) -> tuple[ItemView, ...]:
    level, views = 2, []
    label = words("commentary").strip()
    section: str | None = None
    for item in issue.items:
        level = 3 if item.section else level
        first, second = with_shared_definitions(item)
        body = renderer.block(first, item.anchor, level)
        commentary = renderer.block(second, f"{item.anchor}:commentary", level) if second else None
        if item.sponsored:
            body = replace(body, html=sponsored(body.html))
            commentary = replace(commentary, html=sponsored(commentary.html)) if commentary else None
        views.append(
            ItemView(
                anchor=item.anchor,
                headline=_line(item.headline, words),
                level=level,
                html=body.html,
                body=body,
                commentary_html=_labelled(commentary.html, label, words.runs_in) if commentary else None,
                commentary=commentary,
                commentary_label=label,
                commentary_by=_line(item.commentary_by, words) if item.commentary_by else None,
                sources=tuple(_source(source, words, slots) for source in item.sources),
                image=_picture(item.image, words, pictures, item.places.of("image", "image")) if item.image else None,
                section=_line(item.section, words) if item.section and item.section != section else None,
                tags=item.tags,
                sponsor=_sponsor(item.sponsored, words, slots) if item.sponsored else None,
                kind=item.kind,
                origins=tuple(labels.of(origin, part) for part, origin in item.generated if part != "commentary"),
                commentary_origin=next((labels.of(o) for part, o in item.generated if part == "commentary"), None),
            )
        )
        section = item.section
    return tuple(views)


def _labelled(html: Html, label: str, runs_in: bool) -> Html:
    """A commentary with its label: at the beginning of its first line, or on a separate line."""
    if runs_in and (begun := re.match(r"<p( dir=\"[a-z]+\")?>", html)):
        return Html(f'{begun[0]}<strong class="label">{escape(label)}</strong>{html[begun.end() :]}')
    return Html(f'<p class="label">{escape(label)}</p>\n{html}')


def _source(source: Source, words: Locale, slots: Slots) -> Source:
    safe = scheme(source.url) in SCHEMES
    return Source(_line(source.name, words), slots.marked(one_line(source.url)) if source.url and safe else None)


def _sponsor(sponsor: Sponsor, words: Locale, slots: Slots) -> Source:
    told = words("sponsored_by", name=one_line(sponsor.by)) if sponsor.by else words("sponsored")
    return _source(Source(told, sponsor.url), words, slots)


def _picture(picture: Picture, words: Locale, pictures: Pictures, place: Place) -> PictureView | None:
    placed = pictures.require(picture.image, place)
    if placed is None:
        return None
    return PictureView(
        url=placed.url,
        width=placed.width,
        height=placed.height,
        alt=_line(picture.alt, words),
        caption=_line(picture.caption, words) if picture.caption else None,
        credit=_line(picture.credit, words) if picture.credit else None,
        clear=placed.clear,
    )


def _measured(items: tuple[ItemView, ...], attribution: RenderedText | None) -> list[str]:
    """The texts that count for the length: headlines, bodies, commentaries with labels, the attribution."""
    texts = []
    for item in items:
        texts += [item.headline, item.body.visible]
        if item.commentary:
            texts += [item.commentary_label, item.commentary.visible]
    return [*texts, attribution.visible] if attribution else texts


PREHEADER_WIDTH = 90
"""Columns of an inbox's preview line; Han characters take two. All clients cut longer lines."""


def preheader(
    issue: Issue, words: Locale, points: Sequence[str], intro: str, items: Sequence[str], slots: Slots
) -> str:
    """The inbox's preview line: as written; otherwise subtitle, key points, intro or headlines, as far as they fit."""
    if issue.preheader:
        return slots.marked(_line(issue.preheader, words))
    if issue.subtitle:
        return cut(_line(issue.subtitle, words), PREHEADER_WIDTH)
    line = ""
    for piece in points or ([intro] if intro else items):
        end = line[-1:]  # after the end of a sentence a dot would be a second one
        longer = f"{line}{'' if end in '。！？' else ' ' if end in '.!?' else ' · '}{piece}"
        if line and display_width(longer) > PREHEADER_WIDTH:
            break
        line = longer
    return slots.shortened(line, PREHEADER_WIDTH)
