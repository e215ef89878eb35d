"""The item has no commentary, and config.yaml asks for one."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("commentary-missing", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for items without one, where config asks."""
    if context.config.checks.commentary == "required":
        for item in context.issue.items:
            if item.commentary is None:
                message = say(
                    "“{headline}” has no commentary, and config.yaml asks for one", headline=item.headline[:40]
                )
                yield CODE.at(item.places.of(), message, help=say("add it between ::: commentary and :::"))
