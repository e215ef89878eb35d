"""The archive's body of an issue, and each story's own HTML, from the theme's ``edition/`` templates."""

from __future__ import annotations

from publisher.edition.language import Words
from publisher.edition.theme import Theme
from publisher.edition.view import ItemView, View


def write_web(view: View, words: Words, theme: Theme) -> str:
    """Headline block, key points, cover, intro, items, attribution. Raises ThemeError."""
    return theme.render("edition/issue.html.j2", issue=view, words=words)


def story_html(item: ItemView, words: Words, theme: Theme) -> str:
    """One story without its headline: body, source, image, commentary. Raises ThemeError."""
    return theme.render("edition/story.html.j2", item=item, words=words).strip()
