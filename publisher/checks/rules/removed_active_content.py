"""Raw HTML holds something that runs.

## Why it matters

No mail client runs scripts, and spam filters refuse messages that try. It is always removed, and never meant to be
there.

## Example

    <script src="https://example.com/count.js"></script>

    <a href="#" onclick="open()">more</a>
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.html import Kind, removals
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("removed-active-content", Severity.ERROR, __doc__, fixed=True)


def check(context: Context) -> Iterator[Diagnostic]:
    """Scripts and their like, event handlers, ``javascript:`` in attributes."""
    for text in context.texts:
        for fragment, place in text.html():
            for removal in removals(fragment):
                if removal.kind is Kind.ACTIVE:
                    message = f"{removal.what} is active content, which is removed"
                    yield CODE.at(place(removal.start, removal.end), message, help="delete it")
