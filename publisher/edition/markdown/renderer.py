"""Render the Markdown of one issue as HTML and as plain text."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.edition.markdown.html import Html, HtmlWriter, Sized, join_lines_of_html, visible_text
from publisher.edition.markdown.text import TextWriter
from publisher.edition.slots import Slots
from publisher.issue.links import absolute
from publisher.issue.markdown import parsed
from publisher.issue.markdown.cjk import without_controls
from publisher.issue.markdown.dialect import MAX_NESTING
from publisher.issue.markdown.tags import HEADING, deepest, escaped, raw_tags
from publisher.issue.model import Prose
from publisher.issue.personal import settled
from publisher.language import Locale

TOO_DEEP = define("nested-too-deep", Severity.ERROR, fixed=True)

_IMAGE = re.compile(r"(?![a-z]+:|//).+\.(?:jpe?g|png|gif|webp|avif)", re.IGNORECASE)

_TASK = re.compile(r"\[([ xX])\](?=[ \t])")


@dataclass(frozen=True, slots=True)
class RenderedText:
    """Rendered text: safe HTML, plain text, and the visible text (used to measure length).

    ``html`` and ``text`` may contain slot markers; ``visible`` has default values instead.
    """

    html: Html
    text: str
    visible: str


class MarkdownRenderer:
    """Renderer of one issue's texts. ``page`` is the URL of its archive page; ``image`` finds an image by its path.

    ``diagnostics`` collects what could not be rendered; ``written`` is called after each text.
    """

    def __init__(
        self,
        page: str,
        image: Callable[[str], Sized | None],
        words: Locale,
        written: Callable[[Prose], None] = lambda _: None,
        slots: Slots | None = None,
    ) -> None:
        def link_to(url: str) -> str:
            placed = image(url) if _IMAGE.fullmatch(url) else None
            return placed.url if placed else absolute(page, url) or ""

        labels = {name: words(name) for name in ("footnotes", "back_to_text", "sponsored")}
        self.diagnostics: list[Diagnostic] = []
        self._written = written
        self._slots = slots or Slots("")
        self._words = words
        self._html = HtmlWriter(page, image, labels, words.direction)
        self._text = TextWriter(link_to, lambda alt: words("image", alt=alt), labels["sponsored"], self._slots.shown)

    def block(self, prose: Prose, name: str, above: int) -> RenderedText:
        """Render block Markdown. ``name`` is unique in the issue; headings are moved below level ``above``."""
        tokens = _with_boxes(shifted(self._tokens(without_controls(prose.text)), above))
        if quoted := next((token for token in tokens if token.level >= MAX_NESTING - 1), None):
            self._too_deep(prose, quoted.map[0] if quoted.map else 0)
        return self._write(prose, tokens, name)

    def inline(self, prose: Prose, name: str, *, personal: bool = False) -> RenderedText:
        """Render inline Markdown, without footnotes. ``personal``: it may contain placeholders (an attribution may)."""
        text = without_controls(prose.text).strip()
        tokens = self._tokens(text, inline=True) if personal else parsed(text, inline=True).tokens
        return self._write(prose, tokens, name)

    def _tokens(self, text: str, *, inline: bool = False) -> Sequence[Token]:
        """Parse a text, with slot markers in place of its placeholders."""
        marked = self._slots.marked(text)
        tokens = parsed(marked, inline=inline).tokens
        return tokens if marked == text else settled(tokens, lambda part, _place: self._slots.written(part))

    def _too_deep(self, prose: Prose, line: int) -> None:
        message = say("the text is nested too deep")
        self.diagnostics.append(TOO_DEEP.at(prose.place(line), message, help=say("take out some levels")))

    def _write(self, prose: Prose, tokens: Sequence[Token], name: str) -> RenderedText:
        if self._words.steady(prose.text) != prose.text:
            tokens = [_steady(token, self._words) for token in tokens]
        tokens = [_joined(token) if token.type == "html_block" else token for token in tokens]
        html = self._html.write(tokens, name)
        if self._html.lost:
            self._too_deep(prose, deepest(tokens))
        text = self._text.write(tokens)
        self._written(prose)  # both writers have now looked up the text's pictures
        return RenderedText(html, text, self._slots.shown(visible_text(html)))


def _steady(token: Token, words: Locale) -> Token:
    """A token with direction marks in its text and in that of its children."""
    if token.type == "text":
        return token.copy(content=words.steady(token.content))
    return token.copy(children=[_steady(one, words) for one in token.children]) if token.children else token


def _with_boxes(tokens: Sequence[Token]) -> Sequence[Token]:
    """Draw a box for ``[ ]`` or ``[x]`` at the beginning of a list item (GitHub's task list items extension)."""
    if not any(token.type == "inline" and _TASK.match(token.content) for token in tokens):
        return tokens
    opened = (None, None, *tokens)
    return [
        _boxed(token) if one and one.type == "list_item_open" else token
        for one, token in zip(opened, tokens, strict=False)
    ]


def _boxed(token: Token) -> Token:
    first, *rest = token.children or [token]
    if first.type != "text" or not (box := _TASK.match(first.content)):
        return token
    drawn = first.copy(content=("☐" if box[1] == " " else "☑") + first.content[3:])
    return token.copy(children=[drawn, *rest])


def _joined(token: Token) -> Token:
    return token.copy(content=join_lines_of_html(escaped(token.content)))


def shifted(tokens: Sequence[Token], above: int) -> Sequence[Token]:
    """Move headings below level ``above``: the highest becomes ``above + 1``, none exceeds 6.

    Headings in raw HTML count and move too: an ``<h1>`` in a story is not the page's. Changed tokens are copies.
    """
    telling = (token for token in tokens if token.type == "heading_open" or "<" in token.content)
    levels = [level for token in telling for level in _levels(token)]
    down = above + 1 - min(levels) if levels else 0
    return [_moved(token, down) for token in tokens] if down else tokens


def _levels(token: Token) -> list[int]:
    if token.type == "heading_open":
        return [int(token.tag[1])]
    if token.type.startswith("html_"):
        return [int(tag.name[1]) for tag in raw_tags(token.content) if HEADING.fullmatch(tag.name)]
    html = (child for child in token.children or () if child.type == "html_inline")
    return [level for child in html for level in _levels(child)]


def _moved(token: Token, down: int) -> Token:
    if token.type in {"heading_open", "heading_close"}:
        tag, level = _lower(token.tag, down), token.level
        return Token(token.type, tag, token.nesting, map=token.map, level=level, markup=token.markup, block=True)
    if token.type.startswith("html_"):
        return token.copy(content=_moved_html(token.content, down))
    if any(_levels(child) for child in token.children or ()):
        return token.copy(children=[_moved(child, down) for child in token.children or ()])
    return token


def _moved_html(html: str, down: int) -> str:
    parts, last = [], 0
    for tag in raw_tags(html):
        if HEADING.fullmatch(tag.name):
            at = tag.start + 1 + tag.closing
            parts += [html[last:at], _lower(tag.name, down)]
            last = at + 2
    return "".join([*parts, html[last:]])


def _lower(tag: str, down: int) -> str:
    return f"h{min(6, int(tag[1]) + down)}"
