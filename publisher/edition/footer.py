"""The footer under ``theme:`` in config.yaml, rendered for the mail, its text part and every page."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from publisher.checks.html import TAGS
from publisher.config import Config
from publisher.config.load import NAME, read_nodes
from publisher.diagnostics import Diagnostic, Sentence, Severity, say
from publisher.documents import Mapping, Scalar, find, read_text
from publisher.documents.validate import BAD_VALUE
from publisher.edition.brand import place_of
from publisher.edition.markdown import MarkdownRenderer, RenderedText
from publisher.errors import ConfigError
from publisher.issue.codes import NO_SCHEME
from publisher.issue.lines import lines_of_scalar
from publisher.issue.links import SCHEMES, scheme
from publisher.issue.markdown import parsed
from publisher.issue.markdown.tags import raw_tags
from publisher.issue.model import Issue, Places, Prose
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
        errors = [found for found in footer_findings(config) if found.severity is Severity.ERROR]
        errors = errors or [BAD_VALUE.at(place_of(config.root, "theme", "footer"), lost, help=advice)]
        raise ConfigError(errors, root=config.root)
    return rendered


def footer_findings(config: Config) -> Iterator[Diagnostic]:
    """Findings of the rules about the footer, in each of its languages, at its lines of config.yaml."""
    from publisher.checks.context import Context  # ``serve`` does not need the rules
    from publisher.checks.markdown import Text
    from publisher.checks.registry import own_rules

    (node, _), (file, _) = read_nodes(config.root), read_text(config.root, NAME)
    given = find(node, ("theme", "footer")) if node else None
    one = {config.newsletter.language: given}
    by_language = {each.key.text: each.value for each in given.entries} if isinstance(given, Mapping) else one
    for language, value in by_language.items():
        if file is None or not isinstance(value, Scalar):
            continue
        issue = Issue("", "", "", date.min, language, "", Places(NAME, value.span), ())
        context = Context(config, issue, whole=False)
        context.texts = (Text(lines_of_scalar(file, value), "footer"),)
        for rule in own_rules():
            found = rule.check(context) if rule.check and rule.name != "pictures" else ()  # no pictures in it
            yield from (one for one in found if one.code != NO_SCHEME.name)  # relative links lead to the archive


@lru_cache(maxsize=32)
def _rendered(given: str, base: str, words: Locale) -> tuple[RenderedText, Sentence | None]:
    """The footer, cached for all mails and pages of a build, and the first part of it that cannot be shown."""
    prose = Prose(given, NAME, tuple((1, 1) for _ in given.split("\n")))
    renderer = MarkdownRenderer(base, lambda _: None, words)
    rendered = renderer.block(prose, "footer", above=2)
    return rendered, next(_lost(given), None) or next((found.message for found in renderer.diagnostics), None)


def _lost(footer: str) -> Iterator[Sentence]:
    """Parts of a footer that cannot be shown: pictures, for which it has no files, text for some readers only, as all
    variants and pages have one footer, and tags and schemes of links that are not allowed in an issue.
    """
    for block in parsed(footer).tokens:
        if block.type == "container_only_open":
            yield say("{what} is not kept", what="::: only")
        for token in block.children or (block,):
            raw = token.content if token.type in {"html_inline", "html_block"} else ""
            names = ["img"] if token.type == "image" else [tag.name for tag in raw_tags(raw)]
            yield from (say("{what} is not kept", what=f"<{one}>") for one in names if one == "img" or one not in TAGS)
            if token.type == "link_open" and scheme(url := str(token.attrs.get("href", ""))) not in {"", *SCHEMES}:
                yield say("{what} is not kept", what=url[:40])
