"""Blocks of Markdown: lines that are no headings, headings that skip a level, cells of a table beyond its head."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from publisher.checks.context import Context
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Severity, counted, define, say
from publisher.documents.yaml_typos import shortened

NOT_MADE = define("heading-not-made", Severity.WARNING)
SKIPS_LEVEL = define("heading-skips-level", Severity.WARNING)
CELL_LOST = define("table-cell-lost", Severity.ERROR, fixed=True)
_ALMOST = re.compile(
    r"^(?:#{2,6}(?=[^ \t\n#])|#{7,}(?=[ \t])|#(?=[\u00a0\u3000])|＃{2,}|＃(?=[ \t\u3000]))", re.MULTILINE
)
_BEFORE = re.compile(r"[ \t>]*\|?")
_END = re.compile(r"(?<!\\)\||[ \t]*$")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the begin of each line, at each heading and the one before it, and at the rows of tables."""
    for text in context.texts:
        if "|" in text.prose.text:
            yield from _rows(text)
        for words, place in () if text.inline else text.written:
            for found in _ALMOST.finditer(words):
                message = say("this is no heading: readers would see the number signs")
                advice = say("write one to six plain #, then a plain space; \\# for a sign that is meant")
                yield NOT_MADE.at(place(found.start(), found.end()), message, help=advice)
        for before, heading in pairwise(text.parts.headings):
            wanted = before.level + 1
            if heading.level > wanted:
                levels = {"level": heading.level, "before": before.level}
                message = say("a heading of level {level} follows one of level {before}", **levels)
                advice = say("begin it with {signs}, or <h{level}>", signs="#" * wanted, level=wanted)
                yield SKIPS_LEVEL.at(heading.place, message, help=advice)


def _rows(text: Text) -> Iterator[Diagnostic]:
    """Count the cells of each row as they are written."""
    columns, head = 0, False
    for token in text.tokens:
        if token.type == "thead_open":
            columns, head = 0, True
        elif token.type == "tbody_open":
            head = False
        elif token.type == "th_open":
            columns += 1
        elif token.type == "tr_open" and token.map and not head:
            line = text.prose.lines[token.map[0]]
            before = _BEFORE.match(line)
            start = before.end() if before else 0
            for _ in range(columns):
                end = _END.search(line, start)
                start = end.end() if end else len(line)
            if lost := line[start:].strip(" \t|"):
                place = text.prose.place(
                    token.map[0], line.index(lost, start), start + len(line[start:].rstrip(" \t|"))
                )
                lacks = {"lost": shortened(lost), "columns": counted("{n} column", "{n} columns", columns)}
                message = say("readers would not see “{lost}”: the table's head has {columns}", **lacks)
                advice = say("write \\| for a sign that is meant, or give the head a cell more")
                yield CELL_LOST.at(place, message, help=advice)
