"""The date of issue.yaml is not the one that the folder's name begins with.

## Why it matters

One of the two was copied from last week. The page's address and the date above it would contradict each other for ever.

## Example

`issues/2024-12-29-weekly/issue.yaml` with

    date: 2024-12-22
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define
from publisher.issue import date_of_slug

CODE = define("date-contradicts-slug", Severity.ERROR, __doc__)


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare the two, where the slug begins with a date."""
    issue = context.issue
    named = date_of_slug(issue.slug)
    if named is not None and named != issue.date:
        message = f"the date {issue.date} contradicts the slug {issue.slug}"
        yield CODE.at(issue.places.of("date"), message, help=f"write {named}, or rename the folder")
