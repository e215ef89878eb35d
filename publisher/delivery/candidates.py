"""The candidates of a mailing, as one SQL query: each subscriber with its variant and its reason for exclusion."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    return case(*others, else_=literal_column("0")) if others else literal_column("0")


def reason_of(chosen: Subquery) -> ColumnElement[Any]:
    """Return the reason why a candidate is excluded; NULL if it is a recipient."""
    return case((chosen.c.why.is_not(None), chosen.c.why), (chosen.c.copy > 1, Exclusion.DUPLICATE.value), else_=None)


def candidates(
    connection: Connection,
    slug: str,
    segment: ColumnElement[bool] | None,
    local: LocalTime | None,
    family: FamilyRule | None,
    variant: ColumnElement[int],
    now: datetime,
    *,
    correction: bool,
    due: Select[Any] | None = None,
) -> Subquery:
    """Return a row per subscriber: variant, reason for exclusion by its own data, rank among the subscribers of its
    inbox who have no reason, and ``not_before`` if there is one. With ``due``, only these, and no inbox gets a step
    twice. Raises UsageError if an earlier mailing of the issue or its family is folded.
    """
    if family or not correction:
        refuse_folded(connection, [slug, *(family.others(slug) if family else ())])
    s, before = subscribers.c, newest(connection, slug)
    joined: FromClause = subscribers.outerjoin(suppressions, suppressions.c.mailbox_key == s.mailbox_key)
    # Several subscribers may share an inbox through different spellings: the latest change decides for all.
    shared = due is not None or _shares_inboxes(connection)
    latest = (lambda value: func.max(value).over(partition_by=s.mailbox_key)) if shared else lambda value: value
    left_at = latest(case((s.state == "unsubscribed", s.changed_at)))
    reasons: list[tuple[ColumnElement[bool], Exclusion]] = [
        (or_(s.state == "unsubscribed", left_at >= s.changed_at), Exclusion.UNSUBSCRIBED),
        (s.state != "confirmed", Exclusion.UNCONFIRMED),
        (suppressions.c.mailbox_key.is_not(None), Exclusion.SUPPRESSED),
        (_unusable(), Exclusion.INVALID),
    ]
    reached: ColumnElement[bool] | None = None
    had = [] if due is not None else [*([_inboxes(slug)] if before else []), *inboxes_with(connection, slug)]
    if had:
        joined, reached = among_inboxes(joined, had)
    other = subscribers.alias("other")
    if due is not None:
        taken = select(taken_steps.c.step).join(other, other.c.reference == taken_steps.c.reference)
        reached = taken.where(other.c.mailbox_key == s.mailbox_key, taken_steps.c.step == slug).exists()
    if family:
        others = family.others(slug)
        had = [_inboxes(*others, pending=True), *inboxes_with(connection, *others)]
        joined, elsewhere = among_inboxes(joined, had)
        if family.shared:
            usable = case((s.state == "confirmed", 0), else_=1)  # other exclusions apply to the whole inbox anyway
            spoken: ColumnElement[str] = func.coalesce(s.language, "")
            if shared:
                spoken = func.first_value(spoken).over(partition_by=s.mailbox_key, order_by=(usable, s.id))
            another = spoken.not_in(_languages_of(connection, slug, family))
            elsewhere = or_(elsewhere, another if reached is None else ~reached & another)
        reasons.append((elsewhere, Exclusion.SIBLING))
    if segment is not None:
        included = func.coalesce(segment, literal_column("false"))
        reasons.append((included.is_(literal_column("false")), Exclusion.SEGMENT))
    paused_until = latest(s.paused_until)
    if due is None:  # a step of a series is sent after the pause instead
        reasons.append((paused_until > now, Exclusion.PAUSED))
        if slug and not slug.startswith(DIGEST):
            reasons.append((latest(s.digest) == MONTHLY, Exclusion.DIGEST))
    moment: ColumnElement[Any] | None = None
    corrected = before if before and correction and waits_for_correction(connection, before) else None
    if reached is not None and (corrected or not correction):
        reasons.append((reached, Exclusion.REACHED))
    if corrected:
        r = recipients.c
        left = or_(r.state == RecipientState.PENDING, r.reason == Exclusion.CORRECTED)
        kept = select(r.reference, r.not_before).where(r.mailing_id == corrected.id, left).subquery()
        joined, moment = joined.outerjoin(kept, kept.c.reference == s.reference), kept.c.not_before
        reasons.append((kept.c.reference.is_(None), Exclusion.SEGMENT))
    elif local and not correction:
        moment = local.moment(connection)
        reasons.append((moment < now - local.expires_after, Exclusion.EXPIRED))
    why = case(*((test, reason.value) for test, reason in reasons), else_=None).label("why")
    when = [] if moment is None else [moment.label("not_before")]
    found = select(s.id, s.reference, s.mailbox_key, why, variant.label("variant"), *when)
    those_due = None if due is None else due.cte("due")  # computed once for both conditions
    if those_due is not None:  # all subscribers of their inboxes
        inboxes = select(other.c.mailbox_key).join(those_due, those_due.c.reference == other.c.reference)
        found = found.where(s.mailbox_key.in_(inboxes))
    alone = found.select_from(joined).subquery()
    copy: ColumnElement[int] = literal_column("1")
    if shared:
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
