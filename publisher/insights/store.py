"""Queries of the report and of ``subscribers show`` for one person, and the answers of receivers to a mailing:
receiver, action, reason, recipients and remedy. Nothing here returns an address.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, String, case, func, literal_column, select, type_coerce

from publisher.audience.tables import consents, domain_of, subscribers
from publisher.config import Config
from publisher.database import Database
from publisher.delivery import folding, ledger, mailings
from publisher.delivery.mailings import Mailing
from publisher.delivery.states import FEEDBACK, RecipientState, mailing_state
from publisher.delivery.tables import links, literally, recipients
from publisher.delivery.tables import mailings as mailing_table
from publisher.diagnostics import say
from publisher.errors import UsageError
from publisher.feedback.tables import clicks, feedback_events
from publisher.insights.account import (
    FEW,
    AnswerCount,
    BounceReason,
    CountedLink,
    Domain,
    LinkClicks,
    MailingReport,
    Rejection,
    Tracking,
    named_domains,
    timeline,
)
from publisher.providers.receivers import decode

_TOLD = {"complained": "complained_at", "bounced": "bounced_at", "delivered": "delivered_at"}
_SUBMITTED = literally(RecipientState.SUBMITTED)


def report(database: Database, config: Config, slug: str) -> MailingReport | None:
    """Return the report of the newest mailing of an issue; None before the freeze."""
    with database.connect() as connection:
        mailing = mailings.newest(connection, slug)
        if mailing is None:
            return None
        if kept := folding.report_of(connection, mailing.id):
            return replace(MailingReport.from_json(kept), clicks=_clicks(connection, slug))
        return report_of(connection, config, mailing, at_work=ledger.at_work(database, connection, mailing))


def report_of(connection: Connection, config: Config, mailing: Mailing, *, at_work: bool = False) -> MailingReport:
    """Return the report of one mailing that is not folded."""
    account = mailings.account(connection, mailing.id)
    tracks, r = config.feedback.opens_and_clicks, recipients.c
    bounces = _by_reason(connection, mailing, r.bounce, r.bounced_at)
    return MailingReport(
        issue=mailing.slug, title=mailing.title, language=mailings.letter_of(connection, mailing.id).language,
        sequence=mailing.sequence, state=mailing_state(account, mailing.operator, at_work=at_work),
        digest=mailing.digest, commit=mailing.commit, frozen_at=mailing.frozen_at, finished_at=mailing.finished_at,
        counted=mailing.audience, account=account, unsubscribed=_unsubscribed(connection, mailing),
        rejections=_rejections(connection, mailing),
        bounces=tuple(BounceReason(*reason.partition("/")[::2], count) for reason, count in bounces),
        answers=answers(connection, mailing),
        complaints=tuple(_by_reason(connection, mailing, r.complaint, r.complained_at)),
        domains=_domains(connection, mailing), timeline=timeline(_minutes(connection, mailing)),
        tracking=_tracking(connection, mailing) if tracks else None, clicks=_clicks(connection, mailing.slug),
    )  # fmt: skip


def _clicks(connection: Connection, slug: str) -> tuple[CountedLink, ...]:
    """Return every counted link of an issue, in the order of the mail."""
    c = clicks.c
    sums = (func.coalesce(func.sum(c.people), 0), func.coalesce(func.sum(c.machines), 0))
    query = (
        select(links.c.number, links.c.target, *sums)
        .outerjoin_from(links, clicks, (c.slug == links.c.slug) & (c.number == links.c.number))
        .where(links.c.slug == slug)
        .group_by(links.c.number, links.c.target)
        .order_by(links.c.number)
    )
    return tuple(
        CountedLink(number, url, int(people), int(machines))
        for number, url, people, machines in connection.execute(query)
    )


def _rejections(connection: Connection, mailing: Mailing) -> tuple[Rejection, ...]:
    """Return immediate rejections from the ledger and later ones from events; the 25 most frequent."""
    r, e = recipients.c, feedback_events.c
    code = func.coalesce(r.reason, "")
    rejected = (r.mailing_id == mailing.id, r.state == RecipientState.REJECTED, code.not_like("event:%"))
    at_once = select(code, func.count()).where(*rejected).group_by(r.reason)
    later = (
        select(e.kind, e.detail, func.count(func.coalesce(e.recipient, e.message_id).distinct()))
        .where(e.mailing == mailing.reference, e.kind.in_(("reject", "rendering-failure")))
        .group_by(e.kind, e.detail)
    )
    found = [Rejection(said, "", count) for said, count in connection.execute(at_once)]
    found += [Rejection(*row) for row in connection.execute(later)]
    return tuple(sorted(found, key=lambda one: (-one.count, one.code, one.detail))[:25])


def _by_reason(connection: Connection, mailing: Mailing, why: Column[Any], at: Column[Any]) -> list[tuple[str, int]]:
    of_mailing = (recipients.c.mailing_id == mailing.id, at.is_not(None))
    query = select(why, func.count()).where(*of_mailing).group_by(why).order_by(func.count().desc(), why)
    return [(reason or "", count) for reason, count in connection.execute(query)]


def _domains(connection: Connection, mailing: Mailing) -> tuple[Domain, ...]:
    """Count by the subscribers' current domains; persons who have been erased since count among the others."""
    r = recipients.c
    query = (
        select(
            domain_of(connection).label("domain"),
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
    happened: dict[str, tuple[Column[Any], ColumnElement[bool]]]
    happened = {name: (r[f"{name}_at"], r[f"{name}_at"].is_not(None)) for name in FEEDBACK}
    happened["submitted"] = (r.changed_at, r.state == _SUBMITTED)
    of_mailing = r.mailing_id == mailing.id
    return {name: _by_minute(connection, moment, of_mailing, test) for name, (moment, test) in happened.items()}


def _by_minute(connection: Connection, moment: Column[Any], *where: ColumnElement[bool]) -> dict[datetime, int]:
    """Return counts by minute. Times are ISO 8601 text in UTC, so the first sixteen characters are the minute."""
    minute = func.substr(type_coerce(moment, String), 1, 16).label("minute")
    query = select(minute, func.count()).where(*where).group_by(literal_column("minute"))
    rows = connection.execute(query)
    return {datetime.fromisoformat(text).replace(tzinfo=UTC): count for text, count in rows if text is not None}


def _unsubscribed(connection: Connection, mailing: Mailing) -> int:
    """Count recipients who left because of this mailing: by its own link, or another way before the next mailing."""
    r, c, s = recipients.c, consents.c, subscribers.c
    later = select(func.min(type_coerce(mailing_table.c.frozen_at, String))).where(mailing_table.c.id > mailing.id)
    following = connection.execute(later).scalar_one()
    query = (
        select(s.reference, type_coerce(c.at, String), c.evidence)
        .join_from(consents, subscribers, s.id == c.subscriber_id)
        .join(recipients, r.reference == s.reference)
        .where(r.mailing_id == mailing.id, r.state == _SUBMITTED, s.state == "unsubscribed")
        .where(c.change == "unsubscribed", c.at >= mailing.frozen_at)
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
    of_mailing = (e.mailing == mailing.reference, e.kind.in_(("open", "click")))
    people = (
        select(e.kind, who.label("who"), func.min(e.machine).label("machine"))
        .where(*of_mailing)
        .group_by(e.kind, literal_column("who"))
        .subquery()
    )
    p = people.c
    rows = connection.execute(select(p.kind, p.machine, func.count()).group_by(p.kind, p.machine))
    counts = {(kind, bool(machine)): count for kind, machine, count in rows}
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
        links=tuple(LinkClicks(*row) for row in connection.execute(ranked)),
    )


_MOMENTS = ("changed_at", "delivered_at", "bounced_at", "complained_at")

_RANKS = {state: rank for rank, state in enumerate(("submitted", "uncertain", "claimed", "rejected", "pending"))}


def standings(connection: Connection, slug: str) -> dict[str, dict[str, str]]:
    """Return who got an issue and who did not, over all its mailings: by subscriber reference, the highest-ranked
    state, reason and most serious feedback, if any. Raises UsageError if the recipients were dropped.
    """
    m, r = mailing_table.c, recipients.c
    keys = ("reference", "state", "reason", "bounce", "complaint", *_TOLD.values())
    query = select(*(r[key] for key in keys)).join(mailing_table, m.id == r.mailing_id).where(m.slug == slug)
    streamed = query.order_by(m.sequence).execution_options(yield_per=1000)
    rows = map(dict, connection.execute(streamed).mappings())
    found, alike = dict[str, dict[str, str]](), dict[tuple[Any, ...], dict[str, str]]()
    for row in chain((one.row for one in folding.rows_of(connection, slug)), rows):
        before = found.get(row["reference"])
        if before and _RANKS.get(before["state"], 9) <= _RANKS.get(row["state"], 9):
            continue
        told = next((word for word, moment in _TOLD.items() if row[moment] is not None), None)
        words = {"state": row["state"], "reason": row["reason"] or row["complaint"] or row["bounce"], "feedback": told}
        kept = {name: word for name, word in words.items() if word}
        found[row["reference"]] = alike.setdefault(tuple(kept.items()), kept)  # few differ; there may be a million
    if not found and (mailing := mailings.newest(connection, slug)) and mailing.audience:
        advice = say("an earlier backup has them")
        raise UsageError(say("the recipients of {slug} were dropped", slug=slug), help=advice)
    return found


def mailings_of(connection: Connection, reference: str) -> list[dict[str, Any]]:
    """Return every mailing that a subscriber was a recipient of or excluded from, oldest first, as JSON values."""
    m, r = mailing_table.c, recipients.c
    keys = ("state", "reason", "attempts", "bounce", "complaint", *_MOMENTS)
    statement = (
        select(m.id, m.slug, m.reference, r.number, *(r[key] for key in keys))
        .select_from(recipients.join(mailing_table, r.mailing_id == m.id))
        .where(r.reference == reference)
    )
    packed = folding.all_of(connection, reference)
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    rows += ({**one.row, "slug": one.slug, "reference": one.mailing, "id": one.mailing_id} for one in packed)
    found = []
    for row in sorted(rows, key=itemgetter("id")):
        values = {key: row[key] for key in keys}
        values |= {key: row[key].isoformat() for key in _MOMENTS if isinstance(row[key], datetime)}
        told = {key: value for key, value in values.items() if value is not None}
        events = _events(connection, row["reference"], f"{row['reference']}-{row['number']}")
        found.append({"issue": row["slug"], **told, **({"events": events} if events else {})})
    return found


def _events(connection: Connection, mailing: str, recipient: str) -> list[dict[str, Any]]:
    e = feedback_events.c
    query = select(e.at, e.kind, e.type, e.subtype, e.detail).where(e.mailing == mailing, e.recipient == recipient)
    rows = connection.execute(query.order_by(e.id))
    return [
        {key: value.isoformat() if key == "at" else value for key, value in row._mapping.items() if value}
        for row in rows
    ]


def fold_mailing(database: Database, config: Config, mailing: Mailing, before: datetime, now: datetime) -> bool:
    """Fold one mailing that :func:`folding.foldable` named. Return False if it is not foldable any more."""
    with database.begin() as connection:
        if connection.dialect.name == "postgresql":  # one snapshot for the decision, the account and the report
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if mailing.id not in {one.id for one in folding.foldable(connection, before, mailing.slug)}:
            return False
        if folding.report_of(connection, mailing.id) is None:  # otherwise an earlier run was interrupted
            report = replace(report_of(connection, config, mailing), folded_at=now)
            folding.begin(connection, mailing, report.to_json(), now)
    folding.pack(database, mailing.id)
    return True


MOST = 25  # rows that are shown, the largest first
_DID = {"bounce": "bounced", "delivery-delay": "delayed"}


def answers(connection: Connection, mailing: Mailing) -> tuple[AnswerCount, ...]:
    """Return the answers to a mailing, most recipients first; a recipient counts once per answer."""
    found: defaultdict[tuple[str, str, str, str, str], set[str]] = defaultdict(set)
    unknown: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for did, domain, words, who in _said(connection, mailing):
        answer = decode(words, domain)
        if answer.reason:
            found[answer.receiver, did, answer.reason, answer.cure, answer.source].add(who)
        else:
            unknown[answer.receiver, did, _without_ids(words)].add(who)
    few: Counter[tuple[str, str]] = Counter()
    rows = [AnswerCount(*key[:3], len(people), *key[3:]) for key, people in found.items()]
    for (receiver, did, words), people in unknown.items():
        if len(people) < FEW or not words:
            few[receiver, did] += len(people)
        else:
            rows.append(AnswerCount(receiver, did, words, len(people), "", ""))
    rows += [AnswerCount(*key, "", count, "", "") for key, count in few.items()]
    return tuple(sorted(rows, key=lambda row: (-row.recipients, row))[:MOST])


def answers_to(database: Database, slug: str | None = None) -> tuple[AnswerCount, ...]:
    """Return the answers to the newest mailing of an issue, or of all issues; empty before the first freeze."""
    with database.connect() as connection:
        if slug is None:
            found = max(mailings.every_newest(connection), key=lambda one: one.id, default=None)
        else:
            found = mailings.newest(connection, slug)
        if found and (kept := folding.report_of(connection, found.id)):
            return MailingReport.from_json(kept).answers
        return answers(connection, found) if found else ()


def _said(connection: Connection, mailing: Mailing) -> Iterable[tuple[str, str, str, str]]:
    """Yield action, domain, server's text and recipient, from events and from the answers of an SMTP relay."""
    e, r, s = feedback_events.c, recipients.c, subscribers.c
    events = select(e.kind, e.domain, e.detail, e.recipient, e.message_id)
    events = events.where(e.mailing == mailing.reference, e.kind.in_(tuple(_DID)))
    for kind, domain, words, recipient, message in connection.execute(events):
        yield _DID[kind], domain, words, recipient or message
    at_once = select(r.state, s.mailbox_key, r.reason, r.number).outerjoin(subscribers, s.reference == r.reference)
    refused = r.state.in_((RecipientState.REJECTED, RecipientState.PENDING))
    at_once = at_once.where(r.mailing_id == mailing.id, refused, r.reason.like("smtp-%: %"))
    for state, mailbox, reason, number in connection.execute(at_once):
        did = "rejected" if state == RecipientState.REJECTED else "delayed"
        yield did, (mailbox or "").rpartition("@")[2], reason.removeprefix("smtp-"), str(number)


def _without_ids(text: str) -> str:
    """Replace the parts of a server's text that differ in each answer: ids, machine addresses, times."""
    return " ".join("…" if len(word) > 6 and any(map(str.isdigit, word)) else word for word in text.split())[:200]
