"""The email's plain text, from the theme's ``.txt.j2`` templates: headings underlined, every URL in place."""

from __future__ import annotations

from publisher.config import Config
from publisher.edition.footer import footer
from publisher.edition.model import Slotted
from publisher.edition.slots import Slots
from publisher.edition.theme import Theme
from publisher.edition.view import View
from publisher.language import Locale


def story_texts(view: View, words: Locale, theme: Theme, slots: Slots) -> tuple[str, ...]:
    """Each story without its headline, as the mail, feeds and the report of a change want it. Raises ThemeError."""
    names = {"words": words, "subscriber": slots.subscriber}
    return tuple(theme.text("edition/story.txt.j2", item=item, **names) for item in view.items)


def write_text(
    view: View, stories: tuple[str, ...], words: Locale, theme: Theme, slots: Slots, config: Config
) -> Slotted:
    """The text part of the email. Raises ThemeError."""
    own = footer(config, words)
    names = {"issue": view, "stories": stories, "words": words, "newsletter": config.newsletter}
    names |= {"slots": slots.names, "subscriber": slots.subscriber, "footer": own.text if own else ""}
    text = theme.text("email/issue.txt.j2", **names)
    return slots.cut(text + "\n")
