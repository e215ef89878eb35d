"""A text to fill in still stands in a ready issue."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.issue import Prose, Status
from publisher.issue.starter import placeholders

CODE = define("placeholder-left", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for the texts of ``publisher new`` in a ready issue."""
    issue = context.issue
    if issue.status is not Status.READY:
        return
    texts = placeholders()
    plain = [(issue.title, issue.places.of("title")), *((i.headline, i.places.of("headline")) for i in issue.items)]
    found = [place for text, place in plain if text in texts]
    found += [place for text in context.texts if (place := _place(text.prose, texts))]
    for place in found:
        message = say("a text to fill in still stands here, and the issue is ready")
        yield CODE.at(place, message, help=say("replace it, or delete it; or leave the issue a draft"))


def _place(prose: Prose, texts: tuple[str, ...]) -> Place | None:
    for number, line in enumerate(prose.lines):
        for text in texts:
            if text in line:
                start = line.index(text)
                return prose.place(number, start, start + len(text))
    return None
