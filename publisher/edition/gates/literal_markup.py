"""Markup that an editor meant and a reader sees: ``**`` left in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborHTMLParser

from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.edition.model import Edition
from publisher.issue.markdown import parsed
from publisher.issue.model import Issue, Prose

LITERAL_MARKUP = define("literal-markup", Severity.WARNING)
_LITERAL = re.compile(r"(?<![A-Za-z0-9*])\*\*|\*\*(?![A-Za-z0-9*])")  # 2**64 and f**k are as they are meant
_CENSORED = re.compile(r"(?<![A-Za-z*])[A-Za-z]{1,3}\*{3,}(?!\*)")  # f***
_NO_EMPHASIS = say("the asterisks here do not become emphasis")
_CLOSE = say("close the emphasis, without a space inside it; write \\*\\* for asterisks that are meant")


def check(edition: Edition, issue: Issue) -> Iterator[Diagnostic]:
    """Look for ``**`` in the text of every rendered story, then for where it was written."""
    if "**" not in edition.web:
        return
    for story, item in zip(edition.stories, issue.items, strict=False):
        tree = LexborHTMLParser(story.html)
        tree.strip_tags(["code", "pre"])
        if _LITERAL.search(tree.text()):
            yield from _places(prose for prose in (item.body, item.commentary) if prose is not None)
    others = [issue.intro, issue.attribution, *(issue.key_points.points if issue.key_points else ())]
    if _LITERAL.search(_without_stories(edition)):
        yield from _places(prose for prose in others if prose is not None)


def _without_stories(edition: Edition) -> str:
    """The words of the page that are of no story."""
    tree = LexborHTMLParser(edition.web)
    tree.strip_tags(["code", "pre"])
    words = tree.text()
    for story in edition.stories:
        words = words.replace(LexborHTMLParser(story.html).text(), "")
    return words


def _places(proses: Iterable[Prose]) -> Iterator[Diagnostic]:
    """Of each paragraph that shows ``**``, its lines with one that no other closes, else the first that has any."""
    for prose in proses:
        for token in parsed(prose.text).tokens:
            words = [child.content for child in token.children or () if child.type == "text"]
            if any(map(_LITERAL.search, [token.content] if token.type == "html_block" else words)):
                rows = range(*token.map) if token.map else range(len(prose.lines))
                found = [(row, spots) for row in rows if (spots := _spots(prose.lines[row], alone=True))]
                if words and not found:
                    found = [(row, spots) for row in rows if (spots := _spots(prose.lines[row], alone=False))][:1]
                for row, spots in found:  # one a line: the two halves of a pair are one mistake
                    yield LITERAL_MARKUP.at(prose.place(row, spots[0], spots[-1] + 2), _NO_EMPHASIS, help=_CLOSE)


def _spots(written: str, *, alone: bool) -> list[int]:
    """Where each ``**`` of a line stands, outside code; or, ``alone``, each that is no half of a sound pair."""
    censored = _CENSORED.sub(lambda found: " " * len(found[0]), written)
    line = written if _LITERAL.search(censored) else censored
    pairs = _sound_pairs(line) if alone else {}
    shown = re.sub(r"`[^`]*`|\\\*", lambda code: " " * len(code[0]), line)
    return [found.start() for found in _LITERAL.finditer(shown) if not pairs.get(found.start(), alone)]


def _sound_pairs(line: str) -> dict[int, bool]:
    """Each mark of a line, by where it stands: whether it looks like one half of a sound pair."""
    marks = [found.start() for found in _LITERAL.finditer(line)]
    sound = dict.fromkeys(marks, False)
    for first, last in zip(marks[::2], marks[1::2], strict=False):
        inside = line[first + 2 : last]
        sound[first] = sound[last] = bool(inside) and not inside[0].isspace() and not inside[-1].isspace()
    return sound
