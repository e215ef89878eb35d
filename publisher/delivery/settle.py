"""Apply feedback to the ledger: events settle uncertain recipients. Idempotent, in any order; states only advance."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.sql import bindparam, delete, exists, func, insert, literal, select, update

from publisher.audience.tables import subscribers, taken_steps
from publisher.database.bulk import among, insert_once
from publisher.database.metadata import Instant
from publisher.delivery import folding
from publisher.delivery.lock import mark_path, read_mark
from publisher.delivery.states import Exclusion, RecipientState
from publisher.delivery.tables import literally, mailings, recipients, second_copies, unmatched_messages
from publisher.issue.folder import SERIES
from publisher.providers.events import EventKind

_ID = re.compile(r"([0-9a-f]{8})-([1-9][0-9]{0,9})")
_MOST = 2**31 - 1  # maximum of the column; larger numbers are invalid
_UNCERTAIN = literally(RecipientState.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Settled:
    """Effect of an event. ``known`` is False if the ledger has no such recipient."""

    known: bool
    changed: bool = False
    second_copy: bool = False  # a second message id for a recipient that no operator had released
    reference: str | None = None  # the subscriber's
    recipient: str | None = None
    slug: str | None = None
    mailing_id: int | None = None


def id_of(recipient: str | None) -> tuple[str, int] | None:
    """Return the mailing's reference and the number in a recipient id; None if it is not a recipient id."""
    match = _ID.fullmatch(recipient or "")
    return (match[1], int(match[2])) if match and int(match[2]) <= _MOST else None


def recipient_of(connection: Connection, mailing: str, reference: str) -> str | None:
    """Return the recipient id of a subscriber in a mailing, both given by reference; None if there is none."""
    m, r = mailings.c, recipients.c
    joined = select(r.number).join(mailings, m.id == r.mailing_id)
    number = connection.execute(joined.where(m.reference == mailing, r.reference == reference)).scalar()
    if number is None and (packed := next(folding.all_of(connection, reference, mailing), None)):
        number = packed.row["number"]
    return None if number is None else f"{mailing}-{number}"


# Built once: events come by the million, and building a statement costs more than running it. On PostgreSQL,
# concurrent events about one recipient wait here; SQLite has one writer and ignores it.
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
    """Apply an event to the recipient with the id in our tag, otherwise to the one with the provider's message id.

    Every kind proves at least that the provider accepted the message. ``detail`` must not contain an address.
    """
    row = None
    if wanted := id_of(recipient):
        mailing, number = wanted
        row = connection.execute(_BY_RECIPIENT, {"mailing": mailing, "number": number}).mappings().first()
        if row is None and (packed := folding.find(connection, mailing, number)):
            return _of_packed(packed)
    if row is None and message_id:
        row = connection.execute(_BY_MESSAGE_ID, {"message_id": message_id}).mappings().first()
    if row is None or (row["state"] == RecipientState.EXCLUDED and row["reason"] != Exclusion.CORRECTED):
        return Settled(known=row is not None)
    copy = bool(message_id and row["message_id"] and row["message_id"] != message_id)
    values = _advanced(dict(row), kind, at, None if copy else message_id, detail)
    if values:
        connection.execute(_UPDATE, {"of_mailing": row["mailing_id"], "of_number": row["number"], **values})
    if row["reason"] == Exclusion.CORRECTED and row["slug"].startswith(f"{SERIES}/"):  # became due again (series.py)
        had = {"reference": row["reference"], "step": row["slug"], "at": at, "mailing_id": row["mailing_id"]}
        insert_once(connection, taken_steps, had)
    if copy:
        noted = {"mailing_id": row["mailing_id"], "number": row["number"], "message_id": str(message_id), "at": at}
        insert_once(connection, second_copies, noted)
    return Settled(
        known=True, changed=bool(values), second_copy=copy and not row["released"], reference=row["reference"],
        recipient=f"{row['mailing']}-{row['number']}", slug=row["slug"], mailing_id=row["mailing_id"],
    )  # fmt: skip


def _of_packed(found: folding.FoldedRecipient) -> Settled:
    """Return the effect on a folded recipient: the subscriber is affected as usual, the account is not."""
    if found.row["state"] == RecipientState.EXCLUDED:
        return Settled(known=True)
    who = found.row["reference"], f"{found.mailing}-{found.row['number']}"
    return Settled(known=True, reference=who[0], recipient=who[1], slug=found.slug)


def _advanced(
    row: dict[str, Any], kind: EventKind, at: datetime, message_id: str | None, detail: str
) -> dict[str, Any]:
    """Return the columns that an event changes. Values once set stay, except for an earlier time of the same fact."""
    values: dict[str, Any] = {}
    if kind in {EventKind.REJECT, EventKind.RENDERING_FAILURE}:  # accepted, but then not mailed
        values = {"state": RecipientState.REJECTED, "reason": f"event:{detail}"[:80]}
    elif row["state"] != RecipientState.SUBMITTED and not str(row["reason"] or "").startswith("event:"):
        values = {"state": RecipientState.SUBMITTED, "reason": None}
    if message_id:
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
    """Recipient with unknown outcome: its opaque id, the subscriber's reference, the time and the reason."""

    recipient: str
    reference: str
    since: datetime | None
    reason: str

    @property
    def number(self) -> int:
        """The number in its mailing."""
        return int(self.recipient.rpartition("-")[2])


def uncertain(connection: Connection, mailing_id: int, first: int = 0, last: int = 2**31 - 1) -> list[Uncertain]:
    """Return the uncertain recipients of a mailing, between two numbers, by number.

    Each of them may get a second copy if released.
    """
    r = recipients.c
    query = (
        select(mailings.c.reference.label("mailing"), r.number, r.reference, r.changed_at, r.reason)
        .join(mailings, mailings.c.id == r.mailing_id)
        .where(r.mailing_id == mailing_id, r.state == _UNCERTAIN, r.number.between(first, last))
        .order_by(r.number)
    )
    return [Uncertain(f"{row[0]}-{row[1]}", row[2], row[3], row[4] or "") for row in connection.execute(query)]


def release_uncertain(connection: Connection, mailing_id: int, whom: Iterable[Uncertain]) -> int:
    """Make uncertain recipients pending, by an operator's decision. Return how many. The next ``send`` mails them.

    An event that arrives before that still settles them and prevents the second copy.
    """
    r = recipients.c
    return connection.execute(
        update(recipients)
        .where(r.mailing_id == mailing_id, r.state == _UNCERTAIN)
        .where(among(connection, r.number, [one.number for one in whom]))
        .values(state=RecipientState.PENDING, released=r.released + 1, reason="released", changed_at=datetime.now(UTC))
    ).rowcount


# Messages proved by events without a matching recipient: the database was restored from an older copy. An event has
# our recipient id and the address, so the subscriber is recorded; once an operator decides that the issue continues
# from this database, subscribers recorded for its lost mailing count as reached (candidates.py) and get no second
# copy.
KEPT = timedelta(days=30)
"""How long a message is kept that no issue claims: another newsletter of the account may have mailed it."""

u = unmatched_messages.c


def note_unmatched(connection: Connection, mailing: str, number: int, reference: str, at: datetime) -> None:
    """Record that a subscriber, by reference, got a message of a mailing unknown to the ledger."""
    row = {"mailing": mailing, "number": number, "reference": reference, "at": at, "slug": None}
    insert_once(connection, unmatched_messages, row | {"received_at": datetime.now(UTC)})


def forget_unmatched(connection: Connection) -> None:
    """Delete records older than 30 days that are not assigned to an issue."""
    before = datetime.now(UTC) - KEPT
    connection.execute(delete(unmatched_messages).where(u.slug.is_(None), u.received_at < before))


def count_as_reached(connection: Connection, slug: str, *references: str | None) -> int:
    """Count the recipients of lost mailings, by reference, as reached by ``slug``. Return how many subscribers.

    Includes lost recipients of known mailings of ``slug``, and the mailings in the mark beside the database.
    """
    mark = read_mark(mark_path(connection.engine.url, slug))
    known = connection.scalars(select(mailings.c.reference).where(mailings.c.slug == slug))
    wanted = {one for one in (*references, *known, *(mark.mailings if mark else ())) if one}
    connection.execute(update(unmatched_messages).where(u.mailing.in_(wanted)).values(slug=slug))
    if slug.startswith(f"{SERIES}/"):
        t = taken_steps.c
        theirs = select(u.reference, literal(slug), func.min(u.at, type_=Instant)).where(u.slug == slug)
        theirs = theirs.where(~exists().where(t.reference == u.reference, t.step == slug)).group_by(u.reference)
        connection.execute(insert(taken_steps).from_select([t.reference, t.step, t.at], theirs))
    for had_it in inboxes_with(connection, slug):  # pending recipients of another mailing of the issue
        r, ours = recipients.c, select(mailings.c.id).where(mailings.c.slug == slug)
        waiting = update(recipients).where(r.mailing_id.in_(ours), r.state == literally(RecipientState.PENDING))
        values = {"state": RecipientState.EXCLUDED, "reason": Exclusion.REACHED, "changed_at": datetime.now(UTC)}
        theirs = select(subscribers.c.reference).where(subscribers.c.mailbox_key.in_(had_it))
        connection.execute(waiting.where(r.reference.in_(theirs)).values(values))
    people = select(func.count(u.reference.distinct())).where(u.mailing.in_(wanted))
    return connection.execute(people).scalar_one()


def inboxes_with(connection: Connection, *slugs: str) -> list[Select[Any]]:
    """Select the inboxes that got one of these issues by an unmatched message; no query if there is none."""
    if connection.execute(select(u.number).where(u.slug.in_(slugs)).limit(1)).first() is None:
        return []
    found = select(subscribers.c.mailbox_key).join(unmatched_messages, u.reference == subscribers.c.reference)
    return [found.where(u.slug.in_(slugs))]


def had_step_since(connection: Connection, moment: datetime) -> Select[Any] | None:
    """Select the references of subscribers who got a step after ``moment`` by an unmatched message; None: nobody."""
    found = select(u.reference).where(u.slug.like(f"{SERIES}/%"), u.at > moment)
    return None if connection.execute(found.limit(1)).first() is None else found
