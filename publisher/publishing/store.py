"""Store of publications and deployments."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from publisher.config import Config
from publisher.database import Database
from publisher.database.bulk import insert_into
from publisher.delivery.mailings import every_newest, only_in_folder, reached_nobody, runs, unsettled, waiting
from publisher.delivery.states import RecipientState
from publisher.diagnostics import say
from publisher.errors import UsageError
from publisher.issue.folder import SERIES
from publisher.proofing.proof import refuse_unknown
from publisher.publishing.due import Action, Mailed
from publisher.publishing.tables import deployments, publications


@dataclass(frozen=True, slots=True)
class Publication:
    """Record of an issue's publication. A field is None until the event has happened."""

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


def all_publications(connection: Connection) -> dict[str, Publication]:
    """Return all publications by slug."""
    return {row.slug: Publication(**row._asdict()) for row in connection.execute(select(publications))}


def publication(connection: Connection, slug: str) -> Publication:
    """Return the publication of an issue, an empty one if there is none."""
    row = connection.execute(select(publications).where(publications.c.slug == slug)).first()
    return Publication(**row._asdict()) if row else Publication(slug)


def set_aside(connection: Connection) -> dict[str, str]:
    """Return, by slug, what an operator decided of issues not to be mailed: ``held``, or ``settled`` (elsewhere)."""
    every = all_publications(connection).values()
    held = {one.slug: Action.HELD.value for one in every if one.held_at}
    return held | {one.slug: Action.SETTLED.value for one in every if one.settled_how == "mailed"}


def note(connection: Connection, slug: str, **values: Any) -> None:
    """Update columns of an issue's publication, inserting it if there is none."""
    entered = insert_into(connection, publications).values(slug=slug, **values)
    connection.execute(entered.on_conflict_do_update(index_elements=["slug"], set_=values))


def mailed(connection: Connection, slug: str | None = None) -> dict[str, Mailed]:
    """Return the newest mailing of each issue, or of ``slug``, which may be a step; ``content`` is left None."""
    worked, tried, found = runs(connection), only_in_folder(connection), {}
    for mailing in every_newest(connection, slug):
        if slug is None and "/" in mailing.slug:
            continue  # a step or a month's edition is not an issue
        left = unsettled(connection, mailing.id)
        found[mailing.slug] = Mailed(
            mailing.digest, None, mailing.operator, left[RecipientState.PENDING] + left[RecipientState.CLAIMED],
            left[RecipientState.UNCERTAIN], mailing.reference, tuple(worked.get(mailing.id, ())),
            mailing.finished_at is not None, reached_nobody(connection, mailing), mailing.id in tried,
            *waiting(connection, mailing.id), mailing.title, mailing.frozen_at,
        )  # fmt: skip
    return found


def last_deployment(connection: Connection) -> tuple[str, bool] | None:
    """Return the commit of the newest deployment that has one, and whether that deployment finished."""
    d = deployments.c
    query = select(d.commit, d.finished_at).where(d.commit.is_not(None)).order_by(d.id.desc()).limit(1)
    row = connection.execute(query).first()
    return (row.commit, row.finished_at is not None) if row else None


def begin_deployment(connection: Connection, commit: str | None, target: str, now: datetime) -> int:
    """Record the start of a deployment; return its number."""
    values = {"commit": commit, "target": target, "started_at": now, "written": 0, "removed": 0}
    number: int = connection.execute(insert(deployments).values(values).returning(deployments.c.id)).scalar_one()
    return number


def end_deployment(connection: Connection, number: int, now: datetime, written: int, removed: int) -> None:
    """Record the end of a deployment."""
    values = {"finished_at": now, "written": written, "removed": removed}
    connection.execute(update(deployments).where(deployments.c.id == number).values(values))


def forget_sight(connection: Connection, slugs: Iterable[str]) -> None:
    """Make issues that are no longer ready begin a new veto window when they are ready again."""
    gone = list(slugs)
    if gone:
        where = publications.c.slug.in_(gone)
        connection.execute(update(publications).where(where).values(seen_at=None, seen_content=None))


def hold(config: Config, database: Database, slug: str, why: str = "") -> str:
    """Hold an issue; return the reply. Raises UsageError: no such issue, a step of a series, or mailed already."""
    refuse_unknown(config, slug)
    if slug.startswith(f"{SERIES}/"):
        advice = say("write status: draft in its file; publisher pause {slug} lets those who are left wait", slug=slug)
        raise UsageError(say("{slug} is a step of a series, and only issues are held", slug=slug), help=advice)
    with database.begin() as connection:
        newest_mailing = mailed(connection, slug).get(slug)
        if newest_mailing and not newest_mailing.sendable and not newest_mailing.nobody:
            advice = say("correct it in a commit; publish then says so in the archive")
            raise UsageError(say("{slug} has been mailed: it cannot be held back", slug=slug), help=advice)
        at = publication(connection, slug).held_at or datetime.now(UTC)
        note(connection, slug, held_at=at, held_why=" ".join(why.split()))
    if newest_mailing and newest_mailing.sendable:
        return say(
            "{slug} is held: publish does not go on with its mailing; publisher pause {slug} stops a sender", slug=slug
        )
    return say("{slug} is held: publish does not mail it until publisher hold {slug} --release", slug=slug)


def release(config: Config, database: Database, slug: str) -> str:
    """Release a held issue; return the reply. Its veto window and schedule continued during the hold."""
    with database.begin() as connection:
        if publication(connection, slug).held_at is None:
            refuse_unknown(config, slug)
            return say("{slug} is not held", slug=slug)
        note(connection, slug, held_at=None, held_why="")
    return say("{slug} is released: publish mails it when it is due", slug=slug)
