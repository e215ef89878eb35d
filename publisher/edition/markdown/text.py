"""Render Markdown tokens as plain text.

Each paragraph is one line: mail clients wrap it to the window, and hard breaks would split Chinese sentences and links.
Every URL is kept, in angle brackets after its words (RFC 3986, appendix C).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from publisher.diagnostics.width import display_width
from publisher.edition.markdown.raw_text import RawLists, RawTags, link, titled, trimmed
from publisher.issue.markdown.boxes import heading_of
from publisher.issue.markdown.tags import COMMENT, raw_tags

_NO_TAG = re.compile("<[?!][^>]*>")
"""Treated by browsers as comments: processing instructions, declarations, CDATA (HTML, 13.2.5.41)."""
_LINE = 72
"""Columns of a line; the rows of a wider table are written as lines of ``head: cell``."""


def underlined(text: str, with_: str) -> str:
    """A heading with a rule of the same width below, at most a line wide."""
    return f"{text}\n{with_ * min(_LINE, max(4, display_width(text)))}"


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
        lists, blocks = RawLists(), []
        for token, inside in groups(tokens):
            text = self._block(token, inside, lists)
            mark = "" if token.type in {"inline", "html_block"} else lists.begun(text)
            blocks.append(_prefixed(text, mark, " " * len(mark)) if mark else text)
        return [lists.numbered(text) for text in blocks]

    def _block(self, token: Token, inside: Sequence[Token], lists: RawLists) -> str:
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

    def _inline(self, tokens: Sequence[Token], lists: RawLists) -> str:
        out: list[str] = []
        opened: list[tuple[Token, int]] = []
        raw = RawTags(self.link_to, self.image_label, lists)
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
                words, url = titled("".join(out[start:]), begun.attrs), self.link_to(str(begun.attrs.get("href", "")))
                told = link(words, url)
                told = f"{words}: {url}" if "class" in begun.attrs and told.endswith(">") else told
                out[start:] = [told]
                bare = len(out) if told.endswith(url) else 0
            elif said := lists.marked("\n" if raw.pre and token.type == "softbreak" else self._leaf(token)):
                out.append(f" {said}" if bare and bare == len(out) and said[0].isalnum() else said)
        raw.close(out)
        return trimmed(out)

    def _leaf(self, token: Token) -> str:
        if token.type == "code_inline":
            return f"`{token.content}`"
        if token.type in {"softbreak", "hardbreak"}:
            return " " if token.type == "softbreak" else "\n"
        if token.type == "image":
            words = self._inline(token.children or [], RawLists())
            label = titled(self.image_label(words) if words else "", token.attrs)
            return link(label, self.link_to(str(token.attrs["src"])))
        if token.type == "footnote_ref":
            return f"[{token.meta['id'] + 1}]"
        return "~" if token.type in {"s_open", "s_close"} else token.content

    def _html(self, html: str, lists: RawLists) -> str:
        out: list[str] = []
        raw = RawTags(self.link_to, self.image_label, lists)
        last = 0
        html = _NO_TAG.sub("", COMMENT.sub("", html))
        for tag in raw_tags(html):
            out.append(raw.words(html[last : tag.start]))
            raw.feed(tag, out)
            last = tag.end
        out.append(raw.words(html[last:]))
        raw.close(out)
        return trimmed(out)


def _told(head: str, cell: str) -> str:
    return f"{head}: {cell}" if head and cell else cell


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
