"""An element that is not closed swallows the text after it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.html import RUNS, without_comments
from publisher.checks.html_policy import ACTIVE, TAGS
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, define, say
from publisher.documents.yaml_typos import shortened

CODE = define("text-swallowed", Severity.ERROR, fixed=True)
_SWALLOWS = ACTIVE - TAGS - RUNS
_TAG = re.compile(rf"<(/?)({'|'.join(sorted(_SWALLOWS))})\b[^<>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^<>]*>")


def check(context: Context) -> Iterator[Diagnostic]:
    """Follow each text from its begin: which element that is removed with its words is open?"""
    for text in context.texts:
        yield from swallowed(text)


def swallowed(text: Text) -> Iterator[Diagnostic]:
    """The findings of one text, each at the opening tag."""
    opened: tuple[str, Place] | None = None
    words: list[str] = []
    for piece in text.pieces:
        if not piece.raw:
            words.append(piece.words if opened else "")
            continue
        said, last = without_comments(piece.words), 0
        for tag in _TAG.finditer(said):
            name = tag[2].lower()
            if opened and tag[1] and name == opened[0]:
                words.append(said[last : tag.start()])
                if name != "style":
                    yield from _told(*opened, words, _REMOVED)
                opened, words = None, []
            elif not opened and not tag[1]:
                opened, words = (name, piece.place(tag.start(), tag.end())), []
                last = tag.end()
        words.append(said[last:] if opened else "")
    if opened:
        yield from _told(*opened, words, _SWALLOWS_ALL)


_REMOVED = say("<{name}> is removed with what stands in it: readers would not see “{lost}”")
_SWALLOWS_ALL = say("<{name}> has no end, and swallows all that follows: readers would not see “{lost}”")


def _told(name: str, place: Place, words: list[str], fate: Sentence) -> Iterator[Diagnostic]:
    if lost := " ".join(_MARKUP.sub(" ", "".join(words)).split()):
        message = say(fate, name=name, lost=shortened(lost))
        yield CODE.at(place, message, help=say("write it in backticks, `<{name}>`, or &lt;{name}>", name=name))
