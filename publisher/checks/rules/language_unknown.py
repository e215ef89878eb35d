"""An issue is in a language that publisher has no words in."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.config.languages import UNKNOWN, unspoken
from publisher.diagnostics import Diagnostic


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at a language that the issue names itself; the newsletter's is looked at in config.yaml."""
    issue = context.issue
    if ("language",) in issue.places.values and (told := unspoken(issue.language, context.config)):
        yield UNKNOWN.at(issue.places.of("language"), told[0], help=told[1])
