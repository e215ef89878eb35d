"""Links and raw HTML as plain text."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import unquote

from markdown_it.common.normalize_url import normalizeLinkText

from publisher.checks.html import ACTIVE, TAGS
from publisher.issue.links import SCHEMES, scheme, split
from publisher.issue.markdown.tags import DIVISIONS, RawTag

_KEPT_SPACE, _KEPT_BREAK = "\x01", "\x02"  # stand for white space in <pre>; texts contain no control characters
_CELL = "\x1f"  # between two cells; white space for ``str.strip``
_FROM_LAST = re.compile("\x03([0-9]+):([0-9]+)\x03")  # the list and the items above, where a list counts down to 1
_SPACE = re.compile(r"\s+")
_BLANKS = re.compile(r"\n{3,}")
_APART = frozenset({"p", "div", "blockquote", "section", "h1", "h2", "h3", "h4", "h5", "h6", "pre"}) | DIVISIONS
_LISTS = frozenset({"dd", "dl", "dt", "li", "ol", "ul"})
_BLOCKS = _APART | _LISTS | {"caption", "details", "figcaption", "figure", "summary", "table", "tr"}
_RAISED = str.maketrans("0123456789+-−=()in", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁱⁿ")  # 10<sup>9</sup> must not become 109
_SILENT = ACTIVE - TAGS - {"embed"}
"""``embed`` is a void element, which has no content to leave out."""


def link(words: str, url: str) -> str:
    """Return the words and the URL; only the URL if the words repeat it, only the words if its scheme is unsafe."""
    if scheme(url) not in SCHEMES:
        return words
    url = url if "?" in url else url.removeprefix("mailto:")  # a query needs the scheme
    if not words or words.rstrip("/") in {url.rstrip("/"), unquote(url).rstrip("/")}:
        return url
    if "xn--" in url and words.rstrip("/") in {readable(url).rstrip("/"), normalizeLinkText(url).rstrip("/")}:
        return readable(url)
    return f"{words} <{url}>"


def readable(url: str) -> str:
    """An address with its host as people read it; unchanged if the host is no host once it is decoded."""
    shown = normalizeLinkText(url if ":" in url else f"mailto:{url}").removeprefix("mailto:")
    if "://" not in url:
        return shown
    parts, read = split(url), split(shown)
    return parts._replace(netloc=read.netloc).geturl() if parts and read else url


def trimmed(out: Sequence[str]) -> str:
    """The parts as one text without spaces at the ends of lines, and at most one empty line at a time."""
    text = "".join(out)
    text = re.sub(f" *{_CELL} *", "  ", text) if _CELL in text else text
    text = "\n".join(line.strip(" ") for line in text.split("\n")).strip()
    text = _BLANKS.sub("\n\n", text) if "\n\n\n" in text else text
    return text.replace(_KEPT_SPACE, " ").replace(_KEPT_BREAK, "\n")


def titled(words: str, attributes: Mapping[str, Any]) -> str:
    """Words followed by the ``title`` attribute, which browsers show as a tooltip."""
    title = " ".join(str(attributes.get("title") or "").split())
    return f"{words} ({title})".lstrip() if title and title not in words else words


@dataclass(slots=True)
class _RawList:
    at: int  # index among the lists
    bullets: bool
    number: int | None  # of the next item; None: counted from the last
    step: int
    items: int = 0


class RawLists:
    """Lists of raw HTML, which may go on over several blocks of Markdown."""

    def __init__(self) -> None:
        self._all: list[_RawList] = []
        self._open: list[_RawList] = []
        self._mark = ""  # bullet or number of an item, until its first word

    def begun(self, text: str) -> str:
        """The mark of the item that the text begins, if any."""
        mark, self._mark = (self._mark, "") if text.strip() else ("", self._mark)
        return mark

    def marked(self, text: str) -> str:
        """The text, with the mark of the item that it begins."""
        mark = self.begun(text)
        return mark + text.lstrip(" ") if mark else text

    def numbered(self, text: str) -> str:
        """The text with the numbers of reversed lists, which end at 1."""
        return _FROM_LAST.sub(lambda at: str(self._all[int(at[1])].items - int(at[2])), text)

    def feed(self, tag: RawTag) -> None:
        """Begin or end a list or an item."""
        if tag.name in {"ol", "ul"} and not tag.closing:
            start, down = _integer(tag.attributes.get("start")), "reversed" in tag.attributes
            number = 1 if start is None and not down else start
            self._all.append(_RawList(len(self._all), tag.name == "ul", number, -1 if down else 1))
            self._open.append(self._all[-1])
        elif tag.name in {"ol", "ul"} and self._open:
            self._open.pop()
        elif tag.name == "li":
            self._mark = "" if tag.closing else self._item(_integer(tag.attributes.get("value")))

    def _item(self, value: int | None) -> str:
        within = self._open[-1] if self._open else None
        indent = 2 * _KEPT_SPACE * (len(self._open) - 1)
        if within is None or within.bullets:
            return f"{indent}- "
        number = within.number if value is None else value
        within.number = None if number is None else number + within.step
        within.items += 1
        shown = f"\x03{within.at}:{within.items - 1}\x03" if number is None else number
        return f"{indent}{shown}. "


def _integer(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch("-?[0-9]{1,9}", text) else None


class RawTags:
    """Raw HTML tags as text: links and images keep their URL, line breaks are kept, active content is left out."""

    def __init__(self, link_to: Callable[[str], str], image_label: Callable[[str], str], lists: RawLists) -> None:
        self._link_to = link_to
        self._image_label = image_label
        self._links: list[tuple[str, int]] = []
        self._titles: list[tuple[RawTag, int]] = []
        self.pre = 0
        self._cell = False  # in a cell, whose end tag may be omitted
        self._aside = False  # in ``rt``, whose end tag may be omitted
        self._hidden = False  # in ``rp``, likewise: its parentheses are written for ``rt``
        self._lists = lists
        self._raised: int | None = None  # index in ``out`` where a superscript begins
        self.silent = 0

    def words(self, html: str) -> str:
        """The text between two tags, white space collapsed as in a browser."""
        if self.silent:
            return ""
        text = unescape(html) if self.pre else unescape(_SPACE.sub(" ", html))
        return self._lists.marked(text.replace(" ", _KEPT_SPACE).replace("\n", _KEPT_BREAK) if self.pre else text)

    def feed(self, tag: RawTag, out: list[str]) -> None:
        """Add what a tag becomes to the texts ``out``."""
        name, closing, attributes, _, _ = tag
        if closing and self._titles and self._titles[-1][0].name == name:
            opening, start = self._titles.pop()
            out[start:] = [titled("".join(out[start:]), opening.attributes)]
        elif attributes.get("title") and name != "img":
            self._titles.append((tag, len(out)))
        if name in {"rp", "rt", "ruby"}:
            self.silent -= self._hidden
            self._hidden = name == "rp" and not closing
            self.silent += self._hidden
        if name in _SILENT:
            self.silent = max(0, self.silent + (-1 if closing else 1))
        elif name == "a" and not closing:
            self._links.append((attributes.get("href", ""), len(out)))
        elif name == "a" and self._links:
            self._close_link(out)
        elif closing and name in {"img", "hr"}:
            pass  # an end that void elements do not have, and browsers ignore
        elif name == "img":
            words = attributes.get("alt", "")
            label = titled(self._image_label(words) if words else "", attributes)
            out.append(self._lists.marked(link(label, self._link_to(attributes.get("src", "")))))
        elif name == "q":
            out.append('"')
        elif name == "sup" and not closing:
            self._raised = len(out)
        elif name == "sup" and self._raised is not None:
            words = "".join(out[self._raised :])
            if all(ord(letter) in _RAISED for letter in words):
                out[self._raised :] = [words.translate(_RAISED)]
            self._raised = None
        elif name in {"del", "s"}:
            out.append("~")
        elif name in {"rt", "ruby"} and closing == self._aside and (closing or name == "rt"):
            self._aside = not closing
            out.append(")" if closing else "(")
        elif name == "br":
            out.append("\n")
        elif name == "hr":
            out.append("\n\n* * *\n\n")
        elif name in {"td", "th"}:
            out.append(_CELL if self._cell or (out and out[-1].strip()) else "")
            self._cell = not closing
        elif name in _BLOCKS:
            self._cell = self._cell and name not in {"tr", "table"}
            self.pre = max(0, self.pre + (-1 if closing else 1)) if name == "pre" else self.pre
            out.append("\n\n" if name in _APART else "" if name == "li" and closing else "\n")
            self._lists.feed(tag)

    def close(self, out: list[str]) -> None:
        """Write the URLs of links that were never closed."""
        while self._links:
            self._close_link(out)

    def _close_link(self, out: list[str]) -> None:
        url, start = self._links.pop()
        words = "".join(out[start:])
        out[start:] = [link(words, self._link_to(url)) if url else words]
