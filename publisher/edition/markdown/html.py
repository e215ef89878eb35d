"""Render Markdown tokens as HTML that is safe in pages and mail: sanitised, with absolute URLs and image sizes.

nh3 sanitises everything: the author's raw HTML as well as the HTML that the parser generated.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from html import escape, unescape
from itertools import accumulate
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from publisher.checks.html import ACTIVE, ATTRIBUTES, TAGS
from publisher.edition.markdown.blocks import directed
from publisher.issue.links import SCHEMES, absolute, scheme
from publisher.issue.markdown import new_parser
from publisher.issue.markdown.boxes import BOXES, heading_of
from publisher.issue.markdown.cjk import joins
from publisher.issue.markdown.tags import DIVISIONS, shallow

_GENERATED_ATTRIBUTES: dict[str, set[str]] = {
    "li": {"id"}, "a": {"id", "role", "aria-label"}, "th": {"style"}, "td": {"style"}, "code": {"class"},
    "section": {"role", "aria-label"},
}  # fmt: skip
_GENERATED_CLASSES = {
    "sup": {"footnote-ref"}, "section": {"footnotes", "callout", "sponsor"}, "blockquote": {"pullquote"},
    "p": {"label"}, "ol": {"footnotes-list"}, "li": {"footnote-item"}, "a": {"footnote-backref", "button"},
}  # fmt: skip
_NOTE_ID = re.compile(r"fn(ref)?-\S+-\d+(:\d+)?")
_DIVISION = re.compile(rf"(</?)(?:{'|'.join(sorted(DIVISIONS))})(?=[\s/>])", re.IGNORECASE)
_CELLS_TOUCH = re.compile(r"(</t[dhr]>)(?=<)", re.IGNORECASE)
"""Where cells touch, whose words would join if they stand outside of a table."""
_LANGUAGE_CLASS = re.compile(r"language-[\w+#.-]+")
_LINKING = re.compile(r"<(?:a|img)\s", re.IGNORECASE)
_DEEP = 100  # levels of elements; deeper HTML, which crashes later parsers, is reduced to its text
_OPEN_OR_CLOSE = re.compile(r"<(/?)([a-z][a-z0-9]*)")
_VOID = frozenset({"br", "col", "hr", "img", "wbr"})
_IMAGE = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_LINK = re.compile(r'<a((?: [a-z-]+="[^"]*")*)>')
_REL = re.compile(r' rel="[^"]*"')
_CLASSLESS = re.compile(r'(<[a-z][a-z0-9]*(?: [a-z-]+="[^"]*")*?) class=""')
_SECTION = re.compile(r"(?=</?section[ >])")
_BREAK_IN_TEXT = re.compile(r"(?<=([^\s<>\n]))\n(?=([^\s<>\n]))")


@cache
def _markdown() -> MarkdownIt:
    """The MarkdownIt instance that renders tokens, with our rules."""
    md = new_parser().use(notes_plugin)
    md.add_render_rule("image", _picture)
    for name in BOXES:
        md.add_render_rule(f"container_{name}_open", _box_open)
        end = "</blockquote>\n" if name == "pullquote" else "</section>\n"
        md.add_render_rule(f"container_{name}_close", lambda *_, end=end: end)
    return md


def _picture(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """markdown-it's rule for images, without changing the token."""
    words = renderer.renderInlineAsText(tokens[index].children, options, env)
    shown = tokens[index].copy(attrs=tokens[index].attrs | {"alt": words})
    return str(renderer.renderToken([shown], 0, options, env))


def _box_open(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    name = tokens[index].info.split()[0]
    title = heading_of(tokens[index].info, env["labels"]["sponsored"])
    tag = "blockquote" if name == "pullquote" else "section"
    return f'<{tag} class="{name}">\n' + (f'<p class="label">{escape(title)}</p>\n' if title else "")


class Html(Markup):
    """Finished, safe HTML of the content. It does not pass through the MJML compiler, which would damage it."""


@dataclass(frozen=True, slots=True)
class Sized:
    """Image as shown: absolute URL, size in CSS pixels if known; ``clear`` if it has transparent parts."""

    url: str
    width: int | None
    height: int | None
    clear: bool = False


class HtmlWriter:
    """Writer of the HTML of one issue's texts. ``page`` is the URL of its archive page; ``image`` finds an image;
    ``direction`` is the issue's.

    ``lost``: whether the last text had a link or picture nested so deep that only its words are shown.
    """

    lost = False

    def __init__(self, page: str, image: Callable[[str], Sized | None], labels: dict[str, str], direction: str) -> None:
        self._page = page
        self._direction = direction
        self._image = image
        self._labels = labels
        attributes: dict[str, set[str]] = {tag: set(names) for tag, names in ATTRIBUTES.items()}
        for tag, names in _GENERATED_ATTRIBUTES.items():
            attributes[tag] = attributes.get(tag, set()) | names
        self._cleaner = nh3.Cleaner(
            tags=set(TAGS),
            clean_content_tags=set(ACTIVE) - TAGS,
            attributes=attributes,
            attribute_filter=partial(_kept, page, labels),  # no bound method: nh3 would leak the cycle
            allowed_classes=_GENERATED_CLASSES,
            url_schemes=set(SCHEMES),
            link_rel=None,
            strip_comments=True,
        )

    def write(self, tokens: Sequence[Token], name: str) -> Html:
        """Return the HTML of block or inline tokens. ``name`` of the text is used in the ids of its footnotes."""
        markdown = _markdown()
        env = {"docId": name, "labels": self._labels}
        html = markdown.renderer.render(tokens, markdown.options, env)
        if any("<" in token.content for token in tokens):  # raw HTML, of which the parser makes neither
            html = _CELLS_TOUCH.sub(r"\1\n", _DIVISION.sub(r"\1div", html))
        flat = shallow(html, _DEEP * 2) if html.count("<") > _DEEP * 2 else html
        clean = self._cleaner.clean(flat)
        clean = _CLASSLESS.sub(r"\1", clean) if ' class=""' in clean else clean
        deep = clean.count("<") > _DEEP * 2 and _depth(clean) > _DEEP
        self.lost = (deep or flat != html) and _LINKING.search(html) is not None
        if deep:
            clean = f"<p>{escape(' '.join(visible_text(clean).split()))}</p>"
        return Html(_in_boxes(directed(with_images(clean, self._size).strip(), self._direction)))

    def _size(self, attributes: dict[str, str]) -> dict[str, str]:
        placed = self._image(attributes.get("src", ""))
        if placed is None:
            attributes["src"] = absolute(self._page, attributes.get("src", "")) or ""
        else:
            attributes["src"] = placed.url
            if "width" not in attributes and placed.width is not None:
                attributes |= {"width": str(placed.width), "height": str(placed.height)}
            if placed.clear:
                attributes["class"] = "clear"
        attributes.setdefault("alt", "")
        return attributes


def _kept(page: str, labels: dict[str, str], tag: str, attribute: str, value: str) -> str | None:
    """Return the sanitised value of an attribute, or None to remove it."""
    if attribute == "href" and tag == "a" and not value.startswith("#"):
        return absolute(page, value)
    if attribute == "cite":  # nh3 looks at href and src only
        return value if scheme(value) in {"", *SCHEMES} else None
    if attribute == "rel":  # keep the kind of link, for crawlers; browser behaviour is not the author's to set
        return " ".join(word for word in value.lower().split() if word in {"sponsored", "nofollow", "ugc"}) or None
    if attribute == "id":
        return value if _NOTE_ID.fullmatch(value) else None
    if attribute == "style":
        return value if value in {"text-align:left", "text-align:center", "text-align:right"} else None
    if attribute == "class" and tag == "code":
        return value if _LANGUAGE_CLASS.fullmatch(value) else None
    if attribute == "role":
        return value if value in {"doc-noteref", "doc-backlink", "group"} else None
    if attribute == "aria-label":
        return value if value in labels.values() else None
    return value


def with_images(html: str, change: Callable[[dict[str, str]], dict[str, str]]) -> str:
    """Replace the attributes of each image in sanitised HTML by the result of ``change``."""

    def changed(match: re.Match[str]) -> str:
        attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(match.group(1))}
        return "<img" + "".join(f' {name}="{escape(value)}"' for name, value in change(attributes).items()) + ">"

    return _IMAGE.sub(changed, html)


def sponsored(html: Html) -> Html:
    """Add ``rel="sponsored"`` to the links of sanitised HTML."""

    def told(link: re.Match[str]) -> str:
        return f'<a{_REL.sub("", link[1])} rel="sponsored">' if ' href="http' in link[1] else link[0]

    return Html(_LINK.sub(told, html))


def _in_boxes(html: str) -> str:
    """Mark the links in sponsors' boxes, which may contain other sections, of sanitised HTML."""
    if "<section" not in html:
        return html
    parts, depth = _SECTION.split(html), 0
    for index, part in enumerate(parts):
        if depth or part.startswith('<section class="sponsor"'):
            depth += -1 if part.startswith("</") else 1
            parts[index] = sponsored(Html(part)) if depth else part
    return "".join(parts)


def _depth(html: str) -> int:
    """The depth of nesting of sanitised, hence balanced, HTML."""
    steps = (-1 if closing else 1 for closing, tag in _OPEN_OR_CLOSE.findall(html) if tag not in _VOID)
    return max(accumulate(steps, initial=0))


def join_lines_of_html(html: str) -> str:
    """Remove line breaks between two characters that join, such as Han, from raw HTML without ``<pre>``."""
    if "<pre" in html.lower():
        return html
    return _BREAK_IN_TEXT.sub(lambda match: "" if joins(match.group(1), match.group(2)) else "\n", html)


_NOTE_REF = re.compile(r'<sup class="footnote-ref">.*?</sup>|<a [^>]*class="footnote-backref"[^>]*>.*?</a>', re.DOTALL)
_BLOCK_TAG = re.compile(
    r"</?(?:address|blockquote|br|caption|dd|details|div|dl|dt|figcaption|figure|h[1-6]|hr|li|ol|p|pre|section|summary"
    r'|table|tbody|td|tfoot|th|thead|tr|ul)(?:\s[a-z-]+="[^"]*")*>'
)
_ANY_TAG = re.compile(r'</?[a-z][a-z0-9]*(?:\s[a-z-]+="[^"]*")*\s*/?>')


def visible_text(html: str) -> str:
    """Return the text of sanitised HTML, blocks separated by white space, without footnote marks."""
    html = _NOTE_REF.sub("", html) if "footnote-" in html else html
    return unescape(_ANY_TAG.sub("", _BLOCK_TAG.sub("\n", html)))


def notes_plugin(md: MarkdownIt) -> None:
    """Replace the render rules of the footnote plugin: notes and back links get roles and labels.

    Ids are ``fn-<text>-<n>``; ``env["docId"]`` names the text, so that ids are unique among the texts of an issue.
    """
    md.add_render_rule("footnote_ref", _reference)
    md.add_render_rule("footnote_block_open", _block_open)
    md.add_render_rule("footnote_block_close", lambda *_: "</ol>\n</section>\n")
    md.add_render_rule("footnote_open", _note_open)
    md.add_render_rule("footnote_anchor", _back)


def _name(token: Token, env: Any) -> str:
    return f"{env.get('docId', 'note')}-{token.meta['id'] + 1}"


def _again(token: Token) -> str:
    count: int = token.meta.get("subId", 0)
    return f":{count}" if count > 0 else ""


def _reference(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    """Return the mark of a note; U+FEFF keeps it on the line of the word before it."""
    token = tokens[index]
    name = escape(_name(token, env))
    return (
        f'<sup class="footnote-ref">\ufeff<a href="#fn-{name}" id="fnref-{name}{_again(token)}" role="doc-noteref">'
        f"[{token.meta['id'] + 1}]</a></sup>"
    )


def _block_open(_self: Any, _tokens: Sequence[Token], _index: int, _options: Any, env: Any) -> str:
    label = escape(env["labels"]["footnotes"])
    return f'<section class="footnotes" role="group" aria-label="{label}">\n<ol class="footnotes-list">\n'


def _note_open(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    return f'<li id="fn-{escape(_name(tokens[index], env))}" class="footnote-item">'


def _back(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    target = escape(_name(token, env)) + _again(token)
    label = escape(env["labels"]["back_to_text"])
    return f' <a href="#fnref-{target}" class="footnote-backref" role="doc-backlink" aria-label="{label}">↩\ufe0e</a>'
