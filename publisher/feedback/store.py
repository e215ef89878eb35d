"""Statements of feedback: store an event once, find events that wait for a row, recognise repeated SNS messages."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, exists, func, select, type_coerce, update

from publisher.database.bulk import insert_once
from publisher.database.metadata import Instant
from publisher.delivery.settle import id_of
from publisher.delivery.states import RecipientState
from publisher.delivery.tables import mailings, recipients
from publisher.feedback.tables import clicks, feedback_events, sns_messages
from publisher.providers.events import BounceType, Event, EventKind

WAITS = timedelta(days=30)
"""How long an event waits for its ledger row. Without a limit, other mail of the same account would fill the table."""

ClickSums = Counter[tuple[str, int, str, bool]]
"""Clicks by (issue, link number, day in ISO 8601, made by machines)."""

REMEMBERS = timedelta(days=3)
"""How long an SNS message id is stored: longer than a provider repeats a message (SNS: one day)."""


def keep(
    connection: Connection, event: Event, *, waits: bool, recipient: str | None = None, machine: bool = False
) -> bool:
    """Store the event, with the ledger's ``recipient`` or as waiting for one. Return False if it is stored already."""
    row = {
        "digest": event.digest, "kind": event.kind.value, "message_id": event.message_id,
        "mailing": _mailing_of(recipient) or event.mailing,
        "recipient": recipient or (event.recipient if id_of(event.recipient) else None),  # a tag may be forged
        "domain": event.domain[:255],  # the column's length: a receiver may report any text
        "type": event.type, "subtype": event.subtype, "detail": event.detail, "machine": int(machine), "at": event.at,
        "received_at": datetime.now(UTC), "settled": int(not waits),
    }  # fmt: skip
    return insert_once(connection, feedback_events, row)


def waiting(connection: Connection, limit: int) -> list[tuple[int, Event]]:
    """Return row id and event of the waiting events without tags whose message id the ledger has learned since."""
    e = feedback_events.c
    moment = type_coerce(func.coalesce(e.at, e.received_at), Instant)
    query = (
        select(e.id, e.kind, e.message_id, e.type, e.subtype, moment.label("moment"))
        .where(e.settled == 0, e.message_id != "", exists().where(recipients.c.message_id == e.message_id))
        .order_by(e.id)
        .limit(limit)
    )
    return [
        (row.id, Event(EventKind(row.kind), row.message_id, row.moment, type=row.type, subtype=row.subtype))
        for row in connection.execute(query)
    ]


def settled(connection: Connection, event_id: int, recipient: str | None) -> None:
    """Mark a waiting event as settled, with the recipient it was about."""
    values = {"settled": 1, "mailing": _mailing_of(recipient), "recipient": recipient}
    connection.execute(update(feedback_events).where(feedback_events.c.id == event_id).values(values))


def forget_waiting(connection: Connection) -> None:
    """Delete events that waited too long. They were about other mail of the same account."""
    e, before = feedback_events.c, datetime.now(UTC) - WAITS
    connection.execute(delete(feedback_events).where(e.settled == 0, e.received_at < before))


def transient_streak(connection: Connection, reference: str, mailing_id: int | None) -> int:
    """Return how many consecutive issues, that of this mailing among them, bounced transiently for this subscriber.

    A delivered issue, or one without feedback, ends a run; issues not mailed to the subscriber do not count.
    """
    m, r = mailings.c, recipients.c
    query = (
        select(m.id, m.slug, r.bounce, r.bounced_at)
        .join(mailings, m.id == r.mailing_id)
        .where(r.reference == reference, r.state == RecipientState.SUBMITTED)
        .order_by(m.id)
    )
    run, here, last_slug = 0, False, None
    for key, slug, bounce, bounced_at in connection.execute(query):
        type_, _, subtype = (bounce or "").partition("/")
        told = bounced_at is not None and type_ in {BounceType.TRANSIENT, BounceType.UNDETERMINED}
        if told and Event(EventKind.BOUNCE, "", None, type=type_, subtype=subtype).is_transient:
            run += slug != last_slug  # otherwise a correction of the same issue
            here, last_slug = here or key == mailing_id, slug
        elif here:
            break
        else:
            run, last_slug = 0, None
    return run if here else 0


def count_clicks(connection: Connection, sums: ClickSums) -> None:
    """Add ``sums`` to the stored click counts."""
    c = clicks.c
    for (slug, number, day, machines), more in sorted(sums.items()):
        insert_once(connection, clicks, {"slug": slug, "number": number, "day": day, "people": 0, "machines": 0})
        column = c.machines if machines else c.people
        row = update(clicks).where(c.slug == slug, c.number == number, c.day == day)
        connection.execute(row.values({column: column + more}))


def bounce_detail(event: Event) -> str:
    """Return a bounce as the ledger stores it: ``permanent/General``."""
    return f"{event.type}/{event.subtype}"[:80]


def remember_message(connection: Connection, message_id: str) -> bool:
    """Store an SNS message id and delete expired ones. Return False if the id is stored already."""
    now = datetime.now(UTC)
    connection.execute(delete(sns_messages).where(sns_messages.c.at < now - REMEMBERS))
    return insert_once(connection, sns_messages, {"id": message_id, "at": now})


def _mailing_of(recipient: str | None) -> str | None:
    """Return the mailing's reference, which is the prefix of a recipient id."""
    return recipient.partition("-")[0] if recipient else None
