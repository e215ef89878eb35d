"""The footer under ``theme:`` in config.yaml, rendered for the mail, its text part and every page."""

from collections.abc import Iterator
from functools import lru_cache

from publisher.checks.html import TAGS
from publisher.config import Config
from publisher.config.load import NAME
from publisher.diagnostics import Sentence, say
from publisher.documents.validate import BAD_VALUE
from publisher.edition.brand import place_of
from publisher.edition.markdown import MarkdownRenderer, RenderedText
from publisher.errors import ConfigError
from publisher.issue.markdown import parsed
from publisher.issue.markdown.tags import raw_tags
from publisher.issue.model import Prose
from publisher.language import Locale


def footer(config: Config, words: Locale) -> RenderedText | None:
    """Return the footer in the language of ``words``, or in the newsletter's; None if there is none.

    Raises ConfigError if a part of it cannot be shown to readers.
    """
    given = config.theme.footer
    if isinstance(given, dict):
        tags = (words.language, words.language.partition("-")[0], config.newsletter.language)
        given = next((given[tag] for tag in tags if tag in given), None)
    if not given or not given.strip():
        return None
    rendered, lost = _rendered(given, config.newsletter.url, words)
    if lost:
        advice = say("use Markdown without pictures, or delete it")
        raise ConfigError([BAD_VALUE.at(place_of(config.root, "theme", "footer"), lost, help=advice)], root=config.root)
    return rendered


@lru_cache(maxsize=32)
def _rendered(given: str, base: str, words: Locale) -> tuple[RenderedText, Sentence | None]:
    """The footer, cached for all mails and pages of a build, and the first part of it that cannot be shown."""
    prose = Prose(given, NAME, tuple((1, 1) for _ in given.split("\n")))
    renderer = MarkdownRenderer(base, lambda _: None, words)
    rendered = renderer.block(prose, "footer", above=2)
    return rendered, next(_lost(given), None) or next((found.message for found in renderer.diagnostics), None)


def _lost(footer: str) -> Iterator[Sentence]:
    """Parts of a footer that cannot be shown: pictures, which it has no files for, and tags not allowed in an issue."""
    for block in parsed(footer).tokens:
        for token in block.children or (block,):
            raw = token.content if token.type in {"html_inline", "html_block"} else ""
            names = ["img"] if token.type == "image" else [tag.name for tag in raw_tags(raw)]
            yield from (say("{what} is not kept", what=f"<{one}>") for one in names if one == "img" or one not in TAGS)
