"""What the report asks of the database. One scan of the mailing's recipients a question; no address leaves here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    String,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
)

from publisher.audience.tables import consents, subscribers
from publisher.config import Config
from publisher.database import Database
from publisher.delivery import ledger, mailings
from publisher.delivery.mailings import Mailing
from publisher.delivery.states import RecipientState, mailing_state
from publisher.delivery.tables import literally, recipients
from publisher.delivery.tables import mailings as mailing_table
from publisher.feedback.tables import feedback_events
from publisher.insights.account import BounceReason, Domain, Link, Rejection, Report, Tracking, named_domains, timeline

_SUBMITTED = literally(RecipientState.SUBMITTED)


def report(database: Database, config: Config, slug: str) -> Report | None:
    """The report of the newest mailing of an issue; None before the freeze."""
    with database.connect() as connection:
        mailing = mailings.newest(connection, slug)
        if mailing is None:
            return None
        account = mailings.account(connection, mailing.id)
        busy = ledger.at_work(database, connection, mailing)
        tracks = config.feedback.opens_and_clicks
        return Report(
            issue=mailing.slug,
            title=mailing.title,
            language=mailings.letter_of(connection, mailing.id).language,
            sequence=mailing.sequence,
            state=mailing_state(account, mailing.operator, at_work=busy),
            digest=mailing.digest,
            commit=mailing.commit,
            frozen_at=mailing.frozen_at,
            finished_at=mailing.finished_at,
            counted=mailing.audience,
            account=account,
            unsubscribed=_unsubscribed(connection, mailing),
            rejections=_rejections(connection, mailing),
            bounces=_bounces(connection, mailing),
            complaints=_complaints(connection, mailing),
            domains=_domains(connection, mailing),
            timeline=timeline(_minutes(connection, mailing)),
            tracking=_tracking(connection, mailing) if tracks else None,
        )


def _rejections(connection: Connection, mailing: Mailing) -> tuple[Rejection, ...]:
    """What the provider said at once, by the ledger; what it found out later, by the events."""
    r, e = recipients.c, feedback_events.c
    at_once = (
        select(func.coalesce(r.reason, ""), literal(""), func.count())
        .where(
            r.mailing_id == mailing.id,
            r.state == RecipientState.REJECTED,
            func.coalesce(r.reason, "").not_like("event:%"),
        )
        .group_by(r.reason)
    )
    later = (
        select(e.kind, e.detail, func.count(func.coalesce(e.recipient, e.message_id).distinct()))
        .where(e.mailing == mailing.reference, e.kind.in_(("reject", "rendering-failure")))
        .group_by(e.kind, e.detail)
    )
    found = [Rejection(*row) for row in (*connection.execute(at_once), *connection.execute(later))]
    return tuple(sorted(found, key=lambda one: (-one.count, one.code, one.detail))[:25])


def _bounces(connection: Connection, mailing: Mailing) -> tuple[BounceReason, ...]:
    r = recipients.c
    query = (
        select(r.bounce, func.count())
        .where(r.mailing_id == mailing.id, r.bounced_at.is_not(None))
        .group_by(r.bounce)
        .order_by(func.count().desc(), r.bounce)
    )
    rows = [((bounce or "").partition("/"), count) for bounce, count in connection.execute(query)]
    return tuple(BounceReason(type_, subtype, count) for (type_, _, subtype), count in rows)


def _complaints(connection: Connection, mailing: Mailing) -> tuple[tuple[str, int], ...]:
    r = recipients.c
    query = (
        select(r.complaint, func.count())
        .where(r.mailing_id == mailing.id, r.complained_at.is_not(None))
        .group_by(r.complaint)
        .order_by(func.count().desc(), r.complaint)
    )
    return tuple((complaint or "", count) for complaint, count in connection.execute(query))


def _domains(connection: Connection, mailing: Mailing) -> tuple[Domain, ...]:
    """By the domain a subscriber has today; who was erased since has none, and counts among the others."""
    r, key = recipients.c, subscribers.c.mailbox_key
    if connection.dialect.name == "postgresql":
        domain = func.split_part(key, "@", -1)
    else:
        domain = func.substr(key, func.instr(key, "@") + 1)
    query = (
        select(
            domain.label("domain"),
            func.count(),
            func.count(case((r.bounced_at.is_(None), r.delivered_at))),
            func.count(r.bounced_at),
            func.count(r.complained_at),
        )
        .select_from(recipients.outerjoin(subscribers, subscribers.c.reference == r.reference))
        .where(r.mailing_id == mailing.id, r.state == _SUBMITTED)
        .group_by(literal_column("domain"))
    )
    return named_domains([Domain(*row) for row in connection.execute(query)])


def _minutes(connection: Connection, mailing: Mailing) -> dict[str, dict[datetime, int]]:
    r = recipients.c
    return {
        "submitted": _by_minute(connection, r.changed_at, r.mailing_id == mailing.id, r.state == _SUBMITTED),
        **{
            name: _by_minute(connection, column, r.mailing_id == mailing.id, column.is_not(None))
            for name, column in (
                ("delivered", r.delivered_at),
                ("bounced", r.bounced_at),
                ("complained", r.complained_at),
            )
        },
    }


def _by_minute(connection: Connection, moment: Column[Any], *where: ColumnElement[bool]) -> dict[datetime, int]:
    """Counts by minute. A moment is ISO 8601 text in UTC, so a minute is its first sixteen characters."""
    minute = func.substr(type_coerce(moment, String), 1, 16).label("minute")
    query = select(minute, func.count()).where(*where).group_by(literal_column("minute"))
    return {
        datetime.fromisoformat(text).replace(tzinfo=UTC): count
        for text, count in connection.execute(query)
        if text is not None
    }


def _unsubscribed(connection: Connection, mailing: Mailing) -> int:
    """Readers who left because of this mailing and stayed away: by its own link, or another way before the next one."""
    r, c = recipients.c, consents.c
    following = connection.execute(
        select(func.min(type_coerce(mailing_table.c.frozen_at, String))).where(mailing_table.c.id > mailing.id)
    ).scalar_one()
    query = (
        select(subscribers.c.reference, type_coerce(c.at, String), c.evidence)
        .select_from(
            consents.join(subscribers, subscribers.c.id == c.subscriber_id).join(
                recipients, r.reference == subscribers.c.reference
            )
        )
        .where(
            r.mailing_id == mailing.id,
            r.state == _SUBMITTED,
            c.change == "unsubscribed",
            subscribers.c.state == "unsubscribed",
            c.at >= mailing.frozen_at,
        )
    )
    left: set[str] = set()
    for reference, at, evidence in connection.execute(query):
        because = (evidence or {}).get("mailing")
        if because == mailing.reference or (because is None and (following is None or at < following)):
            left.add(reference)
    return len(left)


def _tracking(connection: Connection, mailing: Mailing) -> Tracking:
    e = feedback_events.c
    who = func.coalesce(e.recipient, e.message_id)
    of_mailing = (e.mailing == mailing.reference, or_(e.kind == "open", e.kind == "click"))
    people = (
        select(e.kind, who.label("who"), func.min(e.machine).label("machine"))
        .where(*of_mailing)
        .group_by(e.kind, literal_column("who"))
        .subquery()
    )
    counts = {
        (kind, bool(machine)): count
        for kind, machine, count in connection.execute(
            select(people.c.kind, people.c.machine, func.count()).group_by(people.c.kind, people.c.machine)
        )
    }
    links = select(
        e.detail,
        func.count(case((e.machine == 0, who)).distinct()),
        func.count(case((e.machine == 0, e.id))),
        func.count(case((e.machine == 1, e.id))),
    ).where(e.mailing == mailing.reference, e.kind == "click")
    ranked = links.group_by(e.detail).order_by(literal_column("2 DESC"), literal_column("3 DESC"), e.detail).limit(25)
    return Tracking(
        opened=counts.get(("open", False), 0),
        opened_by_machines_only=counts.get(("open", True), 0),
        clicked=counts.get(("click", False), 0),
        clicked_by_machines_only=counts.get(("click", True), 0),
        links=tuple(Link(*row) for row in connection.execute(ranked)),
    )
