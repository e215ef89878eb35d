"""The functions of ``import publisher``, over the same packages as the command line; each imports what it needs.

Each takes the root of a newsletter's repository and prints nothing. All raise ConfigError if config.yaml cannot be
used, and UsageError for an issue that does not exist.
"""

from __future__ import annotations

import logging
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import ContentError, PublisherError, UsageError

if TYPE_CHECKING:
    from publisher.config import Config
    from publisher.diagnostics import Diagnostic
    from publisher.edition.model import Edition
    from publisher.issue.model import Issue
    from publisher.providers import Transport
    from publisher.publishing.publish import PublishOptions
    from publisher.publishing.run import Published, RunObserver
    from publisher.site.model import BuildResult

POST_SECONDS = 300.0
"""Maximum time that a run of publish spends on confirmation mail."""
_SILENT = logging.NullHandler()


def load(root: str | PathLike[str], slug: str) -> Issue:
    """Load the issue ``slug``, checked by every rule that needs no other issue. Raises ContentError for errors."""
    from publisher.checks.engine import check_issue

    issue, found = check_issue(_config(root, slug), slug)
    if issue is None:
        raise ContentError(f"{slug} has errors", diagnostics=found)
    return issue


def check(root: str | PathLike[str], *slugs: str) -> list[Diagnostic]:
    """All findings about the issues ``slugs``, sorted; without slugs, about the whole repository."""
    from publisher.proofing.checking import check_repository

    return list(check_repository(_config(root, *slugs), slugs or None).diagnostics)


def render(root: str | PathLike[str], slug: str, *, drafts: bool = True) -> Edition:
    """Render the edition of an issue. Raises ContentError for errors, UsageError for a draft unless ``drafts``."""
    from publisher.proofing.proof import proofread

    proof = proofread(_config(root, slug), slug)
    if proof.edition is None:
        raise ContentError(f"{slug} has errors", diagnostics=proof.findings)
    if proof.draft and not drafts:
        raise UsageError(f"{slug} is a draft", help="pass drafts=True, or write status: ready in its issue.yaml")
    return proof.edition


def build(
    root: str | PathLike[str], out: str | PathLike[str] = "dist", *slugs: str, drafts: bool = False
) -> BuildResult:
    """Write emails (of ``slugs``; by default all) and the archive into ``out``, relative to the repository's root.

    Raises UsageError and DeployError, as :func:`publisher.site.build.build`.
    """
    from publisher.site.build import build as build_repository

    config = _config(root)
    return build_repository(config, slugs, config.root / out, drafts)


def publish(root: str | PathLike[str], *, transport: Transport | None = None) -> Published:
    """Publish what is due, as :func:`publish_due`; ``transport`` replaces the configured provider."""
    from publisher.publishing.publish import PublishOptions

    return publish_due(_config(root), PublishOptions(transport=transport))


def publish_due(config: Config, options: PublishOptions, observer: RunObserver | None = None) -> Published:
    """Publish what is due, then send waiting confirmation mail, and report trouble to ``alerts.webhook``.

    Raises UsageError (placeholders in config.yaml, an older or foreign history), DatabaseError, DeployError,
    TransportError; whatever was done by then is recorded.
    """
    from publisher.config.load import refuse_placeholders
    from publisher.database import open_database
    from publisher.delivery.tripwires import alert
    from publisher.diagnostics import say
    from publisher.publishing.publish import publish
    from publisher.publishing.run import RunObserver
    from publisher.web.confirmation import post

    observer = observer or RunObserver()
    refuse_placeholders(config)
    with closing(open_database(config)) as database:
        published = publish(config, database, options, observer)
        try:
            post(config, database, POST_SECONDS, options.transport)
        except PublisherError as error:
            observer.note(say("confirmation mail waits: {fault}", fault=error.message))
    if trouble := alert(config, published.tripped):
        observer.note(trouble)
    return published


def _config(root: str | PathLike[str], *slugs: str) -> Config:
    """Load the config of the repository at ``root``; raises UsageError unless it has the issues ``slugs``."""
    from publisher.config import load_config
    from publisher.proofing.proof import refuse_unknown

    logging.getLogger("publisher").addHandler(_SILENT)  # otherwise Python prints warnings to stderr
    config = load_config(Path(root))
    for slug in slugs:
        refuse_unknown(config, slug)
    return config
