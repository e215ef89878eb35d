"""Freeze of the subscribers who are due for a step of a series, with one row per subscriber and step, permanently.

A step is due for a subscriber if ``after`` has passed since their start, they have taken neither it nor a later
step, have not unsubscribed since, and had no step within a day. A step that did not exist at the last run is an
inserted one: it is not sent to subscribers for whom it would have been due by then.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select
from sqlalchemy.sql import and_, case, func, insert, literal, or_, select, union, update

from publisher.audience.model import ConsentEvent, ConsentState
from publisher.audience.tables import consents, enrolments, series, subscribers, taken_steps
from publisher.config import Config
from publisher.database import Database
from publisher.database.bulk import among
from publisher.database.metadata import Instant
from publisher.delivery.candidates import CandidateRule, candidates, variant_of
from publisher.delivery.freeze import begin, preview, segment_of, write_recipients
from publisher.delivery.lock import settle_mark, unknown_mail
from publisher.delivery.mailings import Mailing, by_id, finish, letter_of, newest, unsettled
from publisher.delivery.settle import Uncertain, count_as_reached, had_step_since
from publisher.delivery.states import Exclusion, Operator, RecipientState
from publisher.delivery.tables import literally, mailings, recipients
from publisher.issue.load import read_issue
from publisher.issue.model import Status
from publisher.issue.series import steps_of
from publisher.mail.message import MailContent

DAY = timedelta(hours=23, minutes=45)
"""Minimum time between two steps to one subscriber: a day, with tolerance for a daily run that starts early."""
SOON = timedelta(days=7)
_READER = subscribers.alias("reader")


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """Step that is ready: ``slug`` is ``series/<name>/<slug>``; ``path`` sorts steps with the same ``after``."""

    after: timedelta
    path: str
    slug: str
    segment: ColumnElement[bool] | None = field(default=None, compare=False)  # condition on subscribers; None: all

    @property
    def series(self) -> str:
        """The name of its series."""
        return self.slug.split("/")[1]


def ready_steps(config: Config) -> list[Step]:
    """Return the steps with status ready that can be read. Reads every step; there are few."""
    found = []
    for slug, paths in steps_of(config.root).items():
        issue = read_issue(config, slug).partial
        if issue and issue.status is Status.READY and issue.after is not None:
            found.append(Step(issue.after, paths[0], slug, segment_of(config, issue)))
    return found


def ready_series(config: Config) -> set[str]:
    """Return the names of the series that have a ready step."""
    return {step.series for step in ready_steps(config)}


Write = Callable[[Step], MailContent | None]
"""Returns the content that a step mails; None if it cannot be mailed now."""
Since = Mapping[str, datetime | None]


def admit(
    connection: Connection,
    letter: MailContent,
    segment: ColumnElement[bool] | None,
    due: Select[Any],
    now: datetime,
    home: str,
) -> Mailing | None:
    """Write the ``due`` subscribers (a query of references) into the mailing of a step's edition.

    That mailing grows from run to run; a changed edition gets another. None if no subscriber is due, or while an
    earlier edition has pending or claimed recipients. Raises ConflictError if another run has admitted one of them.
    """
    mailing, slug = newest(connection, letter.slug), letter.slug
    if mailing and mailing.operator != Operator.CANCELLED and mailing.digest != letter.digest:
        left = unsettled(connection, mailing.id)
        if left[RecipientState.PENDING] or left[RecipientState.CLAIMED]:
            return None
        finish(connection, mailing.id)
    same = mailing and mailing.digest == letter.digest and mailing.operator != Operator.CANCELLED
    mailing_id = mailing.id if mailing and same else begin(connection, letter, mailing, 0, now)
    r, t = recipients.c, taken_steps.c
    base = connection.execute(select(func.max(r.number)).where(r.mailing_id == mailing_id)).scalar_one() or 0
    rule = CandidateRule(now, segment, variant_of([one.condition for one in letter.variants], home))
    chosen = candidates(connection, slug, rule, due)
    # the statement that writes them decides who is due: until then readers may leave or be erased
    if not (admitted := write_recipients(connection, mailing_id, chosen, now, None, base)):
        return None
    written = select(r.reference, literal(slug), literal(now, Instant), literal(mailing_id))
    written = written.where(r.mailing_id == mailing_id, r.number > base)
    connection.execute(insert(taken_steps).from_select([t.reference, t.step, t.at, t.mailing_id], written))
    grown = update(mailings).where(mailings.c.id == mailing_id)
    connection.execute(grown.values(audience=mailings.c.audience + admitted, finished_at=None))
    return by_id(connection, mailing_id)


PART = 10_000
"""Readers that :func:`freeze_due` takes in one transaction: unsubscriptions wait for it on SQLite."""


def parts(connection: Connection, ready: Iterable[Step], now: datetime) -> list[list[int]]:
    """Return the ids of the subscribers whom a step is due for, in parts for :func:`freeze_due`; at least one, which
    may be empty. Every part takes all steps, so that each reader gets the same one as in a single transaction.
    """
    steps = sorted(ready)
    due = [found for _, found in _each(connection, steps, _since(_rows(connection), steps), now)]
    theirs = _ids(*due).order_by(subscribers.c.id) if due else select(subscribers.c.id).limit(0)
    return [[*part] for part in connection.scalars(theirs).partitions(PART)] or [[]]


def freeze_due(
    connection: Connection,
    ready: Iterable[Step],
    now: datetime,
    write: Write,
    home: str,
    *,
    held: Collection[str] = (),
    register: bool = True,
    part: Collection[int] | None = None,
) -> list[Mailing]:
    """Write the subscribers due at ``now`` for each step, in the caller's transaction. Return the mailings that grew.

    ``home`` is the language of subscribers without one. Series in ``held`` are skipped, and so are the steps after one
    that cannot be mailed or has forgotten recipients (lock.py). Without ``register`` existing steps are not stored, and
    only those stored before are mailed. ``part``: only these subscribers, of :func:`parts`. Waits for a concurrent
    freeze.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE series IN SHARE ROW EXCLUSIVE MODE")
    rows, held = _rows(connection), set(held)
    steps = [one for one in sorted(ready) if register or (one.series in rows and one.slug in rows[one.series].steps)]
    since = _since(rows, steps)
    if register:
        _register(connection, rows, since, now, held)
    grown = []
    for step, due in _each(connection, steps if part is None or part else [], since, now, part=part):
        if step.series in held or connection.execute(due.limit(1)).first() is None:
            continue
        known = not unknown_mail(connection.engine.url, connection, step.slug)
        letter = write(step) if known else None
        if letter and (mailing := admit(connection, letter, step.segment, due, now, home)):
            grown.append(mailing)
        else:
            held.add(step.series)
    return grown


def begin_anew(database: Database, slug: str) -> int:
    """Apply an operator's decision that the ledger is right although it lacked recipients of a step (lock.py).

    Its pending recipients move to a new mailing, which later ones join too: in the old mailing the next numbers may
    have been used for others, and events about them would be misattributed. Returns how many subscribers had the
    step according to events but not to the ledger.
    """
    r, t = recipients.c, taken_steps.c
    with database.begin() as connection:
        old, had = newest(connection, slug), count_as_reached(connection, slug)
        if old and old.operator != Operator.CANCELLED and unknown_mail(database.engine.url, connection, slug):
            finish(connection, old.id)
            key = begin(connection, letter_of(connection, old.id), old, 0, datetime.now(UTC))
            of_old = update(recipients).where(r.mailing_id == old.id)
            connection.execute(of_old.where(r.state == RecipientState.CLAIMED).values(state=RecipientState.UNCERTAIN))
            moved = of_old.where(r.state == RecipientState.PENDING).values(mailing_id=key)
            count = connection.execute(moved).rowcount
            theirs = t.reference.in_(select(r.reference).where(r.mailing_id == key))
            connection.execute(
                update(taken_steps).where(t.mailing_id == old.id, t.step == slug, theirs).values(mailing_id=key)
            )
            m = mailings.c
            for one, more in ((old.id, -count), (key, count)):
                counted = {"audience": m.audience + more, "operator": old.operator}
                connection.execute(update(mailings).where(m.id == one).values(counted))
        settle_mark(connection, slug)
    return had


def fall_due_again(connection: Connection, mailing: Mailing, whom: Iterable[Uncertain]) -> int:
    """Make uncertain recipients of a step's earlier mailing due again, by an operator's decision. Return how many."""
    r, t = recipients.c, taken_steps.c
    shown = among(connection, r.number, [one.number for one in whom])
    doubtful = and_(r.mailing_id == mailing.id, r.state == literally(RecipientState.UNCERTAIN), shown)
    theirs = t.reference.in_(select(r.reference).where(doubtful))
    connection.execute(taken_steps.delete().where(t.step == mailing.slug, theirs))
    over = {"state": RecipientState.EXCLUDED, "reason": Exclusion.CORRECTED, "changed_at": datetime.now(UTC)}
    return connection.execute(update(recipients).where(doubtful).values(over)).rowcount


@dataclass(frozen=True, slots=True)
class StepPlan:
    """Number of current subscribers who would get a step now, and within seven days."""

    slug: str
    now: int | None
    in_7_days: int | None


def plan_steps(connection: Connection, ready: Iterable[Step], now: datetime) -> list[StepPlan]:
    """Return the plan for each step, without writing; as in a freeze, for a part of the readers at a time."""
    steps, at_once = sorted(ready), Counter[str]()
    since = _since(_rows(connection), steps)
    for part in parts(connection, steps, now):
        earlier = set[int]()
        for step, due in _each(connection, steps if part else [], since, now, part=part):
            those = {*connection.scalars(_ids(due))} - earlier
            earlier |= those
            alone = select(subscribers.c.reference).where(among(connection, subscribers.c.id, those))
            at_once[step.slug] += sum(preview(connection, step.slug, step.segment, now=now, due=alone)[0])
    soon = {
        step.slug: sum(preview(connection, step.slug, step.segment, now=now, due=due)[0])
        for step, due in _each(connection, steps, since, now + SOON, rested=False)
    }
    return [StepPlan(step.slug, at_once[step.slug], soon[step.slug]) for step in steps]


def _ids(*due: Select[Any]) -> Select[int]:
    """Select the ids of the subscribers with these references, fetched in parts: all rows at once take 0.4 kB each."""
    theirs = select(subscribers.c.id).where(subscribers.c.reference.in_(union(*due)))
    return theirs.execution_options(yield_per=PART)


def _each(
    connection: Connection, steps: Collection[Step], since: Since, now: datetime, *, rested: bool = True,
    part: Collection[int] | None = None,
) -> Iterator[tuple[Step, Select[Any]]]:  # fmt: skip
    """Yield each step with the references of those whom it is due for, or only of a ``part`` of the subscribers.
    Without ``rested`` the time of their last step is ignored.
    """
    lost = had_step_since(connection, now - DAY) if rested else None
    for step in steps:
        later = [one.slug for one in steps if one.series == step.series and one.after > step.after]
        found = _due(step, since[step.slug], later, now)
        if part is not None:
            found = found.where(among(connection, _READER.c.id, part))
        if rested:
            # In CASE it is looked up by key. PostgreSQL makes a join of NOT EXISTS, and does not know how many
            # recipients this transaction has written: it took minutes.
            found = found.where(case((_has_today(_READER, now), 1), else_=0) == 0)
        # By messages that are missing from the ledger. EXCEPT, because a condition on each reader would look through
        # all of them.
        yield step, found if lost is None else select(found.except_(lost).subquery().c.reference)


def _due(step: Step, since: datetime | None, later: list[str], now: datetime) -> Select[Any]:
    """Select the references of subscribers due for a step."""
    e, c, t, who = enrolments.c, consents.c, taken_steps.c, _READER
    taken = select(t.step).where(t.reference == who.c.reference, t.step.in_([step.slug, *later]))
    left = select(c.id).where(c.subscriber_id == who.c.id, c.change == ConsentEvent.UNSUBSCRIBED, c.at >= e.started_at)
    found = (
        select(who.c.reference)
        .join(enrolments, e.subscriber_id == who.c.id)
        .where(e.series == step.series, e.started_at <= now - step.after, who.c.state == ConsentState.CONFIRMED)
        .where(~taken.exists(), ~left.exists(), or_(who.c.paused_until.is_(None), who.c.paused_until <= now))
    )
    return found if since is None else found.where(e.started_at > since - step.after)


def _has_today(who: FromClause, now: datetime) -> ColumnElement[bool]:
    """Condition: a subscriber got a step within a day, or is about to."""
    t, r, m = taken_steps.c, recipients.c, mailings.c
    waits = and_(r.state.in_((RecipientState.PENDING, RecipientState.CLAIMED)), m.operator != Operator.CANCELLED)
    mailed = and_(r.state != RecipientState.EXCLUDED, or_(t.at > now - DAY, r.changed_at > now - DAY))
    rows = taken_steps.join(recipients, and_(r.mailing_id == t.mailing_id, r.reference == t.reference))
    query = select(t.step).select_from(rows.join(mailings, m.id == r.mailing_id))
    return query.where(t.reference == who.c.reference, or_(waits, mailed)).exists()


def _rows(connection: Connection) -> dict[str, Any]:
    return {row.name: row for row in connection.execute(select(series))}


def _since(rows: Mapping[str, Any], steps: Iterable[Step]) -> Since:
    """Return, by step, the last run at which it did not exist; None if it is as old as its series."""
    found: dict[str, datetime | None] = {}
    for step in steps:
        row = rows.get(step.series)
        at = row.steps.get(step.slug, row.looked_at.isoformat()) if row else None
        found[step.slug] = at and datetime.fromisoformat(at)
    return found


def _register(
    connection: Connection, rows: Mapping[str, Any], since: Since, now: datetime, held: Collection[str]
) -> None:
    """Store the existing steps, for later runs and for machines without a checkout."""
    there: dict[str, dict[str, str | None]] = {name: {} for name in rows}
    for slug, at in since.items():
        there.setdefault(slug.split("/")[1], {})[slug] = at.isoformat() if at else None
    for name in there.keys() - held:
        values = {"looked_at": now, "steps": there[name]}
        if name in rows:
            connection.execute(update(series).where(series.c.name == name).values(values))
        else:
            connection.execute(insert(series).values(name=name, **values))
