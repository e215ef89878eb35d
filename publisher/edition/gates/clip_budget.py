"""Gmail cuts a message off near 102 kB and hides the rest, the unsubscribe link with it."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.config import Config
from publisher.config.model import Clip
from publisher.diagnostics import Diagnostic, Severity, define
from publisher.edition.model import Edition, Sizes
from publisher.issue.model import Issue

BUDGET = Clip().decoded

CLIP_BUDGET = define(
    "clip-budget",
    Severity.ERROR,
    """The email is so long that Gmail would cut it off.

## Why it matters

Gmail hides what comes after about 102 kB of a message behind a link, and with it the unsubscribe link. The HTML may
take 100 kB as written (`checks.clip.decoded` in config.yaml).

## Example

A hundred items with commentary in one issue. Split the issue, shorten its items, or write `overflow: web` in
issue.yaml: the email then ends after an item and leads on to the web page.
""",
)
CLIP_BUDGET_NEAR = define(
    "clip-budget-near",
    Severity.WARNING,
    """The email is so long that Gmail may cut it off.

## Why it matters

Whether Gmail counts a message as written or as encoded for transport is not certain: those who measured it disagree.
Encoded, this one takes more than 100 kB (`checks.clip.encoded` in config.yaml), and Chinese text takes a third more
encoded than written.

## Example

Seventy Chinese items in one issue. Shorten them, or write `overflow: web` in issue.yaml.
""",
)
_HELP = "shorten the items, split the issue, or write overflow: web in issue.yaml"


def over(sizes: Sizes, clip: Clip) -> bool:
    """Whether an email of these sizes would, or may, be cut off."""
    return sizes.html > clip.decoded or sizes.html_encoded > clip.encoded


def check(edition: Edition, issue: Issue, config: Config) -> Iterator[Diagnostic]:
    """One finding, at the issue's items, where the HTML is over one of the sizes."""
    sizes, clip = edition.sizes, config.checks.clip
    if over(sizes, clip):
        certain = sizes.html > clip.decoded
        size, limit = (sizes.html, clip.decoded) if certain else (sizes.html_encoded, clip.encoded)
        message = f"the email's HTML takes {size / 1000:.1f} kB {'as written' if certain else 'as encoded'}"
        code = CLIP_BUDGET if certain else CLIP_BUDGET_NEAR
        yield code.at(issue.places.of("items"), f"{message}, of {limit / 1000:.0f} kB", help=_HELP)
