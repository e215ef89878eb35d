"""What was to be taken out before publishing: the marks of a merge conflict, and texts to fill in."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.issue import Prose, Status
from publisher.issue.starter import placeholders

CONFLICT = define("merge-conflict", Severity.ERROR)
PLACEHOLDER_LEFT = define("placeholder-left", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for both, for texts to fill in where the issue is ready."""
    yield from _conflicts(context)
    yield from _placeholders(context)


def _conflicts(context: Context) -> Iterator[Diagnostic]:
    """The marks of git's, in their order."""
    for text in context.texts:
        opened, parted = None, False
        for number, line in enumerate(text.prose.lines):
            if opened is None and line.startswith("<<<<<<< "):
                opened, parted = number, False
            elif opened is not None and line == "=======":
                parted = True
            elif opened is not None and parted and line.startswith(">>>>>>> "):
                place, opened = text.prose.place(opened, 0, 7), None
                yield CONFLICT.at(
                    place,
                    say("a merge conflict is not resolved"),
                    help=say("keep one version; delete the lines of <, = and >"),
                )


def _placeholders(context: Context) -> Iterator[Diagnostic]:
    """The texts of ``publisher new`` in a ready issue."""
    issue = context.issue
    if issue.status is not Status.READY:
        return
    texts = placeholders()
    plain = [(issue.title, issue.places.of("title")), *((i.headline, i.places.of("headline")) for i in issue.items)]
    found = [place for text, place in plain if text in texts]
    found += [place for text in context.texts if (place := _place(text.prose, texts))]
    for place in found:
        message = say("a text to fill in still stands here, and the issue is ready")
        yield PLACEHOLDER_LEFT.at(place, message, help=say("replace it, or delete it; or leave the issue a draft"))


def _place(prose: Prose, texts: tuple[str, ...]) -> Place | None:
    for number, line in enumerate(prose.lines):
        for text in texts:
            if text in line:
                start = line.index(text)
                return prose.place(number, start, start + len(text))
    return None
