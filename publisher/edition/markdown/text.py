"""Render Markdown tokens as plain text.

Each paragraph is one line: mail clients wrap it to the window, and hard breaks would split Chinese sentences and links.
Every URL is kept, in angle brackets after its words (RFC 3986, appendix C).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import unquote

from markdown_it.common.normalize_url import normalizeLinkText
from markdown_it.token import Token

from publisher.checks.html import ACTIVE, TAGS
from publisher.diagnostics.width import display_width
from publisher.issue.links import SCHEMES, scheme, split
from publisher.issue.markdown.boxes import heading_of
from publisher.issue.markdown.tags import COMMENT, DIVISIONS, RawTag, raw_tags

_KEPT_SPACE, _KEPT_BREAK = "\x01", "\x02"  # stand for white space in <pre>; texts contain no control characters
_CELL = "\x1f"  # between two cells; white space for ``str.strip``
_FROM_LAST = re.compile("\x03([0-9]+):([0-9]+)\x03")  # the list and the items above, where a list counts down to 1
_SPACE = re.compile(r"\s+")
_NO_TAG = re.compile("<[?!][^>]*>")
"""Treated by browsers as comments: processing instructions, declarations, CDATA (HTML, 13.2.5.41)."""
_BLANKS = re.compile(r"\n{3,}")
_APART = frozenset({"p", "div", "blockquote", "section", "h1", "h2", "h3", "h4", "h5", "h6", "pre"}) | DIVISIONS
_LISTS = frozenset({"dd", "dl", "dt", "li", "ol", "ul"})
_BLOCKS = _APART | _LISTS | {"caption", "details", "figcaption", "figure", "summary", "table", "tr"}
_RAISED = str.maketrans("0123456789+-−=()in", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁱⁿ")  # 10<sup>9</sup> must not become 109
_SILENT = ACTIVE - TAGS - {"embed"}
"""``embed`` is a void element, which has no content to leave out."""
_LINE = 72
"""Columns of a line; the rows of a wider table are written as lines of ``head: cell``."""


def underlined(text: str, with_: str) -> str:
    """A heading with a rule of the same width below, at most a line wide."""
    return f"{text}\n{with_ * min(_LINE, max(4, display_width(text)))}"


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


_BOXES = {"container_callout": "| ", "container_sponsor": "| ", "container_pullquote": "> "}


@dataclass(frozen=True, slots=True)
class TextWriter:
    """Writer of an issue's plain text. ``link_to`` makes URLs absolute; ``shown`` fills slots, to measure widths."""

    link_to: Callable[[str], str]
    image_label: Callable[[str], str]
    sponsored: str
    shown: Callable[[str], str]

    def write(self, tokens: Sequence[Token]) -> str:
        """Return the text of block or inline tokens; blocks are separated by an empty line."""
        return "\n\n".join(block for block in self._blocks(tokens) if block.strip())

    def _blocks(self, tokens: Sequence[Token]) -> list[str]:
        lists, blocks = _RawLists(), []
        for token, inside in groups(tokens):
            text = self._block(token, inside, lists)
            mark = "" if token.type in {"inline", "html_block"} else lists.begun(text)
            blocks.append(_prefixed(text, mark, " " * len(mark)) if mark else text)
        return [lists.numbered(text) for text in blocks]

    def _block(self, token: Token, inside: Sequence[Token], lists: "_RawLists") -> str:
        kind = token.type.removesuffix("_open")
        if kind == "inline":
            return self._inline(token.children or [], lists)
        if kind == "heading":
            heading = self.write(inside)
            return heading + underlined(self.shown(heading), "-").removeprefix(self.shown(heading))
        if kind in {"bullet_list", "ordered_list"}:
            return self._list(token, inside)
        if kind == "blockquote":
            return _prefixed(self.write(inside), "> ", "> ")
        if kind in _BOXES:
            title = heading_of(token.info, self.sponsored)
            title = f"[{title}]" if kind == "container_sponsor" else title
            edge = _BOXES[kind]
            return _prefixed("\n\n".join(filter(None, (title, self.write(inside)))), edge, edge)
        if kind in {"fence", "code_block"}:
            return _prefixed(token.content.rstrip("\n"), "    ", "    ")
        if kind == "hr":
            return "* * *"
        if kind == "html_block":
            return self._html(token.content, lists)
        if kind == "table":
            return self._table(inside)
        if kind == "footnote_block":
            marked = ((f"[{each.meta['id'] + 1}] ", self.write(note)) for each, note in groups(inside))
            return "\n".join(_prefixed(note, mark, "    ") for mark, note in marked)
        return "" if kind == "footnote_anchor" else self.write(inside)

    def _list(self, token: Token, inside: Sequence[Token]) -> str:
        number = int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None
        tight = all(p.hidden for p in inside if p.type == "paragraph_open" and p.level == token.level + 2)
        rows = []
        for _item, content in groups(inside):
            mark = "- " if number is None else f"{number}. "
            number = None if number is None else number + 1
            blocks = [block for block in self._blocks(content) if block.strip()]
            rows.append(_prefixed(("\n" if tight else "\n\n").join(blocks), mark, " " * len(mark)))
        return ("\n" if tight else "\n\n").join(rows)

    def _table(self, inside: Sequence[Token]) -> str:
        rows: list[list[str]] = []
        heads = 0
        for part, body in groups(inside):
            for _row, cells in groups(body):
                rows.append([self.write(cell).replace("\n", " ") for _cell, cell in groups(cells)])
            heads = len(rows) if part.type == "thead_open" else heads
        widths = [max(self._width(row[column]) for row in rows) for column in range(len(rows[0]))]
        if len(widths) > 1 and sum(widths) + 2 * (len(widths) - 1) > _LINE:
            return "\n\n".join("\n".join(filter(None, map(_told, rows[0], row))) for row in rows[heads:])

        def line(cells: Sequence[str]) -> str:
            padded = (cell + " " * (size - self._width(cell)) for cell, size in zip(cells, widths, strict=True))
            return "  ".join(padded).rstrip()

        lines = [line(row) for row in rows]
        lines.insert(heads, line(["-" * size for size in widths]))
        return "\n".join(lines)

    def _width(self, text: str) -> int:
        return display_width(self.shown(text))

    def _inline(self, tokens: Sequence[Token], lists: "_RawLists") -> str:
        out: list[str] = []
        opened: list[tuple[Token, int]] = []
        raw = _RawTags(self.link_to, self.image_label, lists)
        bare = 0  # index in ``out`` after a URL without angle brackets, which a mail client ends only at white space
        for token in tokens:
            if token.type == "html_inline":
                for tag in raw_tags(token.content):
                    raw.feed(tag, out)
            elif raw.silent:
                continue
            elif token.type == "link_open":
                opened.append((token, len(out)))
            elif token.type == "link_close" and opened:
                begun, start = opened.pop()
                words, url = _titled("".join(out[start:]), begun.attrs), self.link_to(str(begun.attrs.get("href", "")))
                told = link(words, url)
                told = f"{words}: {url}" if "class" in begun.attrs and told.endswith(">") else told
                out[start:] = [told]
                bare = len(out) if told.endswith(url) else 0
            elif said := lists.marked("\n" if raw.pre and token.type == "softbreak" else self._leaf(token)):
                out.append(f" {said}" if bare and bare == len(out) and said[0].isalnum() else said)
        raw.close(out)
        return _trimmed(out)

    def _leaf(self, token: Token) -> str:
        if token.type == "code_inline":
            return f"`{token.content}`"
        if token.type in {"softbreak", "hardbreak"}:
            return " " if token.type == "softbreak" else "\n"
        if token.type == "image":
            words = self._inline(token.children or [], _RawLists())
            label = _titled(self.image_label(words) if words else "", token.attrs)
            return link(label, self.link_to(str(token.attrs["src"])))
        if token.type == "footnote_ref":
            return f"[{token.meta['id'] + 1}]"
        return "~" if token.type in {"s_open", "s_close"} else token.content

    def _html(self, html: str, lists: "_RawLists") -> str:
        out: list[str] = []
        raw = _RawTags(self.link_to, self.image_label, lists)
        last = 0
        html = _NO_TAG.sub("", COMMENT.sub("", html))
        for tag in raw_tags(html):
            out.append(raw.words(html[last : tag.start]))
            raw.feed(tag, out)
            last = tag.end
        out.append(raw.words(html[last:]))
        raw.close(out)
        return _trimmed(out)


def _trimmed(out: Sequence[str]) -> str:
    """The parts as one text without spaces at the ends of lines, and at most one empty line at a time."""
    text = "".join(out)
    text = re.sub(f" *{_CELL} *", "  ", text) if _CELL in text else text
    text = "\n".join(line.strip(" ") for line in text.split("\n")).strip()
    text = _BLANKS.sub("\n\n", text) if "\n\n\n" in text else text
    return text.replace(_KEPT_SPACE, " ").replace(_KEPT_BREAK, "\n")


def _titled(words: str, attributes: Mapping[str, Any]) -> str:
    """Words followed by the ``title`` attribute, which browsers show as a tooltip."""
    title = " ".join(str(attributes.get("title") or "").split())
    return f"{words} ({title})".lstrip() if title and title not in words else words


def _told(head: str, cell: str) -> str:
    return f"{head}: {cell}" if head and cell else cell


@dataclass(eq=False, slots=True)
class _RawList:
    bullets: bool
    number: int | None  # of the next item; None: counted from the last
    step: int
    items: int = 0


class _RawLists:
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
        if tag.name in {"ol", "ul"} and not tag.closing:
            start, down = _integer(tag.attributes.get("start")), "reversed" in tag.attributes
            number = 1 if start is None and not down else start
            self._all.append(_RawList(tag.name == "ul", number, -1 if down else 1))
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
        shown = f"\x03{self._all.index(within)}:{within.items - 1}\x03" if number is None else number
        return f"{indent}{shown}. "


def _integer(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch("-?[0-9]{1,9}", text) else None


class _RawTags:
    """Raw HTML tags as text: links and images keep their URL, line breaks are kept, active content is left out."""

    def __init__(self, link_to: Callable[[str], str], image_label: Callable[[str], str], lists: "_RawLists") -> None:
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
        name, closing, attributes, _, _ = tag
        if closing and self._titles and self._titles[-1][0].name == name:
            opening, start = self._titles.pop()
            out[start:] = [_titled("".join(out[start:]), opening.attributes)]
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
            label = _titled(self._image_label(words) if words else "", attributes)
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


def groups(tokens: Sequence[Token]) -> Iterator[tuple[Token, Sequence[Token]]]:
    """Yield each token of the outermost level with the tokens between it and its closing token."""
    index = 0
    while index < len(tokens):
        start = index
        depth: int = tokens[index].nesting
        while depth > 0 and index + 1 < len(tokens):
            index += 1
            depth = depth + tokens[index].nesting
        yield tokens[start], tokens[start + 1 : index]
        index += 1


def _prefixed(text: str, first: str, rest: str) -> str:
    return "\n".join(((first if n == 0 else rest) + line).rstrip() for n, line in enumerate(text.split("\n")))
