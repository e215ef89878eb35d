"""Feedback into the ledger: events settle what is uncertain. Idempotent, in any order; states only rise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from publisher.database.bulk import insert_once
from publisher.delivery import folding
from publisher.delivery.states import RecipientState
from publisher.delivery.tables import literally, mailings, recipients, second_copies
from publisher.providers.events import EventKind

_ID = re.compile(r"([0-9a-f]{8})-([1-9][0-9]{0,9})")
_MOST = 2**31 - 1  # what the column holds: a larger number is nobody's
_UNCERTAIN = literally(RecipientState.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Settled:
    """What an event changed. ``known`` is False where it is about nobody in the ledger."""

    known: bool
    changed: bool = False
    second_copy: bool = False  # a second message id for one recipient, whom no operator had released
    reference: str | None = None  # the subscriber's
    recipient: str | None = None
    slug: str | None = None
    mailing_id: int | None = None


def id_of(recipient: str | None) -> tuple[str, int] | None:
    """The mailing's reference and the number that a tag names a recipient by; None where it is no such id."""
    match = _ID.fullmatch(recipient or "")
    return (match[1], int(match[2])) if match and int(match[2]) <= _MOST else None


def recipient_of(connection: Connection, mailing: str, reference: str) -> str | None:
    """The recipient id of a subscriber (by its reference) in a mailing (by its own); None where there is none."""
    m, r = mailings.c, recipients.c
    joined = select(r.number).join(mailings, m.id == r.mailing_id)
    number = connection.execute(joined.where(m.reference == mailing, r.reference == reference)).scalar()
    if number is None and (packed := next(folding.all_of(connection, reference, mailing), None)):
        number = packed.row["number"]
    return None if number is None else f"{mailing}-{number}"


# Made once: events come by the million, and making a statement costs more than running it. PostgreSQL: two events about
# one recipient queue here. SQLite has one writer and leaves this out.
_ROW = (
    select(recipients, mailings.c.reference.label("mailing"), mailings.c.slug)
    .join(mailings, mailings.c.id == recipients.c.mailing_id)
    .with_for_update(of=recipients)
)
_BY_RECIPIENT = _ROW.where(mailings.c.reference == bindparam("mailing"), recipients.c.number == bindparam("number"))
_BY_MESSAGE_ID = _ROW.where(recipients.c.message_id == bindparam("message_id"))
_UPDATE = update(recipients).where(
    recipients.c.mailing_id == bindparam("of_mailing"), recipients.c.number == bindparam("of_number")
)


def settle(
    connection: Connection,
    kind: EventKind,
    at: datetime,
    *,
    recipient: str | None = None,
    message_id: str | None = None,
    detail: str = "",
) -> Settled:
    """Apply an event to the recipient with the id that our tag carried, else with the provider's message id.

    Every kind proves at least that the provider had accepted the message. ``detail`` never holds an address.
    """
    row = None
    if wanted := id_of(recipient):
        mailing, number = wanted
        row = connection.execute(_BY_RECIPIENT, {"mailing": mailing, "number": number}).mappings().first()
        if row is None and (packed := folding.find(connection, mailing, number)):
            return _of_packed(packed)
    if row is None and message_id:
        row = connection.execute(_BY_MESSAGE_ID, {"message_id": message_id}).mappings().first()
    if row is None or row["state"] == RecipientState.EXCLUDED:
        return Settled(known=row is not None)
    copy = bool(message_id and row["message_id"] and row["message_id"] != message_id)
    values = _risen(dict(row), kind, at, None if copy else message_id, detail)
    if values:
        connection.execute(_UPDATE, {"of_mailing": row["mailing_id"], "of_number": row["number"], **values})
    if copy:
        noted = {"mailing_id": row["mailing_id"], "number": row["number"], "message_id": str(message_id), "at": at}
        insert_once(connection, second_copies, noted)
    return Settled(
        known=True,
        changed=bool(values),
        second_copy=copy and not row["released"],
        reference=row["reference"],
        recipient=f"{row['mailing']}-{row['number']}",
        slug=row["slug"],
        mailing_id=row["mailing_id"],
    )


def _of_packed(found: folding.FoldedRecipient) -> Settled:
    """What follows for the reader follows all the same; the account stays as it was folded."""
    if found.row["state"] == RecipientState.EXCLUDED:
        return Settled(known=True)
    who = found.row["reference"], f"{found.mailing}-{found.row['number']}"
    return Settled(known=True, reference=who[0], recipient=who[1], slug=found.slug)


def _risen(row: dict[str, Any], kind: EventKind, at: datetime, message_id: str | None, detail: str) -> dict[str, Any]:
    """The columns an event changes. What is set stays set, but for an earlier moment of the same fact."""
    values: dict[str, Any] = {}
    if kind in {EventKind.REJECT, EventKind.RENDERING_FAILURE}:  # accepted, then never mailed
        values = {"state": RecipientState.REJECTED, "reason": f"event:{detail}"[:80]}
    elif row["state"] != RecipientState.SUBMITTED and not str(row["reason"] or "").startswith("event:"):
        values = {"state": RecipientState.SUBMITTED, "reason": None}
    if message_id and row["message_id"] is None:
        values["message_id"] = message_id
    moment, why = _FACTS.get(kind, (None, None))
    if moment and (row[moment] is None or at < row[moment]):
        values[moment] = at
        if why:
            values[why] = detail[:80]
    changed = {name: value for name, value in values.items() if row[name] != value}
    if "state" in changed:
        changed["changed_at"] = datetime.now(UTC)
    return changed


_FACTS: dict[EventKind, tuple[str | None, str | None]] = {
    EventKind.DELIVERY: ("delivered_at", None),
    EventKind.BOUNCE: ("bounced_at", "bounce"),
    EventKind.COMPLAINT: ("complained_at", "complaint"),
}


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A recipient of unknown outcome: the opaque id, the subscriber's reference, since when, and why."""

    recipient: str
    reference: str
    since: datetime | None
    reason: str


def uncertain(connection: Connection, mailing_id: int) -> list[Uncertain]:
    """Who is uncertain in a mailing, in order: who might get a second copy if released."""
    r = recipients.c
    query = (
        select(mailings.c.reference.label("mailing"), r.number, r.reference, r.changed_at, r.reason)
        .join(mailings, mailings.c.id == r.mailing_id)
        .where(r.mailing_id == mailing_id, r.state == _UNCERTAIN)
        .order_by(r.number)
    )
    return [Uncertain(f"{row[0]}-{row[1]}", row[2], row[3], row[4] or "") for row in connection.execute(query)]


def release_uncertain(connection: Connection, mailing_id: int) -> int:
    """Make every uncertain recipient pending again, on an operator's word; how many. The next ``send`` mails them.

    An event that arrives before that still settles them, and stops the second copy.
    """
    r = recipients.c
    return connection.execute(
        update(recipients)
        .where(r.mailing_id == mailing_id, r.state == _UNCERTAIN)
        .values(state=RecipientState.PENDING, released=r.released + 1, reason="released", changed_at=datetime.now(UTC))
    ).rowcount
