"""A merge conflict was committed.

## Why it matters

Both versions would reach readers, with git's marks between them.

## Example

    <<<<<<< HEAD
    One version.
    =======
    Another.
    >>>>>>> headline

Keep one version, and delete the lines of `<`, `=` and `>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("merge-conflict", Severity.ERROR, __doc__)
_CONFLICT = re.compile(r"^<{7} .*\n(?:.*\n)*?={7}\n(?:.*\n)*?>{7} ", re.MULTILINE)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for both marks of git's, in this order."""
    for text in context.texts:
        for found in _CONFLICT.finditer(text.prose.text):
            line = text.prose.text.count("\n", 0, found.start())
            place = text.prose.place(line, 0, 7)
            yield CODE.at(
                place, "a merge conflict is not resolved", help="keep one version; delete the lines of <, = and >"
            )
