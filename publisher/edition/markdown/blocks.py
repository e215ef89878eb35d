"""Adjust rendered HTML blocks: text direction, tables as boxes for mail, and tables on phones."""

import re
from collections.abc import Callable
from html import unescape
from itertools import zip_longest

from publisher.diagnostics.width import display_width
from publisher.edition.slots import MARKER
from publisher.language.locale import runs_late, turned
from publisher.regex import regex

_ATTRIBUTES = r'(?:\s[a-z-]+="[^"]*")*'
_ANY_TAG = regex(rf"</?[a-z][a-z0-9]*{_ATTRIBUTES}\s*/?>")
_BLOCK = regex(rf"<(p|li|ul|ol|h[1-6]|blockquote|td|th|dt|dd|caption|figcaption|summary|pre|code|a)\b({_ATTRIBUTES})>")
_ALL = regex(".*", re.DOTALL)
_FIXED = {"code": _ALL, "pre": _ALL, "a": re.compile(r"(?<![!-~])[!-~]*[/@.][!-~]*")}
_BOX = regex(r'<section class="(callout|sponsor)">((?:(?!</?section).)*)</section>', re.DOTALL)
_BUTTON = regex(r'<p(?: dir="[a-z]+")?>(<a [^>]*class="button"[^>]*>(?:(?!</?a\b).)*</a>)</p>', re.DOTALL)
_LAYOUT = '<table role="presentation" cellpadding="0" cellspacing="0" border="0"'
_QUOTE = regex(r'<blockquote((?: dir="[a-z]+")?)( class="pullquote")?')
_CODE = regex(r'<pre((?: dir="[a-z]+")?)')
_NOTES = regex(r'<section class="footnotes"(.*?>)(.*?)</section>', re.DOTALL)
_FIGURES = regex(r"[\W\d_]*[0-9][\W\d_]*")
_TABLE = regex(r"<table>(?:(?!<table).)*?</table>", re.DOTALL)
_ROW = regex("<thead>(.*?)</thead>", re.DOTALL)
_TURNED = regex(r'<td((?:\s(?!dir=)[a-z-]+="[^"]*")*)( dir="[a-z]+")([^>]*)>((?:(?!</?td\b).)*)</td>', re.DOTALL)
_CELL = regex(rf"<td({_ATTRIBUTES})>")
_HEAD = regex(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_TEXT = regex(r"<t[dh]\b[^>]*>(.*?)</t[dh]>", re.DOTALL)
_LETTERS = "!-;=?-~\u00a1-\u1fff"  # without < and >, and without Han and kana, which break anywhere
_LONG = regex(rf"{_ANY_TAG.pattern}|[{_LETTERS}]{{25,}}")
_UNBROKEN = regex(rf"[{_LETTERS}]{{60}}(?![^<>]*>)")
_LINES = regex(rf"{_TABLE.pattern}|{_ANY_TAG.pattern}|[{_LETTERS}]{{60,}}", re.DOTALL)
_WORD = regex(f"[{_LETTERS}]+")
_LINE, _GAP = 66, 1.3
"""Width of a table in mail, and of the gap between two columns, in letters of 15 pixels."""


def directed(html: str, direction: str) -> str:
    """Add ``dir`` to each block of sanitised HTML whose first letter runs against ``direction``. In a right-to-left
    text, code, addresses and cells of figures become ``ltr`` too: ``12 – 15`` would be reversed.
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


def labelled(html: str, cell: Callable[[str, str], str], opening: Callable[[str], str] = lambda _: "<table>") -> str:
    """Begin each cell of a table with ``cell(head, attributes)``, so that phones can show a row as a card. Tables of
    one or two columns, which phones have room for, with spanning cells or without a head are left as they are.
    """

    def table(found: re.Match[str]) -> str:
        heads = [_ANY_TAG.sub("", head).strip() for head in _HEAD.findall("".join(_ROW.findall(found[0])))]
        if "span=" in found[0] or len(heads) < 3:
            return found[0]

        def begun(row: str) -> str:
            named = iter(heads)
            return _CELL.sub(lambda tag: cell(next(named), tag[1]), row) if row.count("<td") == len(heads) else row

        return opening(found[0]) + "<tr>".join(map(begun, found[0].removeprefix("<table>").split("<tr>")))

    if "<table" in html:  # only words of 25 or more letters, such as addresses, may be broken
        html = _TABLE.sub(lambda found: _LONG.sub(_folded, found[0]), html)
    return _TABLE.sub(table, html) if "<thead" in html else html


def in_tables(html: str) -> str:
    """Prepare sanitised HTML for mail: wrap elements with a border or background in tables, because Outlook shows these
    on cells only, and repeat the column head in each cell of tables of three or more columns, for phones only.
    """
    html = folded(html)
    if "<table" in html:
        html = _TURNED.sub(r"<td\1\3><span\2>\4</span></td>", html)  # else its column head were on the other side
        html = labelled(
            html,
            lambda head, rest: f'<td{rest}><b class="head" style="display:none;mso-hide:all">{head}</b> ',
            lambda table: '<table class="wide cards">' if is_wide(table) else '<table class="cards">',
        )
    wide = f'{_LAYOUT} width="100%" class='
    if 'class="' in html:
        html = _BOX.sub(rf'{wide}"box"><tr><td class="boxed \1">\2</td></tr></table>', html)
        html = _NOTES.sub(rf'<section\1{wide}"notes"><tr><td class="footnotes">\2</td></tr></table></section>', html)
    if 'class="button"' in html:
        html = _BUTTON.sub(rf'{_LAYOUT} class="press"><tr><td class="pressed">\1</td></tr></table>', html)
    if "<blockquote" in html:
        html = _QUOTE.sub(lambda tag: _quoted(wide, *tag.groups()), html)
        html = html.replace("</blockquote>", "</blockquote></td></tr></table>")
    if "<pre" in html:
        html = _CODE.sub(rf'{wide}"box"><tr><td class="coded"\1><pre\1', html)
        html = html.replace("</pre>", "</pre></td></tr></table>")
    return html


def folded(html: str) -> str:
    """Let words of 60 or more letters, such as addresses, break anywhere: Outlook would widen the mail for them."""
    return _LINES.sub(_folded, html) if _UNBROKEN.search(html) else html


def _folded(one: re.Match[str]) -> str:
    return one[0] if one[0][0] == "<" or MARKER.search(one[0]) else f'<span class="long">{one[0]}</span>'


def is_wide(table: str) -> bool:
    """Whether the longest words of all columns do not fit side by side in a line of mail."""
    rows = [[unescape(_ANY_TAG.sub(" ", cell)) for cell in _TEXT.findall(row)] for row in table.split("<tr>")]
    return sum(max(map(_needed, column)) + _GAP for column in zip_longest(*rows, fillvalue="")) > _LINE


def _needed(cell: str) -> int:
    words = (len(part) for word in _WORD.findall(cell) if len(word) < 25 for part in word.split("-"))
    return max(min(display_width(cell.strip()), 6), *words, 0)


def _quoted(wide: str, way: str, pulled: str | None) -> str:
    table, cell = ("pulled", "quoted pullquote") if pulled else ("box", "quoted")
    return f'{wide}"{table}"{way}><tr><td class="{cell}"{way}><blockquote'
