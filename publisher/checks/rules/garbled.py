"""Corrupted text: decoded with a wrong encoding, with replacement characters, or with characters for private use."""

from collections.abc import Iterator

from publisher.checks.context import Context, Line, fields
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.documents.encodings import MISREAD_SIGNS, mojibake_finding, mojibake_of
from publisher.documents.yaml_typos import shortened
from publisher.regex import regex

GARBLED = define("garbled-text", Severity.WARNING)
_PRIVATE = "\ue000-\uf0a6\uf0a8-\uf0b6\uf0b8-\uf0d7\uf0d9-\uf8ff"  # without Word's bullets, which list-not-made tells
_LOST = regex(f"\ufffd+|(?<![“‘「『《\"'])(?:锟斤拷)+|[{_PRIVATE}]")
_SPOILED = regex(f"[\ufffd锟{_PRIVATE}{MISREAD_SIGNS}]")


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
        message, advice = (
            say("a character was lost here: readers see {found}", found=shortened(lost[0])),
            say("write it again"),
        )
        if "\ue000" <= lost[0] <= "\uf8ff":
            message = say("U+{point} is in no common font: readers see an empty box", point=f"{ord(lost[0]):04X}")
            advice = say("write it in words, or delete it")
        yield GARBLED.at(line.place(*lost.span()), message, help=advice)
