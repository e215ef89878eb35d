"""The link's text does not say where it leads.

## Why it matters

A screen reader offers the links of a message as a list, and “click here” five times is no list. The words of a link
are also the first thing a reader who skims will see.

## Example

    To read the report, [click here](https://example.com/report).

Write `Read [the report on chips](https://example.com/report).`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("vague-link-text", Severity.WARNING, __doc__)
_VAGUE = {
    "click here", "here", "click", "link", "this link", "this", "read more", "more", "learn more", "details",
    "点击这里", "点击此处", "点这里", "点此", "这里", "此处", "戳这里",
    "链接", "原文链接", "详情", "查看详情", "查看更多",
    "點擊這裡", "點擊此處", "這裡", "連結", "詳情",
    "こちら", "ここ", "ここをクリック", "こちらをクリック", "リンク", "詳細", "続きを読む",
}  # fmt: skip
_TRIM = re.compile(r"^[\W_]+|[\W_]+$")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the words of each link."""
    for text in context.texts:
        words = _link_words(text)
        for spot, said in zip(text.of("link_open"), words, strict=False):
            if _TRIM.sub("", said).casefold() in _VAGUE:
                message = f"the link's text “{said.strip()}” does not say where it leads"
                yield CODE.at(spot.place, message, help="make the words that name the target the link")


def _link_words(text: Text) -> list[str]:
    """The words of each link, in the order of the links."""
    found: list[str] = []
    for token in text.tokens:
        inside: int | None = None
        for child in token.children or ():
            if child.type == "link_open":
                found.append("")
                inside = len(found) - 1
            elif child.type == "link_close":
                inside = None
            elif inside is not None:
                found[inside] += child.content
    return found
