"""The store of publications and deployments. Every statement of the room stands here or in the lease."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from publisher.delivery.mailings import every_newest, newest, runs, unsettled
from publisher.delivery.states import RecipientState
from publisher.publishing.due import Mailed
from publisher.publishing.tables import deployments, publications


@dataclass(frozen=True, slots=True)
class Publication:
    """What is known of an issue's publication. A field is None while it has not happened."""

    slug: str
    title: str = ""
    seen_at: datetime | None = None
    seen_content: str | None = None
    held_at: datetime | None = None
    held_why: str = ""
    archived_at: datetime | None = None
    archived_digest: str | None = None
    mailed_content: str | None = None
    settled_at: datetime | None = None
    settled_how: str | None = None
    corrected_at: datetime | None = None
    corrected_content: str | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment: of which commit, and whether it came to its end."""

    id: int
    commit: str | None
    finished_at: datetime | None


def all_publications(connection: Connection) -> dict[str, Publication]:
    """Every publication by slug."""
    rows = connection.execute(select(publications)).mappings()
    return {row["slug"]: Publication(**dict(row)) for row in rows}


def publication(connection: Connection, slug: str) -> Publication:
    """That of one issue; one of which nothing has happened where nothing is known."""
    row = connection.execute(select(publications).where(publications.c.slug == slug)).mappings().first()
    return Publication(**dict(row)) if row else Publication(slug)


def note(connection: Connection, slug: str, **values: Any) -> None:
    """Write what became of an issue; a row is made where there is none."""
    changed = connection.execute(update(publications).where(publications.c.slug == slug).values(**values))
    if changed.rowcount == 0:
        connection.execute(insert(publications).values(slug=slug, **values))


def mailed(connection: Connection, slug: str | None = None) -> dict[str, Mailed]:
    """The newest mailing of each issue, or of ``slug`` alone, as decisions see it.

    ``content`` is left to the publications.
    """
    one = newest(connection, slug) if slug else None
    worked, found = runs(connection), {}
    for mailing in every_newest(connection) if slug is None else [one] if one else []:
        left = unsettled(connection, mailing.id)
        found[mailing.slug] = Mailed(
            mailing.digest,
            None,
            mailing.operator,
            left[RecipientState.PENDING] + left[RecipientState.CLAIMED],
            left[RecipientState.UNCERTAIN],
            mailing.reference,
            worked.get(mailing.id, 0),
            mailing.finished_at is not None,
        )
    return found


def last_deployment(connection: Connection) -> Deployment | None:
    """The newest deployment that knows its commit, finished or not."""
    d = deployments.c
    query = select(d.id, d.commit, d.finished_at).where(d.commit.is_not(None)).order_by(d.id.desc()).limit(1)
    row = connection.execute(query).first()
    return Deployment(*row) if row else None


def begin_deployment(connection: Connection, commit: str | None, target: str, now: datetime) -> int:
    """Write that a deployment begins; its number."""
    values = {"commit": commit, "target": target, "started_at": now, "written": 0, "removed": 0}
    number: int = connection.execute(insert(deployments).values(values).returning(deployments.c.id)).scalar_one()
    return number


def end_deployment(connection: Connection, number: int, now: datetime, written: int, removed: int) -> None:
    """Write that it came to its end."""
    values = {"finished_at": now, "written": written, "removed": removed}
    connection.execute(update(deployments).where(deployments.c.id == number).values(values))


def forget_sight(connection: Connection, slugs: Iterable[str]) -> None:
    """Issues that are no longer ready begin a new veto window when they are again."""
    gone = list(slugs)
    if gone:
        where = publications.c.slug.in_(gone)
        connection.execute(update(publications).where(where).values(seen_at=None, seen_content=None))
