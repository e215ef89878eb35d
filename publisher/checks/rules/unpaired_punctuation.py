"""A quotation mark or bracket has no partner."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.lines import HAN, Line, lines
from publisher.diagnostics import Diagnostic, Sentence, Severity, define, say

CODE = define("unpaired-punctuation", Severity.WARNING)
PAIRS = {"“": "”", "‘": "’", "《": "》", "〈": "〉", "「": "」", "『": "』", "（": "）", "【": "】"}
_ENUMERATES = re.compile(
    r"(?:(?<![0-9０-９A-Za-z])(?:[0-9０-９]{1,2}|[A-Za-zＡ-Ｚａ-ｚ])|(?<!\w)[一二三四五六七八九十]{1,3}|[①-⑳㈠-㈩])$"
)
_DEEP = 8  # quotations that run over paragraphs, within each other
_CLOSERS = {closer: opener for opener, closer in PAIRS.items()}


def check(context: Context) -> Iterator[Diagnostic]:
    """Match marks within each piece of text; a quotation that runs over paragraphs may open again at each."""
    piece: list[Line] = []
    key: object = None
    for line in lines(context):
        if line.key != key:
            yield from _unpaired(piece)
            piece, key = [], line.key
        piece.append(line)
    yield from _unpaired(piece)


def _unpaired(piece: list[Line]) -> Iterator[Diagnostic]:
    if not any(HAN.search(line.text) for line in piece):
        return
    open_marks: list[tuple[str, Line, int]] = []
    before = piece[0].whole.span.line if piece else 0
    for line in piece:
        if line.whole.span.line > before + 1:  # a new paragraph
            kept = [entry for entry in open_marks if line.text.startswith(entry[0])][-_DEEP:]
            yield from (_never_closed(entry) for entry in open_marks if not any(entry is one for one in kept))
            open_marks = kept
        before = line.whole.span.line
        for index, mark in enumerate(line.text):
            if mark in PAIRS:
                again = index == 0 and open_marks and open_marks[-1][0] == mark
                if not again:
                    open_marks.append((mark, line, index))
            elif mark in _CLOSERS and mark != "’":  # ’ is an apostrophe as well
                if open_marks and open_marks[-1][0] == _CLOSERS[mark]:
                    open_marks.pop()
                elif mark != "）" or not _ENUMERATES.search(line.text, max(0, index - 5), index):
                    yield _finding(line, index, mark, say("write the {opening} that opens it", opening=_CLOSERS[mark]))
            elif mark == "’" and open_marks and open_marks[-1][0] == "‘":
                open_marks.pop()
    yield from map(_never_closed, open_marks)


def _never_closed(entry: tuple[str, Line, int]) -> Diagnostic:
    mark, line, index = entry
    return _finding(line, index, mark, say("write {closing} where it ends", closing=PAIRS[mark]))


def _finding(line: Line, index: int, mark: str, advice: Sentence) -> Diagnostic:
    return CODE.at(line.place(index, index + 1), say("the mark {mark} has no partner", mark=mark), help=advice)
