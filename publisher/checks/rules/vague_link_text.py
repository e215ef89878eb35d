"""The link's text does not say where it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("vague-link-text", Severity.WARNING)
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
        for link in text.parts.links:
            if _TRIM.sub("", link.words).casefold() in _VAGUE:
                message = say("the link's text “{words}” does not say where it leads", words=link.words.strip())
                yield CODE.at(link.place, message, help=say("make the words that name the target the link"))
