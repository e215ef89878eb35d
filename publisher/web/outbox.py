"""Outbox of confirmation mail: one row per question. As in the ledger, a claim is committed before the mail is
submitted; claims of a process that died become uncertain and are not retried unless the person asks again.

``audience ask`` uses it too: subscribers not heard of for long are asked whether they still read, reminded, and
suppressed if they do not answer. What counts is what they did (subscribed, confirmed, returned, chose, answered), an
operator vouching for them, and an open or click event not made by a machine; a delivery does not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, FromClause, Integer, Select
from sqlalchemy.sql import case, cast, exists, func, insert, literal, or_, select, update

from publisher.audience import store
from publisher.audience.model import ConsentEvent, ConsentSource, ConsentState, Subscriber
from publisher.audience.suppressions import Reason, Suppression, suppress, suppression
from publisher.audience.tables import confirmations, consents, subscribers, suppressions
from publisher.database.bulk import among, insert_rows
from publisher.delivery import folding
from publisher.delivery.candidates import among_inboxes
from publisher.delivery.pace import decide
from publisher.delivery.settle import id_of
from publisher.delivery.states import RecipientState
from publisher.delivery.tables import foldings, mailings, recipients
from publisher.feedback.tables import feedback_events
from publisher.providers.events import EventKind
from publisher.providers.outcomes import Outcome, Verdict

EXPIRES = timedelta(hours=48)
"""Age after which an unsent question is dropped: the person no longer remembers asking."""
LEASE = timedelta(minutes=15)  # longer than any provider call: a claim without an outcome by then is dead
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=30), timedelta(minutes=30)

c = confirmations.c

CONFIRM, ASK = "confirm", "ask"
"""Kinds of questions."""


class Wording(StrEnum):
    """Text of a question; the value is the prefix of its message keys."""

    CONFIRM = "mail"
    AGAIN = "again"
    """For a confirmed subscriber who subscribes again: nothing changes."""
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """Claimed question."""

    id: int
    subscriber: Subscriber
    asked_at: datetime
    attempt: int
    wording: Wording


def enter(connection: Connection, subscriber_id: int, at: datetime) -> None:
    """Put a confirmation request into the outbox, unless one to the same subscriber is pending."""
    waiting = select(c.id).where(c.subscriber_id == subscriber_id, c.state == RecipientState.PENDING, c.kind == CONFIRM)
    if connection.execute(waiting).first() is None:
        connection.execute(insert(confirmations).values(subscriber_id=subscriber_id, **_fresh(at)))


def enter_unasked(connection: Connection) -> int:
    """Enter all pending subscribers never asked and not suppressed, as after ``import --pending``; return how many."""
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
    """Return when the next row is due: a pending one, or a claim that expires."""
    open_ = c.state.in_((RecipientState.PENDING, RecipientState.CLAIMED))
    found: datetime | None = connection.scalar(select(func.min(c.due_at)).where(open_))
    return found


def pending(connection: Connection) -> int:
    """Return the number of pending questions."""
    return connection.scalar(select(func.count()).where(c.state == RecipientState.PENDING)) or 0


def claim(connection: Connection, most: int, now: datetime) -> list[ConfirmationRequest]:
    """Claim due questions. Newest first: a person at the form does not wait for an import of thousands."""
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
    """Return the reason not to mail a question any more, or None."""
    if subscriber is None:
        return "erased"
    asks = row.kind == ASK
    if now - row.asked_at > EXPIRES:
        if not asks:
            store.asked(connection, subscriber.id, None)  # nothing was sent, so a new request is allowed at once
        return "expired"
    if held and (asks or held.reason is not Reason.SILENT):
        return "suppressed"
    if asks:
        gone = subscriber.state is not ConsentState.CONFIRMED or store.is_paused(subscriber)
        return "answered" if gone or store.heard_since(connection, subscriber.id, row.asked_at) else None
    return "answered" if subscriber.state is not ConsentState.PENDING and subscriber.changed_at > row.asked_at else None


def record(connection: Connection, question: ConfirmationRequest, outcome: Outcome, now: datetime) -> None:
    """Record the outcome of a claimed question."""
    state, _counts = decide(outcome)
    values: dict[str, object] = {"state": state, "reason": outcome.code[:80] or None}
    if state == RecipientState.PENDING:
        # Throttled or unreachable: not the recipient's fault, so due at once. Otherwise the others go first.
        blameless = outcome.verdict in {Verdict.THROTTLED, Verdict.UNREACHED}
        wait = timedelta(0) if blameless else min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(question.attempt - 1, 10))
        values |= {"attempts": question.attempt - blameless, "due_at": now + wait}
    mine = (c.id == question.id, c.attempts == question.attempt)
    open_ = c.state.in_((RecipientState.CLAIMED, RecipientState.UNCERTAIN))
    connection.execute(update(confirmations).where(*mine, open_).values(values))


REMINDERS = 2
"""Reminders after the question; no answer to the last one ends in suppression."""

s = subscribers.c
_READS = feedback_events.c.kind.in_((EventKind.OPEN.value, EventKind.CLICK.value)) & (feedback_events.c.machine == 0)


@dataclass(frozen=True, slots=True)
class Asking:
    """Numbers of subscribers asked, reminded, and let go (suppressed)."""

    asked: int = 0
    reminded: int = 0
    let_go: int = 0


def ask(connection: Connection, since: datetime, waited: datetime, *, act: bool = False) -> Asking:
    """Ask subscribers not heard of since ``since``; those silent since a mail before ``waited`` get the next step.

    A mailbox is asked once at a time, whatever its spellings. Without ``act`` this only counts. With it the mails
    are in the outbox when the transaction ends, and a second call finds nothing to do.
    """
    if act and connection.dialect.name == "postgresql":  # two concurrent calls would select the same rows
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
    """Select each mailbox that is due: its first subscriber, and the mails sent since it was last heard of."""
    folded = among(connection, s.reference, _active_in_folded(connection, since))
    joined: FromClause = subscribers.join(consents, consents.c.subscriber_id == s.id)
    joined = joined.outerjoin(suppressions, suppressions.c.mailbox_key == s.mailbox_key)
    joined, active = among_inboxes(joined, [_active(since), select(s.mailbox_key).where(folded)])
    heard, pause = func.max(case((store.HEARD, consents.c.at))), func.max(s.paused_until)
    mailbox = (
        select(s.mailbox_key, func.min(s.id).label("id"), func.coalesce(heard, func.min(s.created_at)).label("heard"))
        .select_from(joined)
        .where(s.state == ConsentState.CONFIRMED.value, suppressions.c.mailbox_key.is_(None), ~active)
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
    """Return references of active recipients (see :func:`_active`) whose mailing is folded."""
    e, m = feedback_events.c, mailings.c
    query = select(e.recipient).distinct().join(mailings, m.reference == e.mailing)
    query = query.join(foldings, foldings.c.mailing_id == m.id).where(_READS, e.received_at >= since, e.settled == 1)
    return folding.references(connection, filter(None, map(id_of, connection.scalars(query))))


def _active(since: datetime) -> Select[Any]:
    """Select the mailboxes with an open or click by a person, as far as events show."""
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
