"""Finished blocks of HTML, fitted to their place: the direction of each, boxes of mail, tables on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from publisher.language.locale import runs_late, turned

_ATTRIBUTES = r'(?:\s[a-z-]+="[^"]*")*'
_ANY_TAG = re.compile(rf"</?[a-z][a-z0-9]*{_ATTRIBUTES}\s*/?>")
_BLOCK = re.compile(
    rf"<(p|li|ul|ol|h[1-6]|blockquote|td|th|dt|dd|caption|figcaption|summary|pre|code|a)\b({_ATTRIBUTES})>"
)
_FIXED = {
    "code": re.compile(".*", re.DOTALL),
    "pre": re.compile(".*", re.DOTALL),
    "a": re.compile(r"[!-~]*[/@.][!-~]*"),
}
_BOX = re.compile(r'<section class="(callout|sponsor)">((?:(?!</?section).)*)</section>', re.DOTALL)
_BUTTON = re.compile(r'<p(?: dir="[a-z]+")?>(<a [^>]*class="button"[^>]*>(?:(?!</?a\b).)*</a>)</p>', re.DOTALL)
_LAYOUT = '<table role="presentation" cellpadding="0" cellspacing="0" border="0"'
_QUOTE = re.compile(r'<blockquote((?: dir="[a-z]+")?)( class="pullquote")?')
_CODE = re.compile(r'<pre((?: dir="[a-z]+")?)')
_NOTES = re.compile(r'<section class="footnotes"(.*?>)(.*?)</section>', re.DOTALL)
_FIGURES = re.compile(r"[\W\d_]*[0-9][\W\d_]*")
_TABLE = re.compile(r"<table>(?:(?!<table).)*?</table>", re.DOTALL)
_ROW = re.compile("<thead>(.*?)</thead>", re.DOTALL)
_CELL = re.compile(rf"<td({_ATTRIBUTES})>")
_HEAD = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)


def directed(html: str, direction: str) -> str:
    """Sanitised HTML in which a block whose first letter does not go in ``direction`` says how it runs. From right to
    left so do code, and cells of figures: ``12 – 15`` would turn.
    """
    if direction == "ltr" and not runs_late(html):
        return html

    def told(tag: re.Match[str]) -> str:
        name, attributes = tag.groups()
        if " dir=" in attributes:
            return tag[0]
        text = unescape(_ANY_TAG.sub("", html[tag.end() : html.find(f"</{name}>", tag.end())]))
        if fixed := _FIXED.get(name):
            way = "ltr" if direction == "rtl" and fixed.fullmatch(text) else None
        else:
            figures = direction == "rtl" and name in {"td", "th"} and _FIGURES.fullmatch(text)
            way = "ltr" if figures else turned(text, direction)
        return f'<{name} dir="{way}"{attributes}>' if way else tag[0]

    return _BLOCK.sub(told, html)


def labelled(html: str, cell: Callable[[str, str], str], least: int = 1, opening: str = "<table>") -> str:
    """Sanitised HTML, in which ``cell(head, attributes)`` begins each cell of a table of ``least`` columns or more that
    all have a head: on a phone a row is a card.
    """

    def table(found: re.Match[str]) -> str:
        heads = [_ANY_TAG.sub("", head).strip() for head in _HEAD.findall("".join(_ROW.findall(found[0])))]
        if "span=" in found[0] or len(heads) < least:
            return found[0]

        def begun(row: str) -> str:
            named = iter(heads)
            return _CELL.sub(lambda tag: cell(next(named), tag[1]), row) if row.count("<td") == len(heads) else row

        return opening + "<tr>".join(map(begun, found[0].removeprefix("<table>").split("<tr>")))

    return _TABLE.sub(table, html) if "<thead" in html else html


def in_tables(html: str) -> str:
    """Sanitised HTML for mail: what has edges or a ground is in tables, whose cells alone show them in Outlook; before
    each cell of a wide table its column's head, which phones alone show.
    """
    html = labelled(
        html,
        lambda head, rest: f'<td{rest}><b class="head" style="display:none;mso-hide:all">{head}</b>',
        3,
        '<table class="cards">',
    )
    wide = f'{_LAYOUT} width="100%" class='
    if 'class="' in html:
        html = _BOX.sub(rf'{wide}"box"><tr><td class="boxed \1">\2</td></tr></table>', html)
        html = _NOTES.sub(rf'<section\1{wide}"notes"><tr><td class="footnotes">\2</td></tr></table></section>', html)
        html = _BUTTON.sub(rf'{_LAYOUT} class="press"><tr><td class="pressed">\1</td></tr></table>', html)
    if "<blockquote" in html:
        html = _QUOTE.sub(lambda tag: _quoted(wide, *tag.groups()), html)
        html = html.replace("</blockquote>", "</blockquote></td></tr></table>")
    if "<pre" in html:
        html = _CODE.sub(rf'{wide}"box"><tr><td class="coded"\1><pre\1', html)
        html = html.replace("</pre>", "</pre></td></tr></table>")
    return html


def _quoted(wide: str, way: str, pulled: str | None) -> str:
    table, cell = ("pulled", "quoted pullquote") if pulled else ("box", "quoted")
    return f'{wide}"{table}"{way}><tr><td class="{cell}"{way}><blockquote'
