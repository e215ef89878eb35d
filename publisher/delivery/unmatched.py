"""Messages that a provider proves and no recipient of the ledger matches: the database was put back to an older copy.

An event carries our recipient id and the address. Where the ledger has no such recipient, it is noted which subscriber
it was; once an operator says that the issue goes on as this database knows it, those of its forgotten mailing count as
reached (:mod:`publisher.delivery.candidates`), so that none of them gets a second copy.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, literal, select, update

from publisher.audience.tables import subscribers, taken_steps
from publisher.database.bulk import insert_once
from publisher.database.metadata import Instant
from publisher.delivery.lock import mark_path, read_mark
from publisher.delivery.states import Exclusion, RecipientState
from publisher.delivery.tables import literally, mailings, recipients, unmatched_messages
from publisher.issue.folder import SERIES

KEPT = timedelta(days=30)
"""For how long a message is kept whose mailing nobody asked about: another newsletter of the account mailed it."""

u = unmatched_messages.c


def note_unmatched(connection: Connection, mailing: str, number: int, reference: str, at: datetime) -> None:
    """Keep that a subscriber, by reference, has a message of a mailing that the ledger knows nothing of."""
    row = {"mailing": mailing, "number": number, "reference": reference, "at": at, "slug": None}
    insert_once(connection, unmatched_messages, row | {"received_at": datetime.now(UTC)})


def forget_unmatched(connection: Connection) -> None:
    """Drop what was received 30 days ago and nobody asked about."""
    before = datetime.now(UTC) - KEPT
    connection.execute(delete(unmatched_messages).where(u.slug.is_(None), u.received_at < before))


def count_as_reached(connection: Connection, slug: str, *references: str | None) -> int:
    """From now on those of these forgotten mailings, by reference, have had ``slug``; how many subscribers they are.

    So have those of its mailings of which the ledger lacks the last readers, and of those of the mark beside it.
    """
    mark = read_mark(mark_path(connection.engine.url, slug))
    known = connection.scalars(select(mailings.c.reference).where(mailings.c.slug == slug))
    wanted = {one for one in (*references, *known, *(mark.mailings if mark else ())) if one}
    connection.execute(update(unmatched_messages).where(u.mailing.in_(wanted)).values(slug=slug))
    if slug.startswith(f"{SERIES}/"):
        t, had = taken_steps.c, select(taken_steps.c.reference).where(taken_steps.c.step == slug)
        theirs = select(u.reference, literal(slug), func.min(u.at, type_=Instant)).where(u.slug == slug)
        theirs = theirs.where(u.reference.not_in(had)).group_by(u.reference)
        connection.execute(insert(taken_steps).from_select([t.reference, t.step, t.at], theirs))
    if (had_it := inboxes_with(connection, slug)) is not None:  # who waits for another mailing of it than they got
        r, ours = recipients.c, select(mailings.c.id).where(mailings.c.slug == slug)
        waiting = update(recipients).where(r.mailing_id.in_(ours), r.state == literally(RecipientState.PENDING))
        values = {"state": RecipientState.EXCLUDED, "reason": Exclusion.REACHED, "changed_at": datetime.now(UTC)}
        connection.execute(waiting.where(r.reference.in_(select(subscribers.c.reference).where(had_it))).values(values))
    people = select(func.count(u.reference.distinct())).where(u.mailing.in_(wanted))
    return connection.execute(people).scalar_one()


def inboxes_with(connection: Connection, *slugs: str) -> ColumnElement[bool] | None:
    """Of a subscriber: the inbox has one of these issues, by such a message. None where there is no such message."""
    if connection.execute(select(u.number).where(u.slug.in_(slugs)).limit(1)).first() is None:
        return None
    other = subscribers.alias("had")
    found = select(other.c.mailbox_key).join(unmatched_messages, u.reference == other.c.reference)
    return subscribers.c.mailbox_key.in_(found.where(u.slug.in_(slugs)))


def had_step_since(reference: ColumnElement[str], moment: datetime) -> ColumnElement[bool]:
    """Whether a subscriber, by reference, had a step of a series after that moment, by such a message."""
    return exists().where(u.reference == reference, u.slug.like(f"{SERIES}/%"), u.at > moment)
