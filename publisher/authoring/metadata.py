"""Metadata in a web page's head (JSON-LD, Open Graph, HTML): title, site, author, date, picture. Never its text."""

import html
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborHTMLParser

_LONGEST = 200
_DEEPEST = 20
_ARTICLE = re.compile(r"(?:^|/|:)(?:\w*Article|\w*Posting|Report|Review|VideoObject|PodcastEpisode|Recipe)$")
_KEYS = {
    "title": ("og:title", "twitter:title", "dc.title", "citation_title"),
    "site": ("og:site_name", "application-name"),
    "author": ("author", "article:author", "dc.creator", "citation_author", "twitter:creator"),
    "date": ("article:published_time", "og:published_time", "date", "dc.date", "citation_publication_date", "pubdate"),
    "picture": ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src"),
}
_CARRIER = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Each value is one line without control and bidirectional characters; empty if the page lacks it."""

    title: str = ""
    site: str = ""
    author: str = ""
    date: str = ""
    picture: str = ""


_DOOR = re.compile(
    r"(?:(?:just a|one) moment(?:, please)?|attention required|access (?:to this page has been )?denied"
    r"|(?:robot|security) check|are you (?:a robot|human)|verify (?:that )?you(?:'|’| a)re (?:a )?human"
    r"|human verification|(?:百度)?安全验证|人机验证|环境异常|验证中|请稍候)[.…!?！？]*(?: [|–-] .*)?$",
    re.IGNORECASE,
)
"""Titles of pages that block programs; they are not the title of the article."""


def metadata_of(text: str) -> Metadata:
    """Read the head of an HTML page; never raises."""
    tree = LexborHTMLParser(text)
    named: dict[str, str] = {}
    for node in tree.css("meta"):
        name = node.attributes.get("property") or node.attributes.get("name") or ""
        named.setdefault(name.strip().lower(), plain(node.attributes.get("content") or ""))
    scripts = (node.text() for node in tree.css('script[type="application/ld+json" i]'))
    linked = _of_linked_data([article for script in scripts for article in _articles(script)])
    found = {
        key: linked.get(key) or next((value for name in names if (value := named.get(name))), "")
        for key, names in _KEYS.items()
    }
    title = next((plain(node.text()) for node in tree.css("head > title, body > title") if node.text().strip()), "")
    found["title"] = found["title"] or ("" if _DOOR.match(title) else title)
    if _CARRIER.match(found["author"]):  # Facebook wants the address of a profile here
        found["author"] = ""
    if not _CARRIER.match(found["picture"]):
        found["picture"] = ""
    return Metadata(**found)


def plain(text: str) -> str:
    """One line of at most 200 characters, without invisible and bidirectional characters."""
    text = html.unescape(text) if "&" in text else text
    kept = "".join(" " if sign.isspace() else sign for sign in text[: 10 * _LONGEST] if _shows(sign))
    kept = " ".join(kept.split())
    return kept if len(kept) <= _LONGEST else kept[: _LONGEST - 1].rstrip() + "…"


def _shows(sign: str) -> bool:
    """Keep joiners, which scripts and emoji need; drop other format characters and unassigned code points."""
    return sign.isspace() or sign in "\u200c\u200d" or unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _articles(script: str) -> Iterator[Mapping[str, Any]]:
    """The articles in JSON-LD, in arrays, in ``@graph`` and as ``mainEntity``; those of other types come last."""
    try:
        data = json.loads(re.sub(r"^\s*(?:<!--|//<!\[CDATA\[)|(?:-->|//\]\]>)\s*$", "", script), strict=False)
    except (ValueError, RecursionError):
        return
    rest = []
    for node in _nodes(data, 0):
        kinds = found if isinstance(found := node.get("@type"), list) else [found]
        if any(isinstance(kind, str) and _ARTICLE.search(kind) for kind in kinds):
            yield node
        elif isinstance(node.get("headline"), str):
            rest.append(node)
    yield from rest


def _nodes(data: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(data, list):
        for one in data[:500]:
            yield from _nodes(one, depth + 1)
    elif isinstance(data, dict):
        yield data
        for key in ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement"):
            yield from _nodes(data.get(key), depth + 1)


def _of_linked_data(articles: list[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for article in articles:
        for key, value in (
            ("title", _words(article.get("headline")) or _words(article.get("name"))),
            ("site", _words(article.get("publisher")) or _words(article.get("isPartOf"))),
            ("author", _words(article.get("author")) or _words(article.get("creator"))),
            ("date", _words(article.get("datePublished"))),
            ("picture", _words(article.get("image"), ("url", "contentUrl", "@id"), most=1)),
        ):
            if value:
                found.setdefault(key, value)
    return found


def _words(value: Any, keys: tuple[str, ...] = ("name", "@value"), *, most: int = 5) -> str:
    """A text, the name of an object, or the first of a list: JSON-LD allows each."""
    several = value if isinstance(value, list) else [value]
    names = []
    for one in several[:most]:
        if isinstance(one, dict):
            one = next((one[key] for key in keys if isinstance(one.get(key), str)), None)
        if isinstance(one, str) and (text := plain(one)):
            names.append(text)
    return ", ".join(dict.fromkeys(names))
