"""From files, ledger and archive to the facts that decisions rest on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from pathlib import Path

from publisher.config import Config
from publisher.database import Database
from publisher.delivery.mark import forgotten
from publisher.edition.model import Edition
from publisher.issue import Status, read_issue
from publisher.publishing import store
from publisher.publishing.content import content_of
from publisher.publishing.due import Facts, Mailed, Policy
from publisher.publishing.live import provenance_of_page
from publisher.publishing.store import Publication
from publisher.site.deploy import Destination
from publisher.site.model import Prepared
from publisher.site.paths import issue_path

_RECIPIENT = re.compile(r"[0-9a-f]{8}-\d+\.eml")


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the database says, read in one transaction."""

    publications: Mapping[str, Publication]
    mailed: Mapping[str, Mailed]
    forgotten: Mapping[str, str] = field(default_factory=dict)  # by slug: what was mailed that it knows less of


def read_ledger(database: Database, slugs: Sequence[str] = ()) -> Ledger:
    """All of it, and whether it knows less of ``slugs`` than was done."""
    with database.connect() as connection:
        found = {slug: fault for slug in slugs if (fault := forgotten(database, connection, slug))}
        return Ledger(store.all_publications(connection), store.mailed(connection), found)


def policy_of(config: Config) -> Policy:
    """``publish`` of config.yaml."""
    return Policy(config.publish.expires_after, config.publish.veto_window)


def gather(
    config: Config,
    prepared: Sequence[Prepared],
    ledger: Ledger,
    claimed: Callable[[str], str | None] = lambda _slug: None,
) -> list[Facts]:
    """The facts of every issue that is in the repository, was live, or is being mailed.

    ``claimed(slug)`` says who has an issue that the ledger does not know; it is asked of no other.
    """
    found = [_facts(config, one, ledger, claimed) for one in prepared]
    here = {one.slug for one in prepared}
    for slug in sorted((ledger.publications.keys() | ledger.mailed.keys()) - here):
        publication = ledger.publications.get(slug)
        if slug in ledger.mailed or (publication and publication.archived_at):
            found.append(Facts(slug, ready=False, in_repository=False, archived=True, mailed=ledger.mailed.get(slug)))
    return found


def _facts(config: Config, one: Prepared, ledger: Ledger, claimed: Callable[[str], str | None]) -> Facts:
    publication = ledger.publications.get(one.slug, Publication(one.slug))
    facts = Facts(
        one.slug,
        ready=not (one.draft or (one.broken and _is_draft(config, one.slug))),
        broken=one.broken,
        held_at=publication.held_at,
        held_why=publication.held_why,
        archived=publication.archived_at is not None,
        forgotten=ledger.forgotten.get(one.slug),
        settled=publication.settled_how,
    )
    edition = one.edition
    if edition is None or one.draft:
        return facts
    mailed = ledger.mailed.get(one.slug)
    content = None
    if mailed is None or mailed.digest != edition.digest or publication.mailed_content is None:
        content = content_of(edition)
    if mailed:
        mailed = replace(mailed, content=publication.mailed_content)
    same = content is not None and publication.seen_content == content
    unknown = mailed is None and publication.archived_at is None and publication.settled_how is None
    return replace(
        facts,
        publish_at=edition.publish_at,
        day_ends=datetime.combine(edition.date, time.max, config.newsletter.zone),
        digest=edition.digest,
        content=content,
        mailed=mailed,
        asked=one.slug in config.publish.unmailed,
        known=publication.seen_at is not None,
        seen_at=publication.seen_at if same else None,
        claimed=claimed(one.slug) if unknown else None,
    )


def _is_draft(config: Config, slug: str) -> bool:
    """Whether a broken issue says at least that it is a draft: a draft may be broken, and nobody minds."""
    partial = read_issue(config, slug).partial
    return partial is not None and partial.status is Status.DRAFT


def who_has(config: Config, place: Destination | None) -> Callable[[str], str | None]:
    """Looks whether readers have an issue: a page of it where the archive is deployed, messages where they are written.

    An archive that is built in its place says nothing: ``publisher build`` writes there too.
    """

    def look(slug: str) -> str | None:
        html = place.read(issue_path(slug) + "index.html") if place else None
        if html is not None and provenance_of_page(html):
            return "the archive"
        if config.delivery.transport == "folder" and _has_messages(config.root / config.delivery.folder.path / slug):
            return "the outbox"
        return None

    return look


def _has_messages(folder: Path) -> bool:
    """Whether a mailing wrote there; ``send --test`` does too, under other names."""
    return folder.is_dir() and any(_RECIPIENT.fullmatch(file.name) for file in folder.iterdir())


def editions_of(prepared: Sequence[Prepared]) -> dict[str, Edition]:
    """The editions by slug."""
    return {one.slug: one.edition for one in prepared if one.edition is not None}
