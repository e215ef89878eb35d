"""What ``import publisher`` offers as functions, over the same rooms as the command line. Each loads what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publisher.config import Config
    from publisher.diagnostics import Diagnostic
    from publisher.proofing import Proof
    from publisher.publishing.publish import PublishOptions
    from publisher.publishing.run import Published, RunObserver
    from publisher.site.model import BuildResult

POST_SECONDS = 300.0
"""How long a run of publish goes on with confirmation mail."""


def load(root: str | PathLike[str] = ".") -> Config:
    """The newsletter repository at ``root``: its config.yaml, which knows where it stands.

    Raises ConfigError with every finding.
    """
    from publisher.config import load_config

    return load_config(Path(root))


def check(config: Config, *slugs: str) -> list[Diagnostic]:
    """Every finding about the issues ``slugs``, all of them and what lies around where none is named; sorted.

    Raises UsageError for an unknown issue.
    """
    from publisher.proofing import refuse_unknown
    from publisher.proofing.checking import check_repository

    for slug in slugs:
        refuse_unknown(config, slug)
    return list(check_repository(config, slugs or None).diagnostics)


def render(config: Config, slug: str) -> Proof:
    """An issue, read, checked and rendered: its findings, and its edition unless one of them is an error.

    Raises UsageError for an unknown issue.
    """
    from publisher.proofing import proofread, refuse_unknown

    refuse_unknown(config, slug)
    return proofread(config, slug)


def build(
    config: Config, out: str | PathLike[str] = "dist", *, slugs: Iterable[str] = (), drafts: bool = False
) -> BuildResult:
    """Write emails (of ``slugs``; by default all) and the archive into ``out``, relative to the repository's root.

    Raises UsageError and DeployError, as :func:`publisher.site.build.build`.
    """
    from publisher.site.build import build as build_repository

    return build_repository(config, slugs, config.root / out, drafts)


def publish(config: Config, options: PublishOptions | None = None, observer: RunObserver | None = None) -> Published:
    """Publish what is due, then go on with the confirmation mail that waits, and tell ``alerts.webhook`` of trouble.

    Raises UsageError (placeholders in config.yaml, an older or foreign history), DatabaseError, DeployError,
    TransportError; always with what was done recorded.
    """
    from publisher.config.placeholders import refuse_placeholders
    from publisher.database import open_database
    from publisher.delivery.tripwires import alert
    from publisher.errors import PublisherError
    from publisher.publishing.publish import PublishOptions
    from publisher.publishing.publish import publish as publish_due
    from publisher.publishing.run import RunObserver
    from publisher.web.confirmation import post

    options, observer = options or PublishOptions(), observer or RunObserver()
    refuse_placeholders(config)
    with closing(open_database(config)) as database:
        published = publish_due(config, database, options, observer)
        try:
            post(config, database, POST_SECONDS, options.transport)
        except PublisherError as error:
            observer.note(f"confirmation mail waits: {error.message}")
    if trouble := alert(config, published.tripped):
        observer.note(trouble)
    return published
