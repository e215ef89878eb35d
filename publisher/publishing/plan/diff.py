"""Readable differences between two editions."""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import unified_diff

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.diagnostics import Diagnostic, Severity
from publisher.edition.model import SAMPLE
from publisher.publishing.plan.model import MailLink

CONTEXT = 1


def lines(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """Return a unified diff without file names."""
    return tuple(unified_diff(before, after, lineterm="", n=CONTEXT))[2:]


def outline(html: str) -> list[str]:
    """Return the structure of a document without text: one indented line per element, with its main attributes."""
    body = LexborHTMLParser(html).body if html else None
    return list(_outline(body, 0)) if body else []


def _outline(node: LexborNode, depth: int) -> Iterator[str]:
    attributes = node.attributes
    name = str(node.tag)
    if classes := attributes.get("class"):
        name += "".join(f".{word}" for word in classes.split())
    shown = {key: attributes[key] for key in ("role", "lang", "dir", "width", "height") if attributes.get(key)}
    yield "  " * depth + name + "".join(f" {key}={value}" for key, value in shown.items())
    for child in node.iter(include_text=False):
        if str(child.tag) not in {"-comment", "!doctype", "style", "script"}:
            yield from _outline(child, depth + 1)


def links(html: str) -> list[MailLink]:
    """Return the links in document order, without duplicates and without those of slots."""
    if not html:
        return []
    samples = set(SAMPLE.values())
    found: dict[MailLink, None] = {}
    for node in LexborHTMLParser(html).css("a[href]"):
        url = node.attributes.get("href") or ""
        if url not in samples:
            words = " ".join(node.text(separator=" ").split())
            image = node.css_first("img[alt]")
            found[MailLink(url, words or (image.attributes.get("alt") or "" if image else ""))] = None
    return list(found)


def findings(
    before: Sequence[Diagnostic], after: Sequence[Diagnostic]
) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
    """Return the errors and warnings gained and lost. One that only moved to another line is neither."""
    return _without(after, before), _without(before, after)


def _without(these: Sequence[Diagnostic], those: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    left = Counter(_same(diagnostic) for diagnostic in those)
    kept = []
    for diagnostic in these:
        if left[_same(diagnostic)]:
            left[_same(diagnostic)] -= 1
        elif diagnostic.severity is not Severity.INFO:
            kept.append(diagnostic)
    return tuple(kept)


def _same(diagnostic: Diagnostic) -> tuple[str, str, str]:
    return diagnostic.path, diagnostic.code, diagnostic.message
