"""Links, pictures and headings of a text with their places, from both Markdown and raw HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

from publisher.checks.html import removed_attribute, without_comments
from publisher.diagnostics import Place
from publisher.issue.markdown.tags import HEADING, RawTag, raw_tags

if TYPE_CHECKING:
    from publisher.checks.markdown import Piece


@dataclass(frozen=True, slots=True)
class Link:
    """URL, its place, and the link text; ``sponsored``: it is a sponsor's link."""

    url: str
    place: Place
    words: str = ""
    sponsored: bool = False


@dataclass(frozen=True, slots=True)
class PictureUse:
    """URL of a picture and its alternative text: ``""`` if decorative, None if missing."""

    source: str
    alt: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Heading:
    """Heading with its level from 1 to 6, as written."""

    level: int
    place: Place


class Parts:
    """Links, pictures and headings among the pieces of a text, each in reading order."""

    def __init__(self, pieces: Iterator[Piece]) -> None:
        self.links: list[Link] = []
        self.pictures: list[PictureUse] = []
        self.headings: list[Heading] = []
        self._open: tuple[str, Place, bool] | None = None  # the open link; whether it is sponsored
        self._words: list[str] = []  # text of the open link
        self._sponsored = False  # whether within a sponsor's container
        for piece in pieces:
            self._read(piece)
        self._close()

    def _read(self, piece: Piece) -> None:
        token = piece.token
        if piece.raw:
            self._read_html(piece)
        elif token.type == "link_open":
            self._start(str(token.attrs.get("href", "")), piece.whole, self._sponsored)
        elif token.type == "link_close":
            self._close()
        elif token.type == "image":
            self.pictures.append(PictureUse(str(token.attrs.get("src", "")), _said(token.content), piece.whole))
            self._say(token.content)
        elif token.type == "heading_open":
            self.headings.append(Heading(int(token.tag[1:]), piece.whole))
        else:
            if token.type.startswith("container_sponsor"):
                self._sponsored = token.nesting == 1
            self._say(piece.words)

    def _read_html(self, piece: Piece) -> None:
        html, last = without_comments(piece.words), 0
        for tag in raw_tags(html):
            self._say(unescape(html[last : tag.start]))
            self._read_tag(tag, piece)
            last = tag.end
        self._say(unescape(html[last:]))

    def _read_tag(self, tag: RawTag, piece: Piece) -> None:
        given = tag.attributes
        if tag.name == "a":
            self._close()
            url = given.get("href")
            if not tag.closing and url is not None and removed_attribute("a", "href", url) is None:
                sponsored = self._sponsored or "sponsored" in given.get("rel", "").lower().split()
                self._start(url.strip(), piece.place(tag.start, tag.end), sponsored)
        elif tag.name == "img" and not tag.closing:
            words = given.get("alt")
            alt = words if words == "" or _said(words) else None
            self.pictures.append(PictureUse(given.get("src", ""), alt, piece.place(tag.start, tag.end)))
            self._say(words or "")
        elif HEADING.fullmatch(tag.name) and not tag.closing:
            self.headings.append(Heading(int(tag.name[1]), piece.place(tag.start, tag.end)))

    def _start(self, url: str, place: Place, sponsored: bool) -> None:
        self._close()
        self._open, self._words = (url, place, sponsored), []

    def _say(self, words: str) -> None:
        if self._open is not None:
            self._words.append(words)

    def _close(self) -> None:
        if self._open is not None:
            url, place, sponsored = self._open
            self.links.append(Link(url, place, "".join(self._words), sponsored))
            self._open = None


def _said(words: str | None) -> str | None:
    return words if words and words.strip() else None
