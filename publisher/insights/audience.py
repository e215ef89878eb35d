"""Statistics of the audience, from the database alone, without addresses or data about identifiable persons."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, FromClause, String
from sqlalchemy.sql import and_, case, column, exists, false, func, literal_column, not_, or_, select, type_coerce

from publisher.audience import store
from publisher.audience.model import ConsentEvent, ConsentSource, ConsentState
from publisher.audience.suppressions import Reason
from publisher.audience.tables import consents, domain_of, forgotten, subscribers, suppressions
from publisher.config import Config
from publisher.delivery.tables import mailings
from publisher.feedback.tables import feedback_events
from publisher.providers.events import CONTENT_FAULTS, BounceType, EventKind

FEW = 10  # domains, and topics that config.yaml does not declare, with fewer readers are not named
MOST = 20  # names per list; all others share one row
MONTHS = 12
CAUSES = ("unsubscribed", *map(str, Reason), "erased")

s, c = subscribers.c, consents.c
_HELD = exists().where(suppressions.c.mailbox_key == s.mailbox_key)
_READS = and_(s.state == ConsentState.CONFIRMED.value, not_(_HELD))
_CONFIRMING = (ConsentEvent.CONFIRMED.value, ConsentEvent.RESUBSCRIBED.value)


class Share(NamedTuple):
    """Number of readers with one topic, language or domain; ``name`` is None for all others."""

    name: str | None
    readers: int


class ConsentOrigin(NamedTuple):
    """Number of readers by how they were entered and how they consented, in the terms of the consent history."""

    entered: str
    consented: str
    readers: int


@dataclass(frozen=True, slots=True)
class Month:
    """Joins and losses in one calendar month (UTC), and the number of readers at its end."""

    month: str
    joined: int
    lost: Mapping[str, int]
    """By cause, one of ``CAUSES``."""
    readers: int


class IssueLosses(NamedTuple):
    """Losses by one mailing: unsubscribed by its links, permanent bounces, and complaints."""

    issue: str
    mailing: int
    frozen_at: datetime
    audience: int
    unsubscribed: int
    bounce: int
    complaint: int


@dataclass(frozen=True, slots=True)
class AudienceReport:
    """Statistics of the audience. A reader is a confirmed subscriber whose mailbox is not suppressed."""

    readers: int
    states: Mapping[str, int]
    """Subscribers by consent state, the ``paused`` among the confirmed, and ``suppressed`` mailboxes."""
    consent: tuple[ConsentOrigin, ...]
    topics: tuple[Share, ...]
    languages: tuple[Share, ...]
    domains: tuple[Share, ...]
    months: tuple[Month, ...]
    issues: tuple[IssueLosses, ...]

    @property
    def lost(self) -> dict[str, int]:
        """Losses of the last twelve months, by cause."""
        return {cause: sum(month.lost[cause] for month in self.months) for cause in CAUSES}


def audience(connection: Connection, config: Config, now: datetime) -> AudienceReport:
    """Return the audience at ``now``, with the twelve calendar months up to the current one."""
    last = now.year * 12 + now.month - 1
    names = [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(last - MONTHS + 1, last + 1)]
    readers = connection.scalar(select(func.count()).where(_READS)) or 0
    language = func.coalesce(s.language, config.newsletter.language)
    topic, topics = _topics(connection)
    return AudienceReport(
        readers=readers, states=store.counts(connection), consent=_consent(connection),
        topics=_shares(connection, topic, topics, declared=config.topics),
        languages=_shares(connection, language, subscribers, few=1),
        domains=_shares(connection, domain_of(connection), subscribers), months=_months(connection, names, readers),
        issues=_issues(connection, names[0]),
    )  # fmt: skip


def _topics(connection: Connection) -> tuple[ColumnElement[str], FromClause]:
    """Return the column of a join with one row per subscriber and topic, and the join."""
    each = func.jsonb_array_elements_text if connection.dialect.name == "postgresql" else func.json_each
    listed = each(s.topics).table_valued(column("value", String)).render_derived(name="chosen")
    if connection.dialect.name == "sqlite":
        listed = each(s.topics).table_valued(column("value", String), name="chosen")
    return listed.c.value, subscribers.join(listed, literal_column("1") == literal_column("1"))


def _shares(
    connection: Connection,
    name: ColumnElement[str],
    source: FromClause,
    *,
    few: int = FEW,
    declared: Collection[str] = (),
) -> tuple[Share, ...]:
    """Return readers by ``name``, most first; names with fewer than ``few`` readers, or beyond MOST, share a row."""
    counted = select(name.label("share"), func.count().label("readers"), func.sum(func.count()).over().label("total"))
    g = counted.select_from(source).where(_READS).group_by(literal_column("share")).subquery().c
    named = or_(g.readers >= few, g.share.in_(declared) if declared else false())
    shown, number = case((named, g.share)).label("shown"), func.sum(g.readers)
    query = select(shown, number, func.max(g.total)).group_by(literal_column("shown"))
    ranked = query.order_by(shown.is_not(None), number.desc(), literal_column("shown")).limit(MOST + 1)
    rows = connection.execute(ranked).all()
    found = [Share(row[0], int(row[1])) for row in rows if row[0] is not None][:MOST]
    others = int(rows[0][2]) - sum(share.readers for share in found) if rows else 0
    return (*found, Share(None, others)) if others else tuple(found)


def _consent(connection: Connection) -> tuple[ConsentOrigin, ...]:
    given = func.max(case((c.change.in_(_CONFIRMING), c.id)))
    spans = (
        select(c.subscriber_id, func.min(c.id).label("first"), func.coalesce(given, func.min(c.id)).label("given"))
        .group_by(c.subscriber_id)
        .subquery()
    )
    first, last = consents.alias(), consents.alias()
    query = (
        select(first.c.how, last.c.how, func.count().label("readers"))
        .select_from(
            spans.join(subscribers, s.id == spans.c.subscriber_id)
            .join(first, first.c.id == spans.c.first)
            .join(last, last.c.id == spans.c.given)
        )
        .where(_READS)
        .group_by(first.c.how, last.c.how)
        .order_by(literal_column("readers").desc(), first.c.how, last.c.how)
    )
    return tuple(ConsentOrigin(*row) for row in connection.execute(query))


def _months(connection: Connection, names: list[str], readers: int) -> tuple[Month, ...]:
    """Return the months, with readers computed backwards from now. Joins of erased persons are not known any more."""
    start = names[0]
    before = consents.alias()
    wanted = exists().where(
        before.c.subscriber_id == c.subscriber_id, before.c.id < c.id, before.c.change.in_(_CONFIRMING)
    )
    left = and_(c.change == ConsentEvent.UNSUBSCRIBED.value, c.how != ConsentSource.COMPLAINT.value, wanted)
    cost = exists().where(
        s.mailbox_key == suppressions.c.mailbox_key,
        or_(s.state == ConsentState.CONFIRMED.value, suppressions.c.reason == Reason.COMPLAINT.value),
    )
    joined = _by_month(connection, c.at, start, c.change.in_(_CONFIRMING))
    lost = {"unsubscribed": _by_month(connection, c.at, start, left)}
    for reason in Reason:
        held = suppressions.c.reason == reason.value
        lost[reason] = _by_month(connection, suppressions.c.at, start, and_(held, cost))
    lost["erased"] = _by_month(connection, forgotten.c.at, start)
    found = []
    for name in reversed(names):
        of_month = {cause: lost[cause].get(name, 0) for cause in CAUSES}
        found.append(Month(name, joined.get(name, 0), of_month, readers))
        readers = max(0, readers - joined.get(name, 0) + sum(of_month.values()) - of_month["erased"])
    return tuple(reversed(found))


def _by_month(connection: Connection, at: Column[Any], start: str, *where: ColumnElement[bool]) -> dict[str, int]:
    """Return row counts by month. Times are ISO 8601 text in UTC, so the first seven characters are the month."""
    text = type_coerce(at, String)
    query = select(func.substr(text, 1, 7).label("month"), func.count()).where(text >= start, *where)
    return {row[0]: row[1] for row in connection.execute(query.group_by(literal_column("month")))}


def _issues(connection: Connection, start: str) -> tuple[IssueLosses, ...]:
    m, e = mailings.c, feedback_events.c
    because = c.evidence["mailing"].as_string()
    gone = and_(c.change == ConsentEvent.UNSUBSCRIBED.value, c.how != ConsentSource.COMPLAINT.value)
    query = select(because.label("mailing"), func.count()).where(gone, type_coerce(c.at, String) >= start)
    left = {row[0]: row[1] for row in connection.execute(query.group_by(literal_column("mailing")))}
    permanent = and_(e.type == BounceType.PERMANENT.value, func.lower(e.subtype).not_in(CONTENT_FAULTS))
    told = or_(
        and_(e.kind == EventKind.BOUNCE.value, permanent),
        and_(e.kind == EventKind.COMPLAINT.value, func.lower(e.type) != "not-spam"),
    )
    people = func.count(func.coalesce(e.recipient, e.message_id).distinct())
    rows = connection.execute(select(e.mailing, e.kind, people).where(told).group_by(e.mailing, e.kind))
    events = {(row[0], row[1]): row[2] for row in rows}
    query = select(m.reference, m.slug, m.sequence, m.frozen_at, m.audience).order_by(m.id)
    found = connection.execute(query.where(type_coerce(m.frozen_at, String) >= start))
    return tuple(
        IssueLosses(
            *(row.slug, row.sequence, row.frozen_at, row.audience, left.get(row.reference, 0)),
            bounce=events.get((row.reference, "bounce"), 0),
            complaint=events.get((row.reference, "complaint"), 0),
        )
        for row in found
    )
