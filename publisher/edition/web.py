"""The archive's body of an issue, and each story's own HTML, from the theme's ``edition/`` templates."""

from __future__ import annotations

from publisher.edition.markdown import Html
from publisher.edition.theme import Theme
from publisher.edition.view import View
from publisher.language import Locale


def write_stories(view: View, words: Locale, theme: Theme) -> tuple[Html, ...]:
    """Each story without its headline: body, source, image, commentary. Raises ThemeError."""
    return tuple(Html(theme.render("edition/story.html.j2", item=item, words=words).strip()) for item in view.items)


def write_web(view: View, stories: tuple[Html, ...], words: Locale, theme: Theme) -> str:
    """Headline block, key points, cover, intro, the stories, attribution. Raises ThemeError."""
    return theme.render("edition/issue.html.j2", issue=view, stories=stories, words=words)
