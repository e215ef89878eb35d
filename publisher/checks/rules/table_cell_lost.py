"""A row of a table has more cells than its head."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Severity, counted, define, say
from publisher.documents.yaml_typos import shortened

CODE = define("table-cell-lost", Severity.ERROR, fixed=True)
_BEFORE = re.compile(r"[ \t>]*\|?")
_END = re.compile(r"(?<!\\)\||[ \t]*$")


def check(context: Context) -> Iterator[Diagnostic]:
    """Count the cells of each row as they are written."""
    for text in context.texts:
        yield from _rows(text) if "|" in text.prose.text else ()


def _rows(text: Text) -> Iterator[Diagnostic]:
    source, columns, head = text.prose.text.split("\n"), 0, False
    for token in text.tokens:
        if token.type == "thead_open":
            columns, head = 0, True
        elif token.type == "tbody_open":
            head = False
        elif token.type == "th_open":
            columns += 1
        elif token.type == "tr_open" and token.map and not head:
            line = source[token.map[0]]
            before = _BEFORE.match(line)
            start = before.end() if before else 0
            for _ in range(columns):
                end = _END.search(line, start)
                start = end.end() if end else len(line)
            if lost := line[start:].strip(" \t|"):
                place = text.prose.place(
                    token.map[0], line.index(lost, start), start + len(line[start:].rstrip(" \t|"))
                )
                has = counted("{n} column", "{n} columns", columns)
                message = say(
                    "readers would not see “{lost}”: the table's head has {columns}", lost=shortened(lost), columns=has
                )
                yield CODE.at(
                    place, message, help=say("write \\| for a sign that is meant, or give the head a cell more")
                )
