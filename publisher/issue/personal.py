"""Placeholders such as ``{{ subscriber.city }}``: where they are filled in, and where they stay literal."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import quote

from markdown_it.token import Token

from publisher.config.audience import AttributeConfig
from publisher.issue.markdown.tags import raw_tags

PLACEHOLDER = re.compile(r"(?<![\\{])\{\{[ \t]*subscriber\.([^\W\d][\w-]*)[ \t]*\}\}(?!\})")
r"""Placeholder of an attribute, with its name; ``\{{`` is an escape."""

Place = Literal["code", "alt"]
"""Where placeholders stay literal: in code and comments, or in the description of a picture, link or other element."""
_CODE = re.compile(r"<!--.*?(?:-->|\Z)|<(code|kbd|pre|samp)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_ADDRESS = re.compile(r"""(\shref\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+))""", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(?:\{|%7B){2}(?:%20|[ \t])*subscriber\.([\w-]+)(?:%20|[ \t])*(?:\}|%7D){2}", re.IGNORECASE)
Written = Callable[[str, Place], str]


def with_defaults(text: str, attributes: Mapping[str, AttributeConfig]) -> str:
    """Fill in the defaults of attributes, for readers without values."""
    return PLACEHOLDER.sub(lambda found: default_of(found, attributes) or found[0], text)


def address_with_defaults(url: str, attributes: Mapping[str, AttributeConfig]) -> str:
    """Fill in the defaults of attributes in a link's URL, whose braces may be percent-encoded."""
    return _IN_ADDRESS.sub(lambda found: quote(default_of(found, attributes) or "", safe="") or found[0], url)


def default_of(found: re.Match[str], attributes: Mapping[str, AttributeConfig]) -> str | None:
    """The default of a placeholder's attribute; None if it has no default or is not declared."""
    known = attributes.get(found[1])
    return known.default if known else None


def settled(tokens: Sequence[Token], written: Written) -> list[Token]:
    """Return Markdown tokens with ``written`` applied to each text in which placeholders stay literal."""
    out, code = list[Token](), 0
    for token in tokens:
        code += opens_code(token)
        out.append(token.copy(content=written(token.content, "code")) if code > 0 else _settled(token, written))
    return out


def _settled(token: Token, written: Written) -> Token:
    if token.type in {"code_inline", "fence", "code_block"}:
        return token.copy(content=written(token.content, "code"), info=written(token.info, "code"))
    if token.type in {"html_inline", "html_block"}:
        return token.copy(content=_html(token.content, written))
    attrs = {key: value if key == "href" else written(str(value), "alt") for key, value in token.attrs.items()}
    if token.type == "image":
        words = [child.copy(content=written(child.content, "alt")) for child in token.children or ()]
        return token.copy(attrs=attrs, content=written(token.content, "alt"), children=words)
    return token.copy(attrs=attrs, children=token.children and settled(token.children, written))


def opens_code(token: Token) -> int:
    """1 for a start tag such as ``<code>`` in raw HTML, -1 for its end tag, otherwise 0."""
    if token.type != "html_inline":
        return 0
    return sum(-1 if tag.closing else 1 for tag in raw_tags(token.content) if tag.name in {"code", "kbd", "samp"})


def _html(html: str, written: Written) -> str:
    """Raw HTML: placeholders work in text and link URLs, but not elsewhere in tags, in comments or in code."""
    html = _CODE.sub(lambda code: written(code[0], "code"), html)
    parts, last = [], 0
    for tag in raw_tags(html):
        parts.append(html[last : tag.start])
        pieces = _ADDRESS.split(html[tag.start : tag.end])
        parts += (piece if n % 2 else written(piece, "alt") for n, piece in enumerate(pieces))
        last = tag.end
    return "".join([*parts, html[last:]])
