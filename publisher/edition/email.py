"""The email's HTML: the theme's MJML, compiled, its CSS inlined.

The content's HTML never passes through the MJML compiler, which prints attributes wrong and crashes on deep nesting:
it stands in the MJML as a marker and takes its place after compilation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import css_inline
from markupsafe import Markup
from mjml import mjml2html

from publisher.config import Config
from publisher.edition.language import Words
from publisher.edition.model import Slotted
from publisher.edition.slots import Slots
from publisher.edition.theme import Theme, ThemeError
from publisher.edition.view import View

TEMPLATE = "email/issue.mjml.j2"
INLINE_CSS = "email/inline.css.j2"
_OFFSET = re.compile(r"\b(\d+)(?:\.\.\d+)?")
_BETWEEN = re.compile(r">\s+<(?=/?mj)")
_MJ_TAG = re.compile(r"<(mj-?[a-z-]+)")


class Kept:
    """Pieces of finished HTML kept aside under markers while the MJML compiler runs."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._pieces: list[str] = []
        self._pattern = re.compile(mark + r"([0-9]+)z")

    def __call__(self, html: Markup) -> Markup:
        """A marker that stands for ``html``."""
        self._pieces.append(str(html))
        return Markup(f"{self._mark}{len(self._pieces) - 1}z")  # noqa: S704

    def restore(self, text: str) -> str:
        """The text with every piece back in its place."""
        return self._pattern.sub(lambda match: self._pieces[int(match.group(1))], text)


def write_html(view: View, words: Words, theme: Theme, slots: Slots, config: Config) -> Slotted:
    """The HTML of the email. Raises :class:`publisher.edition.theme.ThemeError`."""
    kept = Kept(slots.mark + "html")
    context: dict[str, Any] = {
        "issue": view.keeping(kept),
        "words": words,
        "slots": slots.names,
        "newsletter": config.newsletter,
        "fonts": {
            "body": Markup(words.body_font),  # noqa: S704
            "display": Markup(words.display_font),  # noqa: S704
            "outlook": Markup(words.outlook_font),  # noqa: S704
            "line_height": words.line_height,
        },
    }
    mjml = theme.render(TEMPLATE, **context)
    html = kept.restore(_compile(mjml, theme))
    css = theme.render(INLINE_CSS, **context)
    return slots.cut(_inliner(css).inline(html))


def _compile(mjml: str, theme: Theme) -> str:
    # Beyond ASCII the compiler prints some attributes as Rust escapes; numeric entities pass unharmed everywhere.
    # It also refuses white space between the children of a head that holds mj-raw.
    source = _BETWEEN.sub("><", mjml.strip()).encode("ascii", "xmlcharrefreplace").decode()
    try:
        return mjml2html(source, fonts={})
    except ValueError as error:
        raise ThemeError(_fault(str(error), source, theme)) from error


def _fault(message: str, source: str, theme: Theme) -> Any:
    """Where in the theme an MJML error comes from: the template that writes the tag at the compiler's byte offset."""
    offset = _OFFSET.search(message)
    before = source[: int(offset.group(1)) + 40] if offset else ""
    tags = _MJ_TAG.findall(before)
    text = f"the MJML compiler refuses it: {message}"
    for tag in reversed(tags[-2:]):
        for name in sorted(theme.environment.list_templates(filter_func=lambda name: name.startswith("email/"))):
            for number, line in enumerate(theme.read(name).splitlines(), 1):
                if re.search(rf"<{tag}\b", line):
                    return theme.fault(name, number, text, f"correct <{tag}>")
    return theme.fault(TEMPLATE, 1, text, "correct the MJML")


@lru_cache(maxsize=32)
def _inliner(css: str) -> css_inline.CSSInliner:
    return css_inline.CSSInliner(
        inline_style_tags=False, keep_style_tags=True, load_remote_stylesheets=False, extra_css=css
    )
