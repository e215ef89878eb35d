"""Markdown or an entity stands in a field of plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from publisher.checks.context import Context
from publisher.checks.lines import fields
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.documents.yaml_typos import shortened

CODE = define("markup-in-plain-text", Severity.WARNING)
_ALONE = r"(?<![A-Za-z0-9])"  # so that 2**64 and f**k are as they are meant
_MARKUP = re.compile(
    r"(?P<entity>&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);)"
    rf"|!?(?<![A-Za-z0-9_\])])\[(?P<link>[^\[\]]+)\]\([^()\s]+\)"
    rf"|{_ALONE}(?P<mark>\*\*|~~)(?P<strong>(?![\s*~])[^*~]*?(?<!\s))(?P=mark)(?![A-Za-z0-9])"
    rf"|{_ALONE}(?P<ticks>`+)(?P<code>(?![\s`])[^`]*?(?<!\s))(?P=ticks)(?![A-Za-z0-9`])"
    r"|<(?P<tag>b|em|i|strong|sub|sup|u)>(?P<element>[^<>]+)</(?P=tag)>"
)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at each field of plain text."""
    for line in fields(context):
        for found in _MARKUP.finditer(line.text):
            named = (found[name] for name in ("link", "strong", "code", "element") if found[name] is not None)
            meant = next(named, unescape(found[0]))
            if meant != found[0]:
                message = say(
                    "{found} stays as it is written: this is a field of plain text", found=shortened(found[0])
                )
                yield CODE.at(
                    line.place(found.start(), found.end()),
                    message,
                    help=say("write {words}", words=shortened(meant.strip()) or say("a plain space")),
                )
