"""The outbox of confirmation mail: a row for each question, in the database. As in the ledger, a claim is committed
before the mail is submitted; what was claimed by who died is uncertain, and only the reader asks for it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, func, insert, literal, select, update

from publisher.audience import store
from publisher.audience.model import ConsentState, Subscriber
from publisher.audience.suppressions import suppression
from publisher.audience.tables import confirmations, subscribers, suppressions
from publisher.delivery.retry import decide
from publisher.delivery.states import RecipientState
from publisher.providers.outcomes import Outcome, Verdict

EXPIRES = timedelta(hours=48)
"""A question that could not be mailed for so long is not mailed any more: nobody remembers having asked."""
LEASE = timedelta(minutes=15)  # longer than any call to a provider: who has not recorded an outcome by then is dead
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=30), timedelta(minutes=30)

c = confirmations.c


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """A claimed mail: please confirm, or, to who is subscribed already, that nothing has changed."""

    id: int
    subscriber: Subscriber
    asked_at: datetime
    attempt: int

    @property
    def already(self) -> bool:
        """Whether they are subscribed."""
        return self.subscriber.state is ConsentState.CONFIRMED


def enter(connection: Connection, subscriber_id: int, at: datetime) -> None:
    """Put a question into the outbox, unless one to the same subscriber has yet to leave."""
    waiting = select(c.id).where(c.subscriber_id == subscriber_id, c.state == RecipientState.PENDING)
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


def _fresh(at: datetime) -> dict[str, object]:
    return {"state": RecipientState.PENDING, "attempts": 0, "asked_at": at, "due_at": at}


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
        select(c.id, c.attempts, c.asked_at, subscribers.c.reference)
        .join(subscribers, subscribers.c.id == c.subscriber_id)
        .where(c.state == RecipientState.PENDING, c.due_at <= now)
        .order_by(c.id.desc())
        .limit(most)
        .with_for_update(of=confirmations, skip_locked=True)
    )
    questions: list[ConfirmationRequest] = []
    for row in connection.execute(due).all():
        subscriber = store.find(connection, row.reference)
        reason = _excluded(connection, subscriber, row.asked_at, now)
        values: dict[str, object] = {"state": RecipientState.EXCLUDED, "reason": reason}
        if reason is None and subscriber is not None:
            values = {"state": RecipientState.CLAIMED, "attempts": row.attempts + 1, "due_at": now + LEASE}
            questions.append(ConfirmationRequest(row.id, subscriber, row.asked_at, row.attempts + 1))
        connection.execute(update(confirmations).where(c.id == row.id).values(values))
    return questions


def _excluded(connection: Connection, subscriber: Subscriber | None, asked_at: datetime, now: datetime) -> str | None:
    """Why a question is not mailed any more."""
    if subscriber is None:
        return "erased"
    if now - asked_at > EXPIRES:
        store.asked(connection, subscriber.id, None)  # nothing went: they may ask at once, or be asked
        return "expired"
    if suppression(connection, subscriber.mailbox_key):
        return "suppressed"
    return "answered" if subscriber.state is not ConsentState.PENDING and subscriber.changed_at > asked_at else None


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
