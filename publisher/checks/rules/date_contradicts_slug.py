"""The date of issue.yaml is not the one that the folder's name begins with."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.issue import date_of_slug

CODE = define("date-contradicts-slug", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare the two, where the slug begins with a date."""
    issue = context.issue
    named = date_of_slug(issue.slug)
    if named is not None and named != issue.date:
        message = say("the date {date} contradicts the slug {slug}", date=str(issue.date), slug=issue.slug)
        yield CODE.at(
            issue.places.of("date"), message, help=say("write {named}, or rename the folder", named=str(named))
        )
