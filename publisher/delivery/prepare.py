"""From an issue's files to an edition that may be sent: checked, rendered, ready."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from publisher.config.model import Config
from publisher.diagnostics import Diagnostic
from publisher.edition.model import Edition

if TYPE_CHECKING:
    from publisher.issue import Reading


@dataclass(frozen=True, slots=True)
class Prepared:
    """The edition, or why there is none: errors among the diagnostics, or a refusal in one line."""

    edition: Edition | None
    diagnostics: Sequence[Diagnostic]
    refusal: str | None = None
    help: str | None = None
    early: datetime | None = None  # ``publish_at``, where that is still to come


def prepare(config: Config, slug: str, *, drafts: bool = False, now: datetime | None = None) -> Prepared:
    """Check and render the issue ``slug``. A draft is refused, unless ``drafts``. Raises UsageError: no such issue."""
    from publisher.edition.proof import proofread
    from publisher.errors import UsageError
    from publisher.issue import discover

    if slug not in (known := discover(config.root)):
        raise UsageError(
            f"there is no issue {slug}", help=f"the newest is {known[-1]}" if known else f"publisher new {slug}"
        )
    proof = proofread(config, slug)
    found, edition = proof.diagnostics(config), proof.edition
    if edition is None:
        return Prepared(None, found, f"{slug} has errors", f"publisher check {slug}")
    if proof.draft and not drafts:
        return Prepared(None, found, f"{slug} is a draft", "write status: ready in its issue.yaml")
    at = edition.publish_at
    return Prepared(edition, found, early=at if at and at > (now or datetime.now(UTC)) else None)


def readings(config: Config, without: Collection[str] = ()) -> list[Reading]:
    """Every issue as far as it can be read, but for those in ``without``."""
    from publisher.issue import discover, read_issue

    return [read_issue(config, slug) for slug in discover(config.root) if slug not in without]


def ready_issues(found: Sequence[Reading]) -> list[tuple[str, date, datetime | None]]:
    """Slug, date and ``publish_at`` of each ready issue that can be read."""
    from publisher.issue.model import Status

    issues = ((reading.slug, reading.issue) for reading in found)
    return [(slug, i.date, i.publish_at) for slug, i in issues if i is not None and i.status is Status.READY]
