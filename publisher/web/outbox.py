"""The outbox of confirmation mail: a row for each question, in the database. As in the ledger, a claim is committed
before the mail is submitted; what was claimed by who died is uncertain, and only the reader asks for it again.

``audience ask`` goes the same way: whoever was not heard of for long is asked whether they still read, reminded, and
let go. Heard is what a person did (subscribed, confirmed, came back, chose something, answered), what an operator
vouched for, and an open or click that a feedback event tells of and no machine made; a delivery is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Integer, Select, case, cast, exists, func, insert, literal, or_, select, update

from publisher.audience import store
from publisher.audience.model import ConsentEvent, ConsentSource, ConsentState, Subscriber
from publisher.audience.suppressions import Reason, Suppression, suppress, suppression
from publisher.audience.tables import confirmations, consents, subscribers, suppressions
from publisher.database.bulk import among, insert_rows
from publisher.delivery import folding
from publisher.delivery.pace import decide
from publisher.delivery.settle import id_of
from publisher.delivery.states import RecipientState
from publisher.delivery.tables import foldings, mailings, recipients
from publisher.feedback.tables import feedback_events
from publisher.providers.events import EventKind
from publisher.providers.outcomes import Outcome, Verdict

EXPIRES = timedelta(hours=48)
"""A question that could not be mailed for so long is not mailed any more: nobody remembers having asked."""
LEASE = timedelta(minutes=15)  # longer than any call to a provider: who has not recorded an outcome by then is dead
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=30), timedelta(minutes=30)

c = confirmations.c

CONFIRM, ASK = "confirm", "ask"
"""The kinds of questions."""


class Wording(StrEnum):
    """Which mail a question is; also what its words begin with."""

    CONFIRM = "mail"
    AGAIN = "again"
    """To who is subscribed already: nothing has changed."""
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """A claimed mail."""

    id: int
    subscriber: Subscriber
    asked_at: datetime
    attempt: int
    wording: Wording


def enter(connection: Connection, subscriber_id: int, at: datetime) -> None:
    """Put a question into the outbox, unless one to the same subscriber has yet to leave."""
    waiting = select(c.id).where(c.subscriber_id == subscriber_id, c.state == RecipientState.PENDING, c.kind == CONFIRM)
    if connection.execute(waiting).first() is None:
        connection.execute(insert(confirmations).values(subscriber_id=subscriber_id, **_fresh(at)))


def enter_unasked(connection: Connection) -> int:
    """Enter every pending subscriber who was never asked and may be mailed, as after ``import --pending``; how many."""
    s, at = subscribers.c, store.now()
    held = exists().where(suppressions.c.mailbox_key == s.mailbox_key)
    unasked = (s.state == ConsentState.PENDING.value) & s.asked_at.is_(None) & ~held
    values = _fresh(at)
    rows = select(s.id, *(literal(value, c[name].type) for name, value in values.items())).where(unasked).order_by(s.id)
    connection.execute(insert(confirmations).from_select(["subscriber_id", *values], rows))
    return connection.execute(update(subscribers).where(unasked).values(asked_at=at)).rowcount


def _fresh(at: datetime, kind: str = CONFIRM) -> dict[str, object]:
    return {"kind": kind, "state": RecipientState.PENDING, "attempts": 0, "asked_at": at, "due_at": at}


def next_due(connection: Connection) -> datetime | None:
    """When there is something to do next."""
    open_ = c.state.in_((RecipientState.PENDING, RecipientState.CLAIMED))
    found: datetime | None = connection.scalar(select(func.min(c.due_at)).where(open_))
    return found


def pending(connection: Connection) -> int:
    """How many wait."""
    return connection.scalar(select(func.count()).where(c.state == RecipientState.PENDING)) or 0


def claim(connection: Connection, most: int, now: datetime) -> list[ConfirmationRequest]:
    """Claim what is due. The newest first: a reader at the form does not wait behind an import of thousands."""
    dead = (c.state == RecipientState.CLAIMED) & (c.due_at <= now)
    connection.execute(update(confirmations).where(dead).values(state=RecipientState.UNCERTAIN, reason="sender-died"))
    due = (
        select(c.id, c.kind, c.attempts, c.asked_at, subscribers.c.reference)
        .join(subscribers, subscribers.c.id == c.subscriber_id)
        .where(c.state == RecipientState.PENDING, c.due_at <= now)
        .order_by(c.id.desc())
        .limit(most)
        .with_for_update(of=confirmations, skip_locked=True)
    )
    questions: list[ConfirmationRequest] = []
    for row in connection.execute(due).all():
        subscriber = store.find(connection, row.reference)
        held = suppression(connection, subscriber.mailbox_key) if subscriber else None
        reason = _excluded(connection, subscriber, held, row, now)
        values: dict[str, object] = {"state": RecipientState.EXCLUDED, "reason": reason}
        if reason is None and subscriber is not None:
            values = {"state": RecipientState.CLAIMED, "attempts": row.attempts + 1, "due_at": now + LEASE}
            subscribed = subscriber.state is ConsentState.CONFIRMED and held is None
            wording = Wording.ASK if row.kind == ASK else Wording.AGAIN if subscribed else Wording.CONFIRM
            questions.append(ConfirmationRequest(row.id, subscriber, row.asked_at, row.attempts + 1, wording))
        connection.execute(update(confirmations).where(c.id == row.id).values(values))
    return questions


def _excluded(
    connection: Connection, subscriber: Subscriber | None, held: Suppression | None, row: Any, now: datetime
) -> str | None:
    """Why a question is not mailed any more."""
    if subscriber is None:
        return "erased"
    asks = row.kind == ASK
    if now - row.asked_at > EXPIRES:
        if not asks:
            store.asked(connection, subscriber.id, None)  # nothing went: they may ask at once, or be asked
        return "expired"
    if held and (asks or held.reason is not Reason.SILENT):
        return "suppressed"
    if asks:
        gone = subscriber.state is not ConsentState.CONFIRMED or store.is_paused(subscriber)
        return "answered" if gone or store.heard_since(connection, subscriber.id, row.asked_at) else None
    return "answered" if subscriber.state is not ConsentState.PENDING and subscriber.changed_at > row.asked_at else None


def record(connection: Connection, question: ConfirmationRequest, outcome: Outcome, now: datetime) -> None:
    """What became of a claimed question."""
    state, _counts = decide(outcome)
    values: dict[str, object] = {"state": state, "reason": outcome.code[:80] or None}
    if state == RecipientState.PENDING:
        # Too fast, or out of reach: nobody's fault, and due with the rest. Else the others go first.
        blameless = outcome.verdict in {Verdict.THROTTLED, Verdict.UNREACHED}
        wait = timedelta(0) if blameless else min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(question.attempt - 1, 10))
        values |= {"attempts": question.attempt - blameless, "due_at": now + wait}
    mine = (c.id == question.id, c.attempts == question.attempt)
    open_ = c.state.in_((RecipientState.CLAIMED, RecipientState.UNCERTAIN))
    connection.execute(update(confirmations).where(*mine, open_).values(values))


REMINDERS = 2
"""So many follow the question; silence after the last is the answer."""

s = subscribers.c
_READS = feedback_events.c.kind.in_((EventKind.OPEN.value, EventKind.CLICK.value)) & (feedback_events.c.machine == 0)


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
        connection.exec_driver_sql("LOCK TABLE confirmations IN SHARE ROW EXCLUSIVE MODE")
    rows = connection.execute(_silent(connection, since, waited)).all()
    due = [row for row in rows if row.mails <= REMINDERS]
    gone = [row for row in rows if row.mails > REMINDERS]
    if act:
        at = store.now()
        insert_rows(connection, confirmations, [{"subscriber_id": row.id, **_fresh(at, ASK)} for row in due])
        for row in gone:
            suppress(connection, row.mailbox_key, Reason.SILENT)
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
    mails = func.count(case((c.state.in_(went), c.id)))
    under_way = func.count(case((c.state.in_((RecipientState.PENDING, RecipientState.CLAIMED)), c.id)))
    mine = (c.subscriber_id == mailbox.c.id) & (c.kind == ASK) & (c.asked_at > mailbox.c.heard)
    return (
        select(mailbox.c.id, mailbox.c.mailbox_key, mails.label("mails"))
        .select_from(mailbox.outerjoin(confirmations, mine))
        .where(mailbox.c.heard < since)
        .group_by(mailbox.c.id, mailbox.c.mailbox_key)
        .having(under_way == 0, or_(func.max(c.asked_at).is_(None), func.max(c.asked_at) <= waited))
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
        .join(recipients, (r.mailing_id == m.id) & (r.number == number))
        .join(subscribers, s.reference == r.reference)
        .where(_READS, e.received_at >= since)
    )
