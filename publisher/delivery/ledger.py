"""The ledger: claim, record, recover. Each call is one transaction, and claims are committed before submission.

This is *at most once plus reconciliation*: a process may die after the provider accepted a message but before that is
recorded. Such a recipient becomes uncertain, is settled by events, and is mailed again only if an operator allows it.
"""

import os
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, null, or_, select, tuple_, update

from publisher.audience.model import ConsentState
from publisher.audience.tables import subscribers, suppressions, taken_steps
from publisher.database import Database
from publisher.database.bulk import among, update_rows
from publisher.database.engine import clock
from publisher.database.failures import despite_conflicts
from publisher.delivery.local_time import BATCH, wake
from publisher.delivery.lock import Mark, is_held, mark_path, read_mark, write_mark
from publisher.delivery.mailings import Mailing, refuse_mixed, waiting
from publisher.delivery.pace import decide
from publisher.delivery.states import Exclusion, Operator, RecipientState
from publisher.delivery.tables import literally, mailings, recipients, senders
from publisher.delivery.tripwires import tally
from publisher.diagnostics import say
from publisher.errors import DatabaseError
from publisher.providers.outcomes import Outcome, Verdict
from publisher.providers.receivers import receiver_of

LEASE = 90.0  # seconds without a heartbeat after which a sender on another machine counts as dead (PostgreSQL)

_PENDING, _CLAIMED = literally(RecipientState.PENDING), literally(RecipientState.CLAIMED)


class Claim(NamedTuple):
    """Recipient that only this sender may submit now. ``attempt`` counts from 1."""

    number: int
    attempt: int
    reference: str
    address: str
    name: str
    variant: int = 0
    attributes: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Result of :meth:`Ledger.record_and_claim`. ``operator`` is the state that the operator wants of the mailing."""

    claims: tuple[Claim, ...]
    operator: str
    alive: bool = True  # False: another sender declared this one dead, and it got no claims
    excluded: int = 0  # recipients that were to be claimed but have left since the freeze


class Ledger:
    """Access of one sender to one mailing."""

    def __init__(
        self,
        database: Database,
        mailing: Mailing,
        *,
        expires_after: timedelta | None = None,
        now: datetime | None = None,
        attributes: bool = False,
        relays: bool = False,
        transport: str = "",
    ) -> None:
        """``expires_after``: recipients whose local time passed by more are excluded. ``now`` replaces the clock.

        ``attributes``: claims include the subscribers' attributes. ``relays``: the receivers' answers are outcomes.
        ``transport`` is the name of the sender's.
        """
        self.database = database
        self.mailing = mailing
        self.expires_after, self.now, self._relays = expires_after, now, relays
        self._transport, self._host = transport, f"{transport}@{socket.gethostname()}"[:255]
        self.sender_id = 0
        self._following = _following(attributes)
        self._take = _TAKE.where(among(database.engine, recipients.c.number, bindparam("b_numbers")))
        self._mark_path = mark_path(database.engine.url, mailing.slug)
        self._handled: int | None = None
        self._earlier: list[str] | None = None
        self._after = (0, 0)  # attempts and number of the last claim

    def open(self) -> None:
        """Register this process as a sender of the mailing. Raises UsageError like :func:`refuse_mixed`."""
        with self.database.begin() as connection:
            refuse_mixed(connection, self.mailing, self._transport)
            values = {
                "mailing_id": self.mailing.id, "host": self._host, "pid": os.getpid(),
                "started_at": datetime.now(UTC), "beat": clock(connection), "ended": 0,
            }  # fmt: skip
            self.sender_id = connection.execute(insert(senders).values(values).returning(senders.c.id)).scalar_one()

    def close(self) -> None:
        """End this sender. Its remaining claims become uncertain, because it will not record their outcomes."""
        with self.database.begin() as connection:
            _expire_senders(connection, self.mailing.id, [self.sender_id])

    def beat(self) -> bool:
        """Record a heartbeat. Return False if this sender was declared dead: it must call ``open`` before it claims."""
        with self.database.begin() as connection:
            alive = update(senders).where(senders.c.id == self.sender_id, senders.c.ended == 0)
            return connection.execute(alive.values(beat=clock(connection))).rowcount == 1

    def recover(self, *, alone: bool) -> int:
        """Make the claims of dead senders uncertain. Return how many.

        ``alone``: this process holds the mailing's lock, so all others are dead. Otherwise the lease decides.
        """
        with self.database.begin() as connection:
            s, r, now = senders.c, recipients.c, clock(connection)
            # A heartbeat in the future, from before a clock was set back, is replaced by the current time.
            connection.execute(update(senders).where(s.ended == 0, s.beat > now + LEASE).values(beat=now))
            others = select(s.id).where(s.mailing_id == self.mailing.id, s.id != self.sender_id)
            if not alone:
                others = others.where(or_(s.ended == 1, s.beat < now - LEASE))
            holding = select(r.sender_id).where(r.mailing_id == self.mailing.id, r.state == _CLAIMED).distinct()
            dead = list(connection.execute(others.where(or_(s.ended == 0, s.id.in_(holding)))).scalars())
            return _expire_senders(connection, self.mailing.id, dead)

    def record_and_claim(self, results: Sequence[tuple[Claim, Outcome]], wanted: int = 0, round_: int = 0) -> Exchanged:
        """Record ``results`` and claim up to ``wanted`` recipients with fewer than ``round_`` attempts, in one commit.

        Recipients that have left since the freeze are excluded with the reason, and not returned.
        """
        # On PostgreSQL, events may lock the same recipients at the same time in another order.
        answer, mark = despite_conflicts(lambda: self._exchange(results, wanted, round_), tries=3)
        if self._mark_path and mark:
            try:
                write_mark(self._mark_path, mark)  # after the commit, before anything is submitted
            except DatabaseError:
                with suppress(DatabaseError), self.database.begin() as connection:  # nothing of them was submitted
                    self._record(connection, [(claim, Outcome(Verdict.STOP, "no-mark")) for claim in answer.claims])
                raise
        return answer

    def _exchange(
        self, results: Sequence[tuple[Claim, Outcome]], wanted: int, round_: int
    ) -> tuple[Exchanged, Mark | None]:
        with self.database.begin(lost=wanted <= 0) as connection:
            self._record(connection, results)
            if self._relays:
                self._weigh(connection, results)
            mine = {"b_mailing": self.mailing.id, "b_sender": self.sender_id}
            if (row := connection.execute(_STANDING, mine).one_or_none()) is None:
                advice = say("publisher status {slug} says where its mailing stands now", slug=self.mailing.slug)
                raise DatabaseError(say("the database was replaced while this sender was at work"), help=advice)
            operator, ended = row
            if wanted <= 0 or operator != Operator.GOING or ended:
                return Exchanged((), operator, not ended), None
            claims, gone = self._claim(connection, wanted, round_)
            mark = self._advance_mark(connection, len(claims)) if claims and self._mark_path else None
            return Exchanged(claims, operator, excluded=gone), mark

    def _advance_mark(self, connection: Connection, claimed: int) -> Mark:
        generation = connection.execute(_RAISE, {"b_mailing": self.mailing.id}).scalar_one()
        if self._handled is None:
            r, handled = recipients.c, (RecipientState.SUBMITTED, RecipientState.UNCERTAIN, RecipientState.REJECTED)
            query = select(func.count()).where(r.mailing_id == self.mailing.id, r.state.in_(handled))
            self._handled = connection.execute(query).scalar_one()
            before = read_mark(self._mark_path)
            self._earlier = [one for one in before.mailings if one != self.mailing.reference] if before else None
        self._handled += claimed
        return Mark(
            self.mailing.reference, self.mailing.digest, generation, self._handled, earlier=self._earlier or None
        )

    def _weigh(self, connection: Connection, results: Sequence[tuple[Claim, Outcome]]) -> None:
        """Count accepted and deferred (4xx) messages of a relay, by receiver."""
        if Verdict.SUBMITTED not in {outcome.verdict for _, outcome in results}:
            return  # the relay itself may have a fault
        accepted, deferred = Counter[str](), Counter[str]()
        for claim, outcome in results:
            receiver = receiver_of(claim.address.rpartition("@")[2])
            accepted[receiver] += outcome.verdict is Verdict.SUBMITTED
            deferred[receiver] += outcome.verdict is Verdict.RETRY and outcome.code.startswith("smtp-4")
        tally(connection, self.mailing.id, accepted, deferred, again=True)

    def pending(self) -> tuple[int, int]:
        """Return how many recipients are pending and not held, and their fewest attempts, after :meth:`wake`."""
        self.wake()
        r = recipients.c
        free = (r.mailing_id == self.mailing.id, r.state == _PENDING, r.held == 0)
        query = select(func.count(), func.min(r.attempts)).where(*free)
        with self.database.connect() as connection:
            count, fewest = connection.execute(query).one()
            return count, fewest or 0

    def wake(self) -> None:
        """Free the recipients whose local time has come."""
        woken = BATCH
        while woken >= BATCH:  # PostgreSQL may free more than a batch, with a plan that evaluates the subquery per row
            with self.database.begin() as connection:
                woken = wake(connection, self.mailing.id, self.now or datetime.now(UTC), self.expires_after)

    def waits(self) -> bool:
        """Whether any recipient still waits for its local time."""
        with self.database.connect() as connection:
            return waiting(connection, self.mailing.id)[0] > 0

    def _record(self, connection: Connection, results: Sequence[tuple[Claim, Outcome]]) -> None:
        rows = [
            {
                "b_mailing": self.mailing.id, "b_number": claim.number, "b_sender": self.sender_id, "b_state": state,
                "b_attempts": claim.attempt if counts else claim.attempt - 1, "b_reason": outcome.code[:80] or None,
                "b_message_id": outcome.message_id,
            }
            for claim, outcome in results
            for state, counts in [decide(outcome)]
        ]  # fmt: skip
        update_rows(connection, _RECORD, rows, {"b_changed_at": datetime.now(UTC)})

    def _claim(self, connection: Connection, wanted: int, round_: int) -> tuple[tuple[Claim, ...], int]:
        """Return claims with current addresses, and the number of recipients that have left and were excluded."""
        # Start after the last claim: the PostgreSQL index keeps entries of claimed rows until the next vacuum.
        found = self._next(connection, wanted, round_)
        if len(found) < wanted and self._after > (0, 0):  # start again for recipients that became pending or free
            self._after = (0, 0)
            found = self._next(connection, wanted, round_)
        r = recipients.c
        claims, gone, at = list[Claim](), list[tuple[int, Exclusion]](), datetime.now(UTC)
        for number, attempts, reference, variant, address, name, known, state, paused_until, suppressed in found:
            self._after = max(self._after, (attempts, number))
            if state is None:
                gone.append((number, Exclusion.ERASED))
            elif state != ConsentState.CONFIRMED:
                gone.append((number, Exclusion.UNSUBSCRIBED))
            elif suppressed is not None:
                gone.append((number, Exclusion.SUPPRESSED))
            elif paused_until is not None and paused_until > (self.now or at):
                gone.append((number, Exclusion.PAUSED))
                had = taken_steps.c  # a step of a series is sent after the pause instead
                connection.execute(delete(taken_steps).where(had.reference == reference, had.step == self.mailing.slug))
            else:
                claims.append(Claim(number, attempts + 1, reference, address, name, variant, known or {}))
        mine = {"b_mailing": self.mailing.id, "b_sender": self.sender_id, "b_at": at}
        connection.execute(self._take, {**mine, "b_numbers": [claim.number for claim in claims]})
        for number, reason in gone:
            left = update(recipients).where(r.mailing_id == self.mailing.id, r.number == number)
            connection.execute(left.values(state=RecipientState.EXCLUDED, reason=reason))
        return tuple(claims), len(gone)

    def _next(self, connection: Connection, wanted: int, round_: int) -> Sequence[Any]:
        """Return the next recipients to claim, locked, by number, with their subscribers' current data."""
        attempts, number = self._after
        mine = {"b_mailing": self.mailing.id, "b_round": round_, "b_wanted": wanted}
        return connection.execute(self._following, {**mine, "b_attempts": attempts, "b_number": number}).all()


def _following(attributes: bool) -> Select[Any]:
    r, s = recipients.c, subscribers.c
    known = s.attributes if attributes else null().label("attributes")
    after = tuple_(bindparam("b_attempts", type_=r.attempts.type), bindparam("b_number", type_=r.number.type))
    fair = (
        select(r.number, r.attempts, r.reference, r.variant)
        .where(r.mailing_id == bindparam("b_mailing"), r.state == _PENDING, r.held == 0)
        .where(r.attempts < bindparam("b_round"), tuple_(r.attempts, r.number) > after)
        .order_by(r.attempts, r.number)
        .limit(bindparam("b_wanted"))
        .with_for_update(skip_locked=True)  # ignored by SQLite, which has one writer
        .cte("fair")
        .prefix_with("MATERIALIZED", dialect="postgresql")  # a subquery may run once per row, with different results
    )
    return (
        select(*fair.c, s.address_key, s.name, known, s.state, s.paused_until, suppressions.c.mailbox_key)
        .outerjoin_from(fair, subscribers, s.reference == fair.c.reference)
        .outerjoin(suppressions, suppressions.c.mailbox_key == s.mailbox_key)
        .order_by(fair.c.number)
    )


# Built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_STANDING = (
    select(mailings.c.operator, senders.c.ended)
    .join(senders, senders.c.mailing_id == mailings.c.id)
    .where(mailings.c.id == bindparam("b_mailing"), senders.c.id == bindparam("b_sender"))
    .with_for_update(read=True, of=mailings)  # an operator's change waits for claims made without it
)
_RAISE = (
    update(mailings)
    .where(mailings.c.id == bindparam("b_mailing"))
    .values(generation=mailings.c.generation + 1)
    .returning(mailings.c.generation)
)
_TAKE = (
    update(recipients)
    .where(recipients.c.mailing_id == bindparam("b_mailing"), recipients.c.state == _PENDING)
    .values(state=_CLAIMED, attempts=recipients.c.attempts + 1)
    .values(sender_id=bindparam("b_sender"), changed_at=bindparam("b_at"))
)

# A late result of a sender declared dead still counts if no other sender has claimed the recipient since. If an
# operator has released it, only an acceptance counts.
_RECORD = (
    update(recipients)
    .where(
        recipients.c.mailing_id == bindparam("b_mailing"),
        recipients.c.number == bindparam("b_number"),
        recipients.c.sender_id == bindparam("b_sender"),
        or_(
            recipients.c.state == RecipientState.CLAIMED,
            recipients.c.state == RecipientState.UNCERTAIN,
            and_(recipients.c.state == _PENDING, bindparam("b_state") == RecipientState.SUBMITTED),
        ),
    )
    .values({name: bindparam(f"b_{name}") for name in ("state", "attempts", "reason", "message_id", "changed_at")})
)


def _expire_senders(connection: Connection, mailing_id: int, dead: list[int]) -> int:
    if not dead:
        return 0
    r = recipients.c
    found = connection.execute(
        update(recipients)
        .where(r.mailing_id == mailing_id, r.state == _CLAIMED, r.sender_id.in_(dead))
        .values(state=RecipientState.UNCERTAIN, reason="sender-died", changed_at=datetime.now(UTC))
    ).rowcount
    connection.execute(update(senders).where(senders.c.id.in_(dead)).values(ended=1))
    return found


def at_work(database: Database, connection: Connection, mailing: Mailing) -> bool:
    """Whether a sender holds the mailing's lock (SQLite) or has a heartbeat within the lease (PostgreSQL)."""
    if database.dialect == "sqlite":
        return is_held(database, mailing.slug)
    s, now = senders.c, clock(connection)
    found = select(s.id).where(s.mailing_id == mailing.id, s.ended == 0, s.beat.between(now - LEASE, now + LEASE))
    return connection.execute(found.limit(1)).first() is not None
