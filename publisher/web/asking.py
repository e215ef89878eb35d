"""``audience ask``: whoever was not heard of for long is asked whether they still read, reminded, and let go.

Heard is what a person did (subscribed, confirmed, came back, chose something, answered), what an operator vouched for,
and an open or click that a feedback event tells of and no machine made; a delivery is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Select, and_, case, cast, func, or_, select, text

from publisher.audience import store
from publisher.audience.model import ConsentEvent, ConsentSource, ConsentState
from publisher.audience.suppressions import Reason
from publisher.audience.tables import confirmations, consents, subscribers, suppressions
from publisher.database.bulk import among, insert_rows
from publisher.delivery import folding
from publisher.delivery.settle import id_of
from publisher.delivery.states import RecipientState
from publisher.delivery.tables import foldings, mailings, recipients
from publisher.feedback.tables import feedback_events
from publisher.providers.events import EventKind
from publisher.web import outbox

REMINDERS = 2
"""So many follow the question; silence after the last is the answer."""

s, q = subscribers.c, confirmations.c
_READS = and_(feedback_events.c.kind.in_((EventKind.OPEN.value, EventKind.CLICK.value)), feedback_events.c.machine == 0)


@dataclass(frozen=True, slots=True)
class Asking:
    """How many are asked, reminded, and let go."""

    asked: int = 0
    reminded: int = 0
    let_go: int = 0


def ask(connection: Connection, since: datetime, waited: datetime, *, act: bool = False) -> Asking:
    """Ask who was not heard of after ``since``; who is silent since a mail before ``waited`` comes to the next step.

    One mailbox, whatever its spellings, is asked once at a time. Without ``act`` this only counts. Else the mails are
    in the outbox when the transaction ends, and a second call finds nothing to do.
    """
    if act and connection.dialect.name == "postgresql":  # two calls at once would both find the same silence
        connection.execute(text("LOCK TABLE confirmations IN SHARE ROW EXCLUSIVE MODE"))
    rows = connection.execute(_silent(connection, since, waited)).all()
    due = [row for row in rows if row.mails <= REMINDERS]
    gone = [row for row in rows if row.mails > REMINDERS]
    if act:
        at = store.now()
        outbox.enter_asking(connection, [row.id for row in due], at)
        held = {"reason": Reason.SILENT.value, "detail": "", "at": at}
        insert_rows(connection, suppressions, [{"mailbox_key": row.mailbox_key, **held} for row in gone])
        entries = [(row.id, ConsentEvent.ASKED, {"mail": row.mails + 1}) for row in due]
        entries += [(row.id, ConsentEvent.LET_GO, {"mails": row.mails}) for row in gone]
        same = {"at": at, "how": ConsentSource.COMMAND.value}
        history = [{"subscriber_id": key, "change": what.value, "evidence": why, **same} for key, what, why in entries]
        insert_rows(connection, consents, history)
    asked = sum(row.mails == 0 for row in due)
    return Asking(asked, len(due) - asked, len(gone))


def _silent(connection: Connection, since: datetime, waited: datetime) -> Select[Any]:
    """Each mailbox that is due: its first subscriber, and how many mails went out since it was last heard of."""
    folded = _active_in_folded(connection, since)
    heard, pause = func.max(case((store.HEARD, consents.c.at))), func.max(s.paused_until)
    mailbox = (
        select(s.mailbox_key, func.min(s.id).label("id"), func.coalesce(heard, func.min(s.created_at)).label("heard"))
        .join(consents, consents.c.subscriber_id == s.id)
        .where(s.state == ConsentState.CONFIRMED.value, s.mailbox_key.not_in(select(suppressions.c.mailbox_key)))
        .where(s.mailbox_key.not_in(_active(since)))
        .where(s.mailbox_key.not_in(select(s.mailbox_key).where(among(connection, s.reference, folded))))
        .group_by(s.mailbox_key)
        .having(or_(pause.is_(None), pause <= store.now()))
        .subquery()
    )
    went = (RecipientState.SUBMITTED, RecipientState.UNCERTAIN)
    mails = func.count(case((q.state.in_(went), q.id)))
    under_way = func.count(case((q.state.in_((RecipientState.PENDING, RecipientState.CLAIMED)), q.id)))
    mine = and_(q.subscriber_id == mailbox.c.id, q.kind == outbox.ASK, q.asked_at > mailbox.c.heard)
    return (
        select(mailbox.c.id, mailbox.c.mailbox_key, mails.label("mails"))
        .select_from(mailbox.outerjoin(confirmations, mine))
        .where(mailbox.c.heard < since)
        .group_by(mailbox.c.id, mailbox.c.mailbox_key)
        .having(and_(under_way == 0, or_(func.max(q.asked_at).is_(None), func.max(q.asked_at) <= waited)))
        .order_by(mailbox.c.id)
    )


def _active_in_folded(connection: Connection, since: datetime) -> set[str]:
    """The references of those of them whose mailing is folded."""
    e, m = feedback_events.c, mailings.c
    query = select(e.recipient).distinct().join(mailings, m.reference == e.mailing)
    query = query.join(foldings, foldings.c.mailing_id == m.id).where(_READS, e.received_at >= since, e.settled == 1)
    return folding.references(connection, filter(None, map(id_of, connection.scalars(query))))


def _active(since: datetime) -> Select[Any]:
    """The mailboxes of those who opened or clicked, as far as events tell."""
    e, m, r = feedback_events.c, mailings.c, recipients.c
    number = case((e.settled == 1, cast(func.substr(e.recipient, func.length(m.reference) + 2), Integer)))
    return (
        select(s.mailbox_key)
        .select_from(feedback_events)
        .join(mailings, m.reference == e.mailing)
        .join(recipients, and_(r.mailing_id == m.id, r.number == number))
        .join(subscribers, s.reference == r.reference)
        .where(_READS, e.received_at >= since)
    )
