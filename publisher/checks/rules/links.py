"""The links in the text: where they may lead, the anchors of the issue among it, and what their words say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.issue.links import fault_of_link

MISSING_ANCHOR = define("link-to-missing-anchor", Severity.ERROR)
VAGUE_TEXT = define("vague-link-text", Severity.WARNING)
_WITHIN = re.compile(r"(\.{0,2}/(?!/)|#).*", re.DOTALL)
"""Addresses within the archive; others have the codes of every link of an issue."""
_VAGUE = {
    "click here", "here", "click", "link", "this link", "this", "read more", "more", "learn more", "details",
    "点击这里", "点击此处", "点这里", "点此", "这里", "此处", "戳这里",
    "链接", "原文链接", "详情", "查看详情", "查看更多",
    "點擊這裡", "點擊此處", "這裡", "連結", "詳情",
    "こちら", "ここ", "ここをクリック", "こちらをクリック", "リンク", "詳細", "続きを読む",
}  # fmt: skip
_TRIM = re.compile(r"^[\W_]+|[\W_]+$")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at each link."""
    anchors = [item.anchor for item in context.issue.items]
    for link in (link for text in context.texts for link in text.parts.links):
        if not _WITHIN.fullmatch(link.url) and (fault := fault_of_link(link.url)):
            code, message, advice = fault
            yield code.at(link.place, message, help=advice)
        url = unquote(link.url)  # which the parser has encoded
        # An item that cannot be read may well have the anchor.
        if context.whole and url.startswith("#") and url[1:] not in anchors:
            message = say("the issue has no anchor {url}", url=url)
            yield MISSING_ANCHOR.at(
                link.place, message, help=say("the anchors are {anchors}", anchors=", ".join(anchors))
            )
        if _TRIM.sub("", link.words).casefold() in _VAGUE:
            message = say("the link's text “{words}” does not say where it leads", words=link.words.strip())
            yield VAGUE_TEXT.at(link.place, message, help=say("make the words that name the target the link"))
