"""The email's plain text, as an editor would type it: headings underlined, points numbered, every URL in place."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.config import Config
from publisher.edition.footer import footer
from publisher.edition.markdown.text import link, underlined
from publisher.edition.model import Slot, Slotted
from publisher.edition.slots import Slots
from publisher.edition.view import ItemView, PictureView, View
from publisher.language import Locale


def write_text(view: View, words: Locale, slots: Slots, config: Config) -> Slotted:
    """The text part of the email."""
    return slots.cut("\n\n".join([*_head(view, words), *_body(view, words), _foot(view, words, slots, config)]) + "\n")


def item_text(item: ItemView, words: Locale) -> str:
    """One story without its headline, as feeds and the report of a change want it."""
    return "\n\n".join(_story(item, words))


def _head(view: View, words: Locale) -> Iterator[str]:
    if view.newsletter.replace(" ", "") not in view.title.replace(" ", ""):
        yield view.newsletter
    yield underlined(view.title, "=")
    if view.subtitle:
        yield view.subtitle
    lines = [" · ".join(part for part in (view.date, view.number) if part)]
    yield "\n".join([*lines, *filter(None, [view.authors]), view.length_line])
    if view.points:
        points = "\n".join(f"{point.numeral}  {point.text}" for point in view.points)
        yield underlined(words("key_points"), "-") + "\n" + points
    if view.generated:
        yield view.generated


def _body(view: View, words: Locale) -> Iterator[str]:
    if view.cover:
        yield _picture(view.cover, words)
    if view.intro:
        yield view.intro.text
    for item in view.items:
        if item.section:
            yield f"\n{underlined(item.section, '=')}"
        yield f"\n{underlined(item.headline, '-')}"
        yield from _story(item, words)
    if view.more:
        yield f"\n{link(words('continue_on_web', count=view.more), view.more_url)}"
    if view.attribution:
        yield f"\n{view.attribution.text}"


def _story(item: ItemView, words: Locale) -> Iterator[str]:
    if item.sponsor:
        yield link(f"[{item.sponsor.name}]", item.sponsor.url or "")
    yield item.body.text
    if item.sources:
        named = words.join(tuple(link(source.name, source.url or "") for source in item.sources))
        yield f"{words('source').rstrip()}{'' if words.counts_characters else ' '}{named}"
    if item.image:
        yield _picture(item.image, words)
    if item.commentary:
        label = item.commentary_label
        text = f"{label}{item.commentary.text}" if words.runs_in else f"{label}{words('colon')}{item.commentary.text}"
        yield f"{text}\n— {item.commentary_by}" if item.commentary_by else text


def _picture(picture: PictureView, words: Locale) -> str:
    notes = " · ".join(filter(None, [picture.caption, picture.credit]))
    shown = link(words("image", alt=picture.alt), picture.url)
    return f"{shown}\n{notes}" if notes else shown


def _foot(view: View, words: Locale, slots: Slots, config: Config) -> str:
    colon, own = words("colon"), footer(config, words)
    lines = [
        "-" * 40,
        *([own.text, ""] if own else []),
        *(f"{social.name}{colon}{social.url}" for social in config.theme.social),
        words("why", name=view.newsletter),
        f"{words('unsubscribe')}{colon}{slots.marker(Slot.UNSUBSCRIBE_URL)}",
        f"{words('preferences')}{colon}{slots.marker(Slot.PREFERENCES_URL)}",
        f"{words('view_in_browser')}{colon}{view.web_url}",
    ]
    return "\n".join([*lines, *filter(None, [view.postal_address])])
