"""Subscribers in the database: find, add, and the changes of their consent, each with an entry in the history.

Every function takes a connection inside a transaction, so that a caller can combine several.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, insert, or_, select, true, update

from publisher.audience.address import Address
from publisher.audience.model import Consent, ConsentEvent, ConsentSource, ConsentState, Subscriber
from publisher.audience.tables import consents, subscribers, suppressions

Evidence = Mapping[str, Any] | None
"""Evidence that a person gave or withdrew consent, stored with the history entry."""

FIRST = {
    ConsentState.PENDING: ConsentEvent.SUBSCRIBED,
    ConsentState.CONFIRMED: ConsentEvent.CONFIRMED,
    ConsentState.UNSUBSCRIBED: ConsentEvent.UNSUBSCRIBED,
}
"""First entry of a subscriber's history, by the state they are added in."""


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def new_references(count: int = 1) -> Iterator[str]:
    """Yield opaque references for subscribers: 24 random hexadecimal digits, 96 bits.

    Those of one call share the first 8 digits and have 64 random bits each: being neighbours in the index, they
    halve the writes of a large import. A reference need not be unguessable, because links are signed.
    """
    digits = os.urandom(4 + 8 * count).hex()
    return (digits[:8] + digits[at : at + 16] for at in range(8, len(digits), 16))


def find(connection: Connection, address: Address | str) -> Subscriber | None:
    """Return the subscriber with this address, otherwise with the same mailbox; a str is a reference."""
    if isinstance(address, str):
        row = connection.execute(_BY_REFERENCE, {"wanted": address}).first()
        return None if row is None else _subscriber(row)
    found = _one(connection, subscribers.c.address_key == address.address_key)
    return found or _one(connection, subscribers.c.mailbox_key == address.mailbox_key)


def add(
    connection: Connection,
    address: Address,
    *,
    how: ConsentSource,
    state: ConsentState = ConsentState.CONFIRMED,
    name: str = "",
    language: str | None = None,
    timezone: str | None = None,
    topics: Iterable[str] = (),
    attributes: Mapping[str, str] | None = None,
    evidence: Evidence = None,
) -> Subscriber:
    """Add a subscriber. Raises ConflictError or IntegrityError if the address exists."""
    at = now()
    reference = next(new_references())
    key = connection.execute(
        insert(subscribers).values(
            reference=reference, address=address.address, address_key=address.address_key,
            mailbox_key=address.mailbox_key, state=state.value, name=name, language=language, timezone=timezone,
            topics=list(topics), attributes=dict(attributes or {}), created_at=at, changed_at=at,
        )
    ).inserted_primary_key  # fmt: skip
    assert key is not None
    record(connection, key[0], FIRST[state], how, evidence, at=at)
    found = find(connection, reference)
    assert found is not None
    return found


def record(
    connection: Connection,
    subscriber_id: int,
    change: ConsentEvent,
    how: ConsentSource,
    evidence: Evidence = None,
    *,
    at: datetime | None = None,
) -> None:
    """Append an entry to a subscriber's history."""
    row = {"subscriber_id": subscriber_id, "at": at or now(), "change": change.value, "how": how.value}
    connection.execute(_RECORD, {**row, "evidence": dict(evidence or {})})


def confirm(connection: Connection, subscriber: Subscriber, how: ConsentSource, evidence: Evidence = None) -> bool:
    """Confirm a subscriber, by the person or an operator who vouches for them. False if nothing changed."""
    if subscriber.state is ConsentState.CONFIRMED:
        return False
    change = ConsentEvent.CONFIRMED if subscriber.state is ConsentState.PENDING else ConsentEvent.RESUBSCRIBED
    return _step(connection, subscriber, ConsentState.CONFIRMED, change, how, evidence)


def unsubscribe(connection: Connection, subscriber: Subscriber, how: ConsentSource, evidence: Evidence = None) -> bool:
    """Unsubscribe the person under every spelling of the mailbox. False if nothing changed."""
    changed = False
    for row in connection.execute(_BY_MAILBOX, {"wanted": subscriber.mailbox_key}).all():
        if row.state != ConsentState.UNSUBSCRIBED.value:
            was = {**(evidence or {}), "was": row.state}
            to, change = ConsentState.UNSUBSCRIBED, ConsentEvent.UNSUBSCRIBED
            changed |= _step(connection, _subscriber(row), to, change, how, was)
    return changed


def stay(connection: Connection, subscriber: Subscriber, how: ConsentSource, evidence: Evidence = None) -> bool:
    """Undo an unsubscription: the state before it returns. False if there is none."""
    if subscriber.state is not ConsentState.UNSUBSCRIBED:
        return False
    last = next((entry for entry in reversed(history(connection, subscriber.id)) if "was" in entry.evidence), None)
    was = ConsentState(last.evidence["was"]) if last else ConsentState.CONFIRMED
    return _step(connection, subscriber, was, ConsentEvent.RESUBSCRIBED, how, evidence)


def prefer(
    connection: Connection, subscriber: Subscriber, how: ConsentSource, *, evidence: Evidence = None, **chosen: Any
) -> bool:
    """Save the person's own choices; imports keep them. Pause and digest hold for the mailbox. False if unchanged."""
    if "topics" in chosen:
        chosen["topics"] = tuple(chosen["topics"])
    changed = {name: value for name, value in chosen.items() if value != getattr(subscriber, name)}
    if not changed:
        return False
    at, s = now(), subscribers.c
    values = {**changed, "preferred_at": at, "changed_at": at}
    connection.execute(update(subscribers).where(s.id == subscriber.id).values(values))
    if shared := {name: value for name, value in changed.items() if name in {"paused_until", "digest"}}:
        connection.execute(update(subscribers).where(s.mailbox_key == subscriber.mailbox_key).values(shared))
    before, after = subscriber.attributes, changed.pop("attributes", subscriber.attributes)
    names = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    told = {**(evidence or {}), "changed": sorted([*changed, *names])}
    record(connection, subscriber.id, ConsentEvent.CHANGED, how, told, at=at)
    return True


def asked(connection: Connection, subscriber_id: int, at: datetime | None) -> None:
    """Set when a confirmation was last mailed; None if it was not sent after all."""
    connection.execute(update(subscribers).where(subscribers.c.id == subscriber_id).values(asked_at=at))


def ask_now(connection: Connection, subscriber_id: int, at: datetime, pause: timedelta) -> bool:
    """Reserve the next confirmation mail. False if any machine sent one less than ``pause`` ago."""
    taken = connection.execute(
        update(subscribers)
        .where(
            subscribers.c.id == subscriber_id,
            or_(subscribers.c.asked_at.is_(None), subscribers.c.asked_at <= at - pause),
        )
        .values(asked_at=at)
    )
    return taken.rowcount == 1


def history(connection: Connection, subscriber_id: int) -> list[Consent]:
    """Return the consent history, oldest first."""
    rows = connection.execute(
        select(consents.c.at, consents.c.change, consents.c.how, consents.c.evidence)
        .where(consents.c.subscriber_id == subscriber_id)
        .order_by(consents.c.id)
    )
    return [Consent(*row) for row in rows]


HEARD = or_(
    consents.c.change.in_([e.value for e in (*FIRST.values(), ConsentEvent.RESUBSCRIBED, ConsentEvent.KEPT)]),
    consents.c.how.in_([ConsentSource.FORM.value, ConsentSource.LINK.value]),
)
"""Condition on history entries: made by the person, or by an operator who vouches for them."""


def heard_since(connection: Connection, subscriber_id: int, at: datetime) -> bool:
    """Whether the history has an entry made by the person (:data:`HEARD`) after ``at``."""
    word = select(consents.c.id).where(consents.c.subscriber_id == subscriber_id, consents.c.at > at, HEARD)
    return connection.execute(word.limit(1)).first() is not None


def is_paused(subscriber: Subscriber) -> bool:
    """Whether no issue is sent to the subscriber at present."""
    return subscriber.paused_until is not None and subscriber.paused_until > now()


def counts(connection: Connection, chosen: ColumnElement[bool] | None = None) -> dict[str, int]:
    """Count subscribers by :class:`ConsentState`, confirmed ones who are ``paused``, and ``suppressed`` mailboxes.

    A suppressed subscriber counts in their state as well. ``chosen``, a condition on subscribers, restricts all
    counts to these subscribers and their mailboxes.
    """
    where = true() if chosen is None else chosen
    state, until = subscribers.c.state, subscribers.c.paused_until
    rows = connection.execute(select(state, func.count()).where(where).group_by(state))
    by_state = dict.fromkeys(map(str, ConsentState), 0) | {str(name): int(number) for name, number in rows}
    paused = select(func.count()).where(where, state == ConsentState.CONFIRMED.value, until > now())
    held = select(func.count()).select_from(suppressions)
    if chosen is not None:
        held = held.where(suppressions.c.mailbox_key.in_(select(subscribers.c.mailbox_key).where(where)))
    return by_state | {"paused": connection.scalar(paused) or 0, "suppressed": connection.scalar(held) or 0}


def everybody(connection: Connection) -> Iterator[Subscriber]:
    """Yield all subscribers, oldest first, in constant memory."""
    rows = connection.execution_options(yield_per=1000).execute(select(subscribers).order_by(subscribers.c.id))
    return map(_subscriber, rows)


def _step(
    connection: Connection,
    subscriber: Subscriber,
    to: ConsentState,
    change: ConsentEvent,
    how: ConsentSource,
    evidence: Evidence,
) -> bool:
    at = now()
    step = {"key": subscriber.id, "was": subscriber.state.value, "to": to.value, "moment": at}
    moved = connection.execute(_MOVE, step)
    if moved.rowcount != 1:
        return False
    record(connection, subscriber.id, change, how, evidence, at=at)
    return True


def _one(connection: Connection, condition: Any) -> Subscriber | None:
    row = connection.execute(select(subscribers).where(condition).order_by(subscribers.c.id).limit(1)).first()
    return None if row is None else _subscriber(row)


def _subscriber(row: Row[Any]) -> Subscriber:
    values = dict(row._mapping)
    values["state"] = ConsentState(values["state"])
    values["topics"] = tuple(values["topics"])
    return Subscriber(**values)


# Built once: building a statement takes SQLAlchemy longer than SQLite takes to run it.
_BY_REFERENCE = select(subscribers).where(subscribers.c.reference == bindparam("wanted"))
_BY_MAILBOX = (  # waits for concurrent changes of these rows
    select(subscribers)
    .where(subscribers.c.mailbox_key == bindparam("wanted"))
    .order_by(subscribers.c.id)
    .with_for_update()
)
_RECORD = insert(consents)
_MOVE = (
    update(subscribers)
    .where(subscribers.c.id == bindparam("key"), subscribers.c.state == bindparam("was"))
    .values(state=bindparam("to"), changed_at=bindparam("moment"))
)
