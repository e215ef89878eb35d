"""Turn links into numbered notes with name and address at the end: WeChat opens only its own addresses.

The author's footnotes are numbered in the same sequence.
"""

import re
from collections.abc import Mapping
from html import escape, unescape

from selectolax.lexbor import LexborHTMLParser

from publisher.edition.markdown.html import visible_text
from publisher.issue.links import split

_LINK = re.compile(r'<a((?:\s+[\w-]+(?:="[^"]*")?)*)\s*>(.*?)</a>', re.DOTALL)
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_PARAGRAPH = re.compile(r"^\s*<p(?: [^>]*)?>|</p>\s*$")


def numbered(html: str, heading: str) -> str:
    """Number the links of an article, and list their targets under ``heading`` in its last section.

    Links to WeChat are kept; links within the article, where it has no anchors, become plain text. ``title``
    attributes, which WeChat never shows, are appended to their text or picture.
    """
    root = LexborHTMLParser(html)
    assert root.body is not None
    for node in root.css("[title]:not(a)"):
        node.insert_after(_titled("", node.attributes, node.attributes.get("alt") or node.text()))
    notes = {f"#{one.attributes['id']}": one.inner_html or "" for one in root.css("li.footnote-item")}
    for section in root.css("section.footnotes"):
        section.decompose()
    numbers: dict[str, int] = {}
    entries: list[str] = []

    def number(key: str, entry: str) -> str:
        if key not in numbers:
            entries.append(entry)
        return f"[{numbers.setdefault(key, len(entries))}]"

    def changed(link: re.Match[str]) -> str:
        given = {name: unescape(value) for name, value in _ATTRIBUTE.findall(link[1])}
        address, inside = given.get("href", ""), link[2]
        url, name = split(address), " ".join(visible_text(inside).split())
        told = escape(_titled("", given, name))
        if url is None:
            return inside + told
        if url.hostname == "mp.weixin.qq.com" and url.scheme in {"http", "https"}:
            return link[0] + told
        if given.get("class") == "footnote-backref":
            return ""
        if address in notes:
            return number(address, notes[address])
        if not url.scheme:
            return inside + told
        shown = address.partition(":")[2] if url.scheme in {"mailto", "tel"} else address
        kind = "button" if given.get("class") == "button" else "linked"
        words = f'<span class="{kind}">{inside}</span>'
        if name.rstrip("/") in {shown.rstrip("/"), shown.partition("://")[2].rstrip("/")}:
            return words
        named = _titled(name, given, name)
        return f"{words}<sup>{number(shown, escape(f'{named}: {shown}' if named else shown))}</sup>"

    html = _LINK.sub(changed, root.body.inner_html or "")
    if not entries:
        return html
    lines: list[str] = []
    for entry in entries:  # a note with links adds further entries
        lines.append(f"<p>[{len(lines) + 1}] {_PARAGRAPH.sub('', _LINK.sub(changed, entry))}</p>")
    before, end, after = html.rpartition("</section>")
    head = f'<p class="kicker">{escape(heading)}</p>'
    return f'{before}<section class="footnotes">{head}{"".join(lines)}</section>{end}{after}'


def _titled(words: str, attributes: Mapping[str, str | None], beside: str) -> str:
    """Append the ``title`` attribute to the words, unless ``beside`` contains it."""
    title = " ".join((attributes.get("title") or "").split())
    return f"{words} ({title})" if title not in beside else words
