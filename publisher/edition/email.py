"""The two parts of the email: HTML, from the theme's MJML with its CSS inlined; plain text, from ``.txt.j2`` templates.

The content's HTML does not pass through the MJML compiler, which misprints attributes and crashes on deep nesting:
a marker takes its place until the MJML is compiled.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import css_inline
from markupsafe import Markup
from mjml import mjml2html

from publisher.config import Config
from publisher.diagnostics import Sentence, say
from publisher.edition.brand import Brand, font_stacks
from publisher.edition.footer import footer
from publisher.edition.markdown import Html, in_tables
from publisher.edition.markdown.blocks import folded
from publisher.edition.model import Slotted, ThemeError
from publisher.edition.slots import Slots, between
from publisher.edition.theme import Theme
from publisher.edition.view import View, used
from publisher.language import Locale

TEMPLATE = "email/issue.mjml.j2"
INLINE_CSS = "email/inline.css.j2"
_NAMES = (
    "head body attributes all class breakpoint font preview style title raw section column group wrapper hero text"
    " image button divider spacer table social social-element navbar navbar-link carousel carousel-image accordion"
    " accordion-element accordion-title accordion-text"
)
COMPONENTS = frozenset({"mjml", *(f"mj-{name}" for name in _NAMES.split())})
_OFFSET = re.compile(r"\s*(?:at )?position (\d+)(?:[:.]+\d+)?")
_BETWEEN = re.compile(r">\s+<(?=/?mj)")
_MJ_START = re.compile(r"</?mj(?=-|l\b)")
_MJ_TAG = re.compile(r"""<(/?)(mj(?:l\b|-[a-z-]+))((?:[^<>"]|"[^"]*")*?)(/?)>""")
_SHEET = re.compile(r'(<style type="text/css">)([^<]+)(?=</style>)')
# MJML's ``direction`` in wrappers scrambles Arabic and Hebrew; <html dir> is enough. A layout of one column needs no
# column style sheets or classes and no zero font size between columns, and a background need not be stated twice.
# Collapsed borders shift cells that have no border.
# Each alternative begins with a different letter, so that the regex engine skips other text quickly.
_SURPLUS = re.compile(
    r'direction:ltr;|font-size:0px;(?!mso)|class="mj-outlook-group-fix mj-column-per-100" '
    r"|b(?:ackground:#\w+;(?=background-)|order-collapse: collapse; (?<=table, td \{ border-collapse: collapse; ))"
    r"|<!\[endif\]-->\s*<!--\[if mso \| IE\]>|<!--\[if lte mso 11\]>.*?<!\[endif\]-->\s*"
    r'|<style (?:type="text/css">@media[^{]*\{\s*|media="[^"]*">\.moz-text-html )\.mj-column-per-100[^<]*</style>\s*',
    re.DOTALL,
)
_IMPLIED = re.compile(r'">\s*<tbody>')
"""``<tbody>`` tags, which parsers of HTML imply; the quotation mark before one ends an attribute."""
_HEADLINE = re.compile(r"""<h(?:1\b|\d class="headline").*?</h\d>""", re.DOTALL)
_BROKEN = '<span class="long">', '<span class="long" style="word-break:break-all">'
_SPACE_IN_CSS = re.compile(r";?\s*([{},;>!])\s*|(?<=[a-z]): +(?![^{}();]*\))|^\s+|\s+$")
_NUMBER = re.compile("([0-9]+)z")
_ATTRIBUTES = re.compile(r"""(?:\s+[\w:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*""")


class HtmlPlaceholders:
    """Finished HTML, replaced by markers while the MJML compiler runs."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._pieces: list[str] = []

    def __call__(self, html: Markup) -> Markup:
        """Store ``html`` and return its marker."""
        self._pieces.append(str(html))
        return Markup(f"{self._mark}{len(self._pieces) - 1}z")  # noqa: S704

    def restore(self, text: str) -> str:
        """Return the text with each marker replaced by its HTML."""
        pieces = enumerate(between(text, self._mark, _NUMBER))
        return "".join(self._pieces[int(piece)] if n % 2 else piece for n, piece in pieces)


def write_html(view: View, words: Locale, theme: Theme, slots: Slots, config: Config) -> Slotted:
    """Write the HTML of the email. Raises :class:`publisher.edition.theme.ThemeError`."""
    kept = HtmlPlaceholders(slots.mark + "html")
    return slots.cut(mail_html(theme, TEMPLATE, context(view, words, slots, config, kept), kept), markup=True)


def mail_html(theme: Theme, template: str, names: dict[str, Any], kept: HtmlPlaceholders) -> str:
    """Render an MJML template with the variables ``names`` into HTML with inlined CSS. Raises ThemeError."""
    names = {**names, "footer": kept(names["footer"])}
    try:
        html = kept.restore(_compile(theme.render(template, **names)))
    except _MjmlError as refused:
        name, line = theme.places(template, _MJ_START, **names)[refused.tag]
        raise ThemeError(theme.fault(name, line, refused.message, say("correct this tag"))) from refused
    html = _SHEET.sub(lambda sheet: sheet[1] + _compact(sheet[2]), html)
    inlined = _inliner(theme.render(INLINE_CSS, **names) + theme.brand.css).inline(html)
    # Not before: the compiler writes Chinese as numbers of many digits.
    return _HEADLINE.sub(lambda one: folded(one[0]).replace(*_BROKEN), _IMPLIED.sub('">', inlined))


def context(
    view: View, words: Locale, slots: Slots, config: Config, keep: Callable[[Markup], Markup] = lambda html: html
) -> dict[str, Any]:
    """The variables of the email's templates; ``keep`` replaces the content's HTML, for instance by a placeholder."""
    every = looks(words, config)
    ours = {"slots": slots.names, "subscriber": slots.subscriber}
    return {**every, **ours, "issue": view.keeping(keep), "uses": view.uses | every["uses"]}


def looks(words: Locale, config: Config) -> dict[str, Any]:
    """The variables that the templates of every mail have."""
    title, body = font_stacks(Brand.of(config).fonts, words)
    stacks = {"body": body, "display": title}
    stacks |= {"outlook": _word_font(body), "outlook_title": _word_font(title)}
    fonts = {name: Markup(stack) for name, stack in stacks.items()}  # noqa: S704 -- our own font stacks
    own = footer(config, words)
    return {
        "words": words,
        "newsletter": config.newsletter,
        "fonts": {**fonts, "line_height": words.line_height},
        "footer": Html(in_tables(str(own.html))) if own else Markup(),
        "uses": used(own.html if own else ""),
    }


_WINDOWS = {
    "arial", "batang", "book antiqua", "calibri", "cambria", "candara", "century gothic", "consolas", "constantia",
    "corbel", "courier new", "dengxian", "fangsong", "garamond", "georgia", "kaiti", "malgun gothic", "meiryo",
    "microsoft jhenghei", "microsoft yahei", "palatino linotype", "pmingliu", "segoe ui", "simhei", "simsun", "tahoma",
    "times new roman", "trebuchet ms", "verdana", "yu mincho",
}  # fmt: skip
"""Fonts for text that Windows or Office brings, in lower case."""


def _word_font(stack: str) -> str:
    """The fonts for Outlook, whose Word engine uses only the first name: the first of ``stack`` that Windows has."""
    names = (name.strip(" '\"") for name in stack.split(","))
    font = next((name for name in names if name.lower() in _WINDOWS), "Segoe UI")
    kind = {"Georgia": "serif", "Consolas": "monospace"}.get(font, "Arial,sans-serif")
    return f"'{font}',{kind}" if " " in font else f"{font},{kind}"


class _MjmlError(Exception):
    """MJML that cannot be compiled; ``tag`` is the index, from 0, of the ``<mj`` tag at fault."""

    def __init__(self, message: Sentence, tag: int) -> None:
        super().__init__(message)
        self.message, self.tag = message, tag


def _compile(mjml: str) -> str:
    # The compiler prints non-ASCII characters in some attributes as Rust escapes; numeric entities are always kept.
    # It also refuses white space between the children of a head that contains mj-raw.
    source = _BETWEEN.sub("><", mjml.strip()).encode("ascii", "xmlcharrefreplace").decode()
    _balance(source)
    try:
        return _SURPLUS.sub("", mjml2html(source, fonts={}))
    except ValueError as error:
        offset = _OFFSET.search(str(error))
        before = len(_MJ_START.findall(source[: int(offset.group(1)) + 1])) if offset else 1
        message = _OFFSET.sub("", str(error)).strip()
        raise _MjmlError(say("the MJML compiler refuses it: {told}", told=message), max(0, before - 1)) from error


@lru_cache(maxsize=64)
def _compact(sheet: str) -> str:
    """Remove unneeded white space from a style sheet, which is part of every message and mostly the same in all."""
    return _SPACE_IN_CSS.sub(lambda space: space[1] or ":" * (":" in space[0]), sheet)


def _balance(source: str) -> None:
    """Raise _MjmlError for mistakes that the compiler ignores: a tag unknown to MJML, or one closed by another tag."""
    opened: list[tuple[str, int]] = []
    for number, start in enumerate(_MJ_START.finditer(source)):
        match = _MJ_TAG.match(source, start.start())
        if match is None:
            raise _MjmlError(say("the tag does not end"), number)
        closing, tag, attributes, alone = match.groups()
        if tag not in COMPONENTS:
            raise _MjmlError(say("MJML has no <{tag}>", tag=tag), number)
        if not _ATTRIBUTES.fullmatch(attributes):
            raise _MjmlError(say('an attribute of <{tag}> is not written name="value"', tag=tag), number)
        if closing:
            last, at = opened.pop() if opened else ("", number)
            if last != tag:
                lone = say("</{tag}> closes nothing", tag=tag)
                raise _MjmlError(say("<{last}> is never closed", last=last) if last else lone, at)
        elif not alone:
            opened.append((tag, number))
    if opened:
        raise _MjmlError(say("<{last}> is never closed", last=opened[-1][0]), opened[-1][1])


@lru_cache(maxsize=32)
def _inliner(css: str) -> css_inline.CSSInliner:
    return css_inline.CSSInliner(
        inline_style_tags=False, keep_style_tags=True, minify_css=True, load_remote_stylesheets=False, extra_css=css
    )


def story_texts(view: View, words: Locale, theme: Theme, slots: Slots) -> tuple[str, ...]:
    """The text of each story without its headline, for mail, feeds and change reports. Raises ThemeError."""
    names = {"words": words, "subscriber": slots.subscriber}
    return tuple(theme.text("edition/story.txt.j2", item=item, **names) for item in view.items)


def write_text(
    view: View, stories: tuple[str, ...], words: Locale, theme: Theme, slots: Slots, config: Config
) -> Slotted:
    """Write the text part of the email. Raises ThemeError."""
    own = footer(config, words)
    names = {"issue": view, "stories": stories, "words": words, "newsletter": config.newsletter}
    names |= {"slots": slots.names, "subscriber": slots.subscriber, "footer": own.text if own else ""}
    return slots.cut(theme.text("email/issue.txt.j2", **names) + "\n")
