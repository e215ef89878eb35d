"""An HTML comment has no end."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.html import RemovedKind, removals
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.markdown.tags import COMMENT

CODE = define("comment-unclosed", Severity.ERROR, fixed=True)


def check(context: Context) -> Iterator[Diagnostic]:
    """Comments that the text's end cuts off, and those that only the end of another one closes."""
    for text in context.texts:
        for fragment, place in text.html():
            for removal in removals(fragment):
                if removal.kind is RemovedKind.UNCLOSED_COMMENT:
                    message = say("the comment that opens here is not closed")
                    yield CODE.at(place(removal.start, removal.start + 4), message, help=say("write --> at its end"))
            for comment in COMMENT.finditer(fragment):
                if "<!--" in (said := comment[0][4:]) and comment[0].endswith("-->"):
                    lost = shortened(" ".join(said.partition("<!--")[0].split()))
                    message = say(
                        "the comment that opens here is not closed before another begins: it hides “{lost}”", lost=lost
                    )
                    start = comment.start()
                    yield CODE.at(place(start, start + 4), message, help=say("write --> at its end"))
