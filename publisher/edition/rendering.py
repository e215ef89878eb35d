"""Render an issue as an edition, in one pass, independent of any recipient."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from publisher.config import Config
from publisher.diagnostics import Diagnostic
from publisher.edition import provenance
from publisher.edition.clicks import counted, links_of
from publisher.edition.email import story_texts, write_html, write_text
from publisher.edition.files import sizes_of
from publisher.edition.gates import check_edition, gmail
from publisher.edition.markdown import Html
from publisher.edition.model import Edition, EditionItem, Slotted, ThemeError, Variant
from publisher.edition.origin import record
from publisher.edition.others import OtherIssues
from publisher.edition.pictures import Pictures
from publisher.edition.slots import Slots
from publisher.edition.theme import Theme
from publisher.edition.view import View
from publisher.edition.viewing import view
from publisher.issue.model import Issue, Status
from publisher.issue.variants import IssueVariant, variants_of
from publisher.language import Locale

_Parts = tuple[Slotted, Slotted]
"""HTML and text."""


def render(issue: Issue, config: Config, others: OtherIssues | None = None) -> tuple[Edition | None, list[Diagnostic]]:
    """Return the edition of an issue (None after an error; each variant is one too), and the findings of its gates."""
    variants, found = variants_of(issue, config.newsletter.language)
    links: dict[int, str] = {}
    made = []
    for variant in variants:
        made.append(_render(variant.issue, config, others, links))
        if (edition := made[-1][0]) and edition.clicks:
            links |= dict(edition.clicks.links)
    if len(made) < 2:
        return made[0] if made else (None, found)
    everywhere = set.intersection(*(set(findings) for _, findings in made))
    told = {finding: None for _, findings in made for finding in findings if finding in everywhere}
    for variant, (_, findings) in zip(variants, made, strict=True):
        told |= {variant.told(finding): None for finding in findings if finding not in everywhere}
    editions = [edition for edition, _ in made if edition]
    return (_joined(variants, editions) if len(editions) == len(variants) else None), list(told)


def _joined(variants: Sequence[IssueVariant], editions: Sequence[Edition]) -> Edition:
    """Combine the editions of all variants into the first one, which is shown if no subscriber is known."""
    assets = {asset.name: asset for edition in editions for asset in edition.assets}
    kept = tuple(
        Variant(variant.name, variant.condition, replace(edition, stories=(), assets=(), cover=None))
        for variant, edition in zip(variants, editions, strict=True)
    )
    told = (part for one in kept for part in (("condition", one.condition), ("digest", one.edition.digest)))
    digest = provenance.hash_parts("publisher variants 1", ((kind, text.encode()) for kind, text in told))
    clicks = editions[0].clicks
    if clicks:
        every = {link: None for edition in editions if edition.clicks for link in edition.clicks.links}
        clicks = replace(clicks, links=tuple(every))
    return replace(editions[0], digest=digest, assets=tuple(assets.values()), variants=kept, clicks=clicks)


def _render(
    issue: Issue, config: Config, others: OtherIssues | None, links: Mapping[int, str]
) -> tuple[Edition | None, list[Diagnostic]]:
    """Render one variant, or the only edition. ``links``: the counted links of the preceding variants.

    The same issue, theme, configuration and ``others``, to which the mail links, give the same bytes on every
    machine at any time.
    """
    words = Locale.of(issue.language, config.labels)
    pictures = Pictures(config, issue.folder)
    slots = Slots.of(issue, config)
    seen = view(issue, config, words, pictures, slots, others)
    theme = Theme.of(config)
    click = partial(links_of, config=config, slug=issue.slug, known=links.items())

    def over(html: Slotted, text: Slotted) -> bool:
        return bool(issue.overflow) and gmail.over(sizes_of(counted(html, click(html)), text), config.checks.clip)

    try:
        texts = story_texts(seen, words, theme, slots)

        def write(view: View) -> _Parts:
            html = write_html(view.mailed(pictures), words, theme, slots, config)
            return html, write_text(view, texts, words, theme, slots, config)

        mailed, html, text = _mail(seen, write, over)
        shown = slots.shown(seen)
        story_html = write_stories(shown, words, theme)
        web = write_web(shown, story_html, words, theme)
    except ThemeError as error:
        return None, [*pictures.diagnostics, error.diagnostic]
    stories = tuple(
        EditionItem(one.anchor, one.name, str(html), text, item.tags, item.section)
        for item, one, html, text in zip(issue.items, shown.items, story_html, slots.shown(texts), strict=True)
    )
    subject = slots.cut(seen.subject)
    clicks = click(html)
    edition = Edition(
        slug=issue.slug,
        title=shown.title,
        subject=shown.subject,
        subtitle=shown.subtitle,
        preheader=shown.preheader,
        language=issue.language,
        date=issue.date,
        html=html,
        text=text,
        web=web,
        stories=stories,
        length=shown.length,
        sizes=sizes_of(counted(html, clicks), text),
        digest=provenance.digest(subject, shown.preheader, counted(html, clicks), text, web, pictures.assets, clicks),
        number=issue.number,
        authors=issue.authors,
        tags=issue.tags,
        cover=pictures.original(issue.cover.image) if issue.cover else None,
        cover_alt=shown.cover.alt if shown.cover else "",
        assets=pictures.assets,
        publish_at=issue.publish_at,
        deliver_at=issue.deliver_at,
        draft=issue.status is Status.DRAFT,
        audience=issue.audience,
        mailed=mailed,
        origin=record(issue),
        translation_of=issue.translation_of,
        mail_subject=subject if subject.slots else None,
        clicks=clicks,
    )
    return (None if pictures.diagnostics else edition), [*pictures.diagnostics, *check_edition(edition, issue, config)]


def write_stories(view: View, words: Locale, theme: Theme) -> tuple[Html, ...]:
    """Write each story without its headline: body, source, image, commentary. Raises ThemeError."""
    return tuple(Html(theme.render("edition/story.html.j2", item=item, words=words).strip()) for item in view.items)


def write_web(view: View, stories: tuple[Html, ...], words: Locale, theme: Theme) -> str:
    """Write the page body: headline block, key points, cover, intro, stories, attribution. Raises ThemeError."""
    return theme.render("edition/issue.html.j2", issue=view, stories=stories, words=words)


def _mail(
    seen: View, write: Callable[[View], _Parts], over: Callable[[Slotted, Slotted], bool]
) -> tuple[int | None, Slotted, Slotted]:
    """Return the number of items and both parts of the mail: all items (None), or only as many as are not ``over``."""
    parts = write(seen)
    if not over(*parts):
        return None, *parts
    fit, least = 1, len(seen.items)  # ``least``: the smallest number known to be too many
    kept = write(seen.upto(fit)) if least > fit else parts
    while least - fit > 1:
        half = (fit + least) // 2
        tried = write(seen.upto(half))
        if over(*tried):
            least = half
        else:
            fit, kept = half, tried
    return fit, *kept
