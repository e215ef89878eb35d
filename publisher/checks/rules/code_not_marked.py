"""Code in the midst of a text, whose signs Markdown takes for its own: readers would not see them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.documents.yaml_typos import shortened

NOT_MARKED = define("code-not-marked", Severity.WARNING)
_CODE = re.compile(
    r"(?<![\w\\])__(?P<name>[a-z]+(?:_[a-z]+)*)__(?:\.py\b)?(?!\w)"
    r"|(?<![\w*\\.])(?:\d+(?:\.\d+)?|[a-z])(?:\*(?:\d+(?:\.\d+)?|[a-z])){2,}(?![\w*])"
    r"|(?<![\w\\])(?:[A-Z]:|\\\\[\w.-]+)(?:\\[\w.@~*-]+)+"
)
"""A name of Python's own, a product, a path of Windows."""
_TIMES = re.compile(r"\*(?<=[\da-z]\*)[\da-z]")
_NEAR = 200  # characters before one, in which an address that it is part of begins
_OWN = frozenset({
    "init", "str", "repr", "len", "eq", "ne", "lt", "le", "gt", "ge", "getitem", "setitem", "delitem", "getattr",
    "setattr", "getattribute", "contains", "iter", "aiter", "anext", "aenter", "aexit", "del", "bool", "pycache",
    "proto", "destruct", "dirname", "typename", "qualname",
})  # fmt: skip
_WORDS = frozenset({
    "main", "name", "file", "all", "new", "call", "class", "next", "exit", "enter", "add", "sub", "mul", "and", "or",
    "dict", "hash", "doc", "version", "author", "future", "get", "set", "module", "path", "import", "format",
    "bytes", "slots", "annotations", "construct", "filename",
})  # fmt: skip
"""Names that are words too, and may be meant in bold."""
_ABOUT = re.compile(
    r"python|dunder|javascript|\bphp\b|\.py\b|(?:=\s?|\w[(.])['\"]?__|__['\"]?(?:\s?=|\(|\.\w)|代码|模块|方法|函数|变量",
    re.IGNORECASE,
)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for what readers see otherwise than it is written."""
    for text in context.texts:
        written = text.prose.text
        if "__" not in written and "\\" not in written and not _TIMES.search(written):
            continue
        lost = Counter(map(_whole, _CODE.finditer(written)))
        lost.subtract(Counter(map(_whole, _CODE.finditer(text.words))))
        for words, place in text.written if +lost else ():
            about = cache(partial(_ABOUT.search, words))
            for found in _CODE.finditer(words):
                if lost[found[0]] > 0 and _is_code(found, words, about):
                    message = say("readers see {found} without all of its signs: Markdown takes them", found=found[0])
                    advice = say("write {words}", words=shortened(f"`{found[0]}`"))
                    yield NOT_MARKED.at(place(*found.span()), message, help=advice)


def _whole(found: re.Match[str]) -> str:
    return found[0]


def _is_code(found: re.Match[str], words: str, about: Callable[[], object]) -> bool:
    before = words[max(0, found.start() - _NEAR) : found.start()].rpartition(" ")[2]
    if "://" in before or "](" in before:  # in an address
        return False
    name = found["name"]
    if name is None or name in _OWN or "_" in name or found[0].endswith(".py"):
        return True
    return name in _WORDS and about() is not None
