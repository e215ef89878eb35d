"""A title on a card needs a font that has its characters."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.config import Config
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.edition.model import Edition
from publisher.issue.model import Issue

CARD_GLYPHS = define("card-glyphs", Severity.WARNING)
_MESSAGE = say("no font here has {characters}: the issue's card cannot show its title")
_HELP = say("install a font of the language, such as Noto, or name one under theme.fonts.card in config.yaml")


def check(edition: Edition, issue: Issue, config: Config) -> Iterator[Diagnostic]:
    """One finding at the title, with the characters that the best font lacks."""
    if config.theme.cards:
        from publisher.edition.card import lacking  # Pillow's fonts load where a card is due

        if lost := lacking(config, edition.title, edition.language):
            yield CARD_GLYPHS.at(issue.places.of("title"), say(_MESSAGE, characters=" ".join(lost[:10])), help=_HELP)
