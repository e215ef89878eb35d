"""Corrupted text: decoded with a wrong encoding, or with replacement characters."""

from collections.abc import Iterator

from publisher.checks.context import Context, Line, fields
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.documents.encodings import MISREAD_SIGNS, mojibake_finding, mojibake_of
from publisher.documents.yaml_typos import shortened
from publisher.regex import regex

GARBLED = define("garbled-text", Severity.WARNING)
_LOST, _SPOILED = regex("\ufffd+|(?<![“‘「『《\"'])(?:锟斤拷)+"), regex(f"[\ufffd锟{MISREAD_SIGNS}]")


def check(context: Context) -> Iterator[Diagnostic]:
    """Check plain-text fields, and prose without code."""
    for line in fields(context):
        yield from _look(line)
    for text in context.texts:
        if _SPOILED.search(text.prose.text):
            for words, place in text.plain():
                yield from _look(Line(words, place))


def _look(line: Line) -> Iterator[Diagnostic]:
    if not _SPOILED.search(line.text):
        return
    for start, end, right in mojibake_of(line.text):
        message, advice = mojibake_finding(shortened(line.text[start:end]), shortened(right))
        yield GARBLED.at(line.place(start, end), message, help=advice)
    for lost in _LOST.finditer(line.text):
        message = say("a character was lost here: readers see {found}", found=shortened(lost[0]))
        yield GARBLED.at(line.place(*lost.span()), message, help=say("write it again"))
