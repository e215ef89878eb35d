"""The candidates of a mailing, as one SQL query: each subscriber with its variant and its reason for exclusion."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Subquery
from sqlalchemy.sql import case, func, literal_column, or_, select, union_all

from publisher.audience.model import MONTHLY
from publisher.audience.segments import segment_clause
from publisher.audience.tables import subscribers, suppressions, taken_steps
from publisher.delivery.folding import refuse_folded
from publisher.delivery.local_time import LocalTime
from publisher.delivery.lock import DIGEST
from publisher.delivery.mailings import Mailing, newest, unsettled, waiting
from publisher.delivery.settle import inboxes_with
from publisher.delivery.states import Exclusion, Operator, RecipientState
from publisher.delivery.tables import mailings, recipients
from publisher.issue.translations import Family, pick

_ZERO: ColumnElement[int] = literal_column("0")


@dataclass(frozen=True, slots=True)
class FamilyRule:
    """Rule for which subscriber gets which member of a translation family. ``fallback`` is the newsletter's language.

    ``shared``: subscribers are divided among all members, frozen in one transaction; otherwise each subscriber without
    another member gets this one. ``late``: allowed although the family was mailed without this member.
    """

    members: Family
    fallback: str
    shared: bool = True
    late: bool = False

    def others(self, slug: str) -> list[str]:
        """Return the slugs of the other members."""
        return [one.slug for one in self.members if one.slug != slug]


def variant_of(conditions: Sequence[str], home: str) -> ColumnElement[int]:
    """Return the number of a subscriber's variant: that of the first condition met, otherwise 0."""
    others: list[tuple[ColumnElement[bool], ColumnElement[int]]] = [
        (segment_clause(one, home), literal_column(str(n))) for n, one in enumerate(conditions) if n
    ]
    return case(*others, else_=_ZERO) if others else _ZERO


def reason_of(chosen: Subquery) -> ColumnElement[Any]:
    """Return the reason why a candidate is excluded; NULL if it is a recipient."""
    return case((chosen.c.why.is_not(None), chosen.c.why), (chosen.c.copy > 1, Exclusion.DUPLICATE.value), else_=None)


@dataclass(frozen=True, slots=True, eq=False)
class CandidateRule:
    """Who gets a mailing, and when. ``segment`` is a condition on ``subscribers`` (None: all), ``variant`` the number
    of a subscriber's variant, ``local`` the local time of delivery (None: at once), ``family`` assigns translations.
    A ``correction`` also goes to those whom an earlier mailing reached.
    """

    now: datetime
    segment: ColumnElement[bool] | None = None
    variant: ColumnElement[int] = _ZERO
    local: LocalTime | None = None
    family: FamilyRule | None = None
    correction: bool = False


@dataclass(slots=True)
class _Query:
    """The join of :func:`candidates` and the reasons for exclusion, the first that is true first, as far as built."""

    slug: str
    shared: bool  # subscribers may share an inbox through different spellings
    joined: FromClause
    reasons: list[tuple[ColumnElement[bool], Exclusion]] = field(default_factory=list)
    reached: ColumnElement[bool] | None = None

    def latest(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the latest value among the subscribers of an inbox, which decides for all of them."""
        return func.max(value).over(partition_by=subscribers.c.mailbox_key) if self.shared else value


def candidates(connection: Connection, slug: str, rule: CandidateRule, due: Select[Any] | None = None) -> Subquery:
    """Return a row per subscriber: variant, reason for exclusion by its own data, rank among the subscribers of its
    inbox who have no reason, and ``not_before`` if there is one. With ``due``, only these, and no inbox gets a step
    twice. Raises UsageError if an earlier mailing of the issue or its family is folded.
    """
    if rule.family or not rule.correction:
        refuse_folded(connection, [slug, *(rule.family.others(slug) if rule.family else ())])
    s, before = subscribers.c, newest(connection, slug)
    joined = subscribers.outerjoin(suppressions, suppressions.c.mailbox_key == s.mailbox_key)
    query = _Query(slug, due is not None or _shares_inboxes(connection), joined)
    left_at = query.latest(case((s.state == "unsubscribed", s.changed_at)))
    query.reasons += [
        (or_(s.state == "unsubscribed", left_at >= s.changed_at), Exclusion.UNSUBSCRIBED),
        (s.state != "confirmed", Exclusion.UNCONFIRMED),
        (suppressions.c.mailbox_key.is_not(None), Exclusion.SUPPRESSED),
        (_unusable(), Exclusion.INVALID),
    ]
    if due is not None:
        other = subscribers.alias("other")
        taken = select(taken_steps.c.step).join(other, other.c.reference == taken_steps.c.reference)
        query.reached = taken.where(other.c.mailbox_key == s.mailbox_key, taken_steps.c.step == slug).exists()
    elif had := [*([_inboxes(slug)] if before else []), *inboxes_with(connection, slug)]:
        query.joined, query.reached = among_inboxes(query.joined, had)
    if rule.family:
        _by_family(connection, query, rule.family)
    _by_choice(query, rule, due)
    moment = _by_history(connection, query, rule, before)
    why = case(*((test, reason.value) for test, reason in query.reasons), else_=None).label("why")
    when = [] if moment is None else [moment.label("not_before")]
    found = select(s.id, s.reference, s.mailbox_key, why, rule.variant.label("variant"), *when)
    return _ranked(query, found.select_from(query.joined), due)


def _by_family(connection: Connection, query: _Query, family: FamilyRule) -> None:
    s, others = subscribers.c, family.others(query.slug)
    had = [_inboxes(*others, pending=True), *inboxes_with(connection, *others)]
    query.joined, elsewhere = among_inboxes(query.joined, had)
    if family.shared:
        usable = case((s.state == "confirmed", 0), else_=1)  # other exclusions apply to the whole inbox anyway
        spoken: ColumnElement[str] = func.coalesce(s.language, "")
        if query.shared:
            spoken = func.first_value(spoken).over(partition_by=s.mailbox_key, order_by=(usable, s.id))
        another = spoken.not_in(_languages_of(connection, query.slug, family))
        elsewhere = or_(elsewhere, another if query.reached is None else ~query.reached & another)
    query.reasons.append((elsewhere, Exclusion.SIBLING))


def _by_choice(query: _Query, rule: CandidateRule, due: Select[Any] | None) -> None:
    """Exclude those outside the segment, those who pause, and those who get the edition of the month instead."""
    s = subscribers.c
    if rule.segment is not None:
        included = func.coalesce(rule.segment, literal_column("false"))
        query.reasons.append((included.is_(literal_column("false")), Exclusion.SEGMENT))
    if due is None:  # a step of a series is sent after the pause instead
        query.reasons.append((query.latest(s.paused_until) > rule.now, Exclusion.PAUSED))
        if query.slug and not query.slug.startswith(DIGEST):
            query.reasons.append((query.latest(s.digest) == MONTHLY, Exclusion.DIGEST))


def _by_history(
    connection: Connection, query: _Query, rule: CandidateRule, before: Mailing | None
) -> ColumnElement[Any] | None:
    """Exclude those whom an earlier mailing reached, or with whom a correction is not concerned. Return the time of
    delivery; None: at once.
    """
    corrected = before if before and rule.correction and waits_for_correction(connection, before) else None
    if query.reached is not None and (corrected or not rule.correction):
        query.reasons.append((query.reached, Exclusion.REACHED))
    if corrected:
        r = recipients.c
        left = or_(r.state == RecipientState.PENDING, r.reason == Exclusion.CORRECTED)
        kept = select(r.reference, r.not_before).where(r.mailing_id == corrected.id, left).subquery()
        query.joined = query.joined.outerjoin(kept, kept.c.reference == subscribers.c.reference)
        query.reasons.append((kept.c.reference.is_(None), Exclusion.SEGMENT))
        return kept.c.not_before
    if rule.local is None or rule.correction:
        return None
    moment = rule.local.moment(connection)
    query.reasons.append((moment < rule.now - rule.local.expires_after, Exclusion.EXPIRED))
    return moment


def _ranked(query: _Query, found: Select[Any], due: Select[Any] | None) -> Subquery:
    """Return the rows of ``found`` with their ranks; with ``due``, all subscribers of their inboxes are ranked."""
    those_due = None if due is None else due.cte("due")  # computed once for both conditions
    if those_due is not None:
        other = subscribers.alias("other")
        inboxes = select(other.c.mailbox_key).join(those_due, those_due.c.reference == other.c.reference)
        found = found.where(subscribers.c.mailbox_key.in_(inboxes))
    alone = found.subquery()
    copy: ColumnElement[int] = literal_column("1")
    if query.shared:
        copy = func.row_number().over(partition_by=(alone.c.mailbox_key, alone.c.why), order_by=alone.c.id)
    those = select(*(column for column in alone.c if column.name != "mailbox_key"), copy.label("copy"))
    if those_due is not None:
        those = those.where(alone.c.reference.in_(select(those_due.c.reference)))
    return those.subquery()


def _shares_inboxes(connection: Connection) -> bool:
    """Whether two subscribers may share an inbox. Always True on PostgreSQL, where the next statement may see other
    data.
    """
    if connection.dialect.name != "sqlite":
        return True
    twice = select(subscribers.c.mailbox_key).group_by(subscribers.c.mailbox_key).having(func.count() > 1).limit(1)
    return connection.execute(twice).first() is not None


def among_inboxes(joined: FromClause, queries: Iterable[Select[Any]]) -> tuple[FromClause, ColumnElement[bool]]:
    """Join the inboxes that ``queries`` select; return the join, and the condition that a subscriber's is one of them.

    A join, because PostgreSQL compares ``IN (SELECT …)`` row by row if its hash table would exceed work_mem.
    """
    those = select(union_all(*queries).subquery().c.mailbox_key).distinct().subquery()
    return joined.outerjoin(those, those.c.mailbox_key == subscribers.c.mailbox_key), those.c.mailbox_key.is_not(None)


def _languages_of(connection: Connection, slug: str, family: FamilyRule) -> list[str]:
    """Return the subscribers' languages for which ``slug`` is the edition; an empty string is a missing language."""
    spoken = connection.execute(select(func.coalesce(subscribers.c.language, "")).distinct()).scalars()
    return [language for language in spoken if pick(language, family.members, family.fallback) == slug]


def _unusable() -> ColumnElement[bool]:
    """Condition: the address cannot be an envelope address. The audience refuses these; other writers may not."""
    key = subscribers.c.address_key
    return or_(
        func.length(key) > 254,  # RFC 5321, section 4.5.3.1.3, without the angle brackets
        key.not_like("%_@_%"), key.like("% %"), key.like("%\n%"), key.like("%\r%"),
    )  # fmt: skip


def _inboxes(*slugs: str, pending: bool = False) -> Select[Any]:
    """Select the inboxes that mailings of the issues reached or may have reached; with ``pending``, also will reach."""
    m, r, s = mailings.c, recipients.c, subscribers.c
    perhaps: ColumnElement[bool] = r.state.in_(
        (RecipientState.SUBMITTED, RecipientState.UNCERTAIN, RecipientState.CLAIMED)
    )
    if pending:
        perhaps = or_(perhaps, (r.state == RecipientState.PENDING) & (m.operator != Operator.CANCELLED))
    found = select(s.mailbox_key).join(recipients, r.reference == s.reference).join(mailings, m.id == r.mailing_id)
    return found.where(m.slug.in_(slugs), perhaps)


def waits_for_correction(connection: Connection, mailing: Mailing) -> bool:
    """Whether a correction takes over the pending recipients: some wait for their local time, and none is claimed."""
    if mailing.finished_at is not None or mailing.operator == Operator.CANCELLED:
        return False
    claimed = unsettled(connection, mailing.id)[RecipientState.CLAIMED]
    return not claimed and waiting(connection, mailing.id)[0] > 0
