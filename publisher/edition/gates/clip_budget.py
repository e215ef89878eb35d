"""Gmail cuts a message off near 102 kB and hides the rest, the unsubscribe link with it."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.config import Config
from publisher.diagnostics import Diagnostic, Severity, define
from publisher.edition.model import Edition
from publisher.issue.model import Issue

BUDGET = 80_000
WARNING = 64_000

CLIP_BUDGET = define(
    "clip-budget",
    Severity.ERROR,
    """The email is so long that Gmail would cut it off.

## Why it matters

Gmail hides what comes after about 102 kB of a message behind a link, and with it the unsubscribe link. The HTML may
take 80 kB, as written and as encoded for transport, so that there is room for what providers add.

## Example

Sixty items with commentary in one issue. Split the issue, or shorten its items and link to the archive.
""",
)
CLIP_BUDGET_NEAR = define(
    "clip-budget-near",
    Severity.WARNING,
    """The email comes near the size at which Gmail cuts it off.

## Why it matters

Above 80 kB of HTML, as written or as encoded, the issue is refused (`clip-budget`); this one is above 64 kB.

## Example

Forty items in one issue.
""",
)


def check(edition: Edition, issue: Issue, _config: Config) -> Iterator[Diagnostic]:
    """One finding at the issue's items when the larger of both sizes is over the budget, or near it."""
    size = max(edition.sizes.html, edition.sizes.html_encoded)
    code = CLIP_BUDGET if size > BUDGET else CLIP_BUDGET_NEAR
    if size > WARNING:
        yield code.at(
            issue.places.of("items"),
            f"the email's HTML takes {size / 1000:.1f} kB as encoded, of {BUDGET // 1000} kB",
            help="shorten the items, or split the issue",
        )
