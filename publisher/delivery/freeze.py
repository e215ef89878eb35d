"""Freeze: one transaction counts the candidates and writes each of them, as recipient or excluded with the reason.

No subscriber passes through Python: one INSERT … SELECT decides all. The transaction ends only if what was written is
what was counted, so a mailing can never lose the tail of its audience.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Subquery,
    and_,
    case,
    func,
    insert,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    update,
)

from publisher.audience.model import MONTHLY
from publisher.audience.segments import segment_clause
from publisher.audience.tables import subscribers, suppressions, taken_steps
from publisher.config.model import Config
from publisher.delivery.local_time import LocalTime, local_time_of
from publisher.delivery.mailings import Mailing, by_id, newest, unsettled, waiting, write_links, write_operator
from publisher.delivery.states import Exclusion, Operator, RecipientState
from publisher.delivery.tables import literally, mailings, recipients
from publisher.edition.model import Edition
from publisher.errors import DatabaseError, UsageError
from publisher.issue.folder import SERIES
from publisher.issue.model import Issue
from publisher.issue.translations import Family, Translations, pick
from publisher.mail.message import MailContent

DIGEST = "digest/"
"""What the slug of a month's edition begins with: ``digest/2026-11``."""


@dataclass(frozen=True, slots=True)
class FamilyRule:
    """Who gets which of an issue and its translations. ``fallback`` is the newsletter's language.

    ``shared``: the readers are shared out among all members, which are frozen in one transaction; else whoever had
    none of the family gets this one. ``late``: although the family was mailed without it.
    """

    members: Family
    fallback: str
    shared: bool = True
    late: bool = False

    def others(self, slug: str) -> list[str]:
        """The slugs of the other members."""
        return [one.slug for one in self.members if one.slug != slug]


class Addressed(NamedTuple):
    """What is mailed; a condition over ``subscribers``, None: to everybody; when, None: at once."""

    letter: MailContent
    segment: ColumnElement[bool] | None
    local: LocalTime | None = None


def freeze(
    connection: Connection,
    letter: MailContent,
    segment: ColumnElement[bool] | None = None,
    local: LocalTime | None = None,
    *,
    correction: bool = False,
    family: FamilyRule | None = None,
    siblings: Sequence[Addressed] = (),
    variant: ColumnElement[int] | None = None,
    home: str = "",
    now: datetime | None = None,
) -> Mailing:
    """Write the mailing of ``letter`` with every candidate, inside the caller's transaction; or find the one there is.

    ``segment`` is a condition over ``subscribers``; with ``local`` each reader waits for that time. Whoever an earlier
    mailing of the issue may have reached is excluded, unless this is a ``correction``; that of a mailing in which some
    still wait takes over who is pending there, with their moments, and reaches nobody else. Whoever gets, or had,
    another member of the ``family`` is excluded. Its ``siblings`` are written along, unless there was a mailing of the
    family. Deciding that there is none and writing one is one transaction; so is deciding who gets which variant, where
    a reader whose language is not known reads that of ``home``; a number by subscriber, ``variant``, decides instead of
    the variants' conditions. Raises UsageError as :func:`ongoing` and where the
    family was mailed without this member, DatabaseError where the count does not come out.
    """
    if connection.dialect.name == "postgresql":
        # One snapshot for the count and the rows; the first statement of the caller's transaction has to be ours.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        if family:  # whoever freezes another member is waited for, and then seen: this takes no snapshot
            connection.execute(text("LOCK TABLE mailings IN SHARE UPDATE EXCLUSIVE MODE"))
    if family:
        _refuse_late(connection, letter.slug, family)
        if any(_begun(connection, one.slug) for one in family.members):
            siblings = ()
    now = now or datetime.now(UTC)
    made = _freeze(connection, Addressed(letter, segment, local), correction, family, home, now, variant)
    for sibling in siblings:
        _freeze(connection, Addressed(*sibling), correction, family, home, now)
    return made


def _freeze(
    connection: Connection,
    addressed: Addressed,
    correction: bool,
    family: FamilyRule | None,
    home: str,
    now: datetime,
    variant: ColumnElement[int] | None = None,
) -> Mailing:
    letter, segment, local = addressed
    if there := ongoing(connection, letter, correction=correction):
        return there
    before = newest(connection, letter.slug)
    audience: int = connection.execute(select(func.count()).select_from(subscribers)).scalar_one()
    if variant is None:
        variant = variant_of([one.condition for one in letter.variants], home)
    chosen = candidates(connection, letter.slug, segment, local, family, variant, now, correction=correction)
    if before and correction and _waits(connection, before):
        _give_over(connection, before)
    mailing_id = begin(connection, letter, before, audience, now)
    write_recipients(connection, mailing_id, chosen, now, audience)
    return by_id(connection, mailing_id)


def begin(connection: Connection, letter: MailContent, before: Mailing | None, audience: int, now: datetime) -> int:
    """Write a mailing after the one ``before``, still without its recipients; its id."""
    values = {
        "reference": secrets.token_hex(4),
        "slug": letter.slug,
        "sequence": before.sequence + 1 if before else 1,
        "digest": letter.digest,
        "commit": letter.commit,
        "title": letter.title,
        "letter": letter.to_json(),
        "operator": Operator.GOING,
        "audience": audience,
        "frozen_at": now,
        "note": "",
    }
    mailing_id: int = connection.execute(insert(mailings).values(values).returning(mailings.c.id)).scalar_one()
    write_links(connection, letter)
    return mailing_id


def write_recipients(
    connection: Connection, mailing_id: int, chosen: Subquery, now: datetime, audience: int, base: int = 0
) -> None:
    """Write the recipients from number ``base`` + 1 on. Raises DatabaseError where they are not ``audience`` people."""
    columns = ["mailing_id", "number", "reference", "variant", "state", "attempts", "reason", "released"]
    columns += ["held", "not_before"] * ("not_before" in chosen.c)
    written = connection.execute(insert(recipients).from_select(columns, _rows(mailing_id, chosen, now, base))).rowcount
    r = recipients.c
    count = select(func.count()).select_from(recipients).where(r.mailing_id == mailing_id, r.number > base)
    counted: int = connection.execute(count).scalar_one()
    if audience != counted or (written >= 0 and written != counted):
        message = f"the freeze wrote {counted} of {audience} candidates and was undone"
        raise DatabaseError(message, help="run publisher send again")


def preview(
    connection: Connection,
    slug: str,
    segment: ColumnElement[bool] | None = None,
    local: LocalTime | None = None,
    *,
    correction: bool = False,
    family: FamilyRule | None = None,
    now: datetime | None = None,
    due: Select[Any] | None = None,
) -> tuple[int, dict[str, int]]:
    """What a freeze would find, nothing written: how many recipients, and how many are excluded by reason.

    With ``due``, references, only of these, for whom it is a step of a series.
    Raises UsageError where the family was mailed without this member.
    """
    if family:
        _refuse_late(connection, slug, family)
    now, variant = now or datetime.now(UTC), variant_of((), "")
    chosen = candidates(connection, slug, segment, local, family, variant, now, correction=correction, due=due)
    rows = connection.execute(select(_reason(chosen).label("finding"), func.count()).group_by("finding"))
    found: dict[str | None, int] = {row[0]: row[1] for row in rows}
    return found.pop(None, 0), {str(reason): people for reason, people in sorted(found.items(), key=str)}


def by_variant(
    connection: Connection,
    slug: str,
    conditions: Sequence[str],
    home: str,
    segment: ColumnElement[bool] | None = None,
    local: LocalTime | None = None,
    family: FamilyRule | None = None,
) -> list[int]:
    """How many recipients a freeze would give each of the variants, which ``conditions`` are those of."""
    variant = variant_of(conditions, home)
    chosen = candidates(connection, slug, segment, local, family, variant, datetime.now(UTC), correction=False)
    counts = select(chosen.c.variant, func.count()).where(_reason(chosen).is_(None)).group_by(chosen.c.variant)
    found = {row[0]: row[1] for row in connection.execute(counts)}
    return [found.get(number, 0) for number in range(len(conditions))]


def variant_of(conditions: Sequence[str], home: str) -> ColumnElement[int]:
    """The number of a subscriber's variant: the first is for whoever meets the condition of no other."""
    others: list[tuple[ColumnElement[bool], ColumnElement[int]]] = [
        (segment_clause(one, home), literal_column(str(n))) for n, one in enumerate(conditions) if n
    ]
    return case(*others, else_=literal_column("0")) if others else literal_column("0")


def _rows(mailing_id: int, chosen: Subquery, now: datetime, base: int) -> Any:
    reason = _reason(chosen)
    rows = select(
        literal(mailing_id),
        base + func.row_number().over(order_by=(chosen.c.variant, chosen.c.id)),  # a bulk call holds one variant
        chosen.c.reference,
        chosen.c.variant,
        case((reason.is_(None), RecipientState.PENDING), else_=RecipientState.EXCLUDED),
        literal_column("0"),
        reason,
        literal_column("0"),
    )
    if "not_before" not in chosen.c:
        return rows
    waits = case((chosen.c.not_before > now, literal_column("2")), else_=literal_column("0"))
    return rows.add_columns(waits, chosen.c.not_before)


def _reason(chosen: Subquery) -> ColumnElement[Any]:
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
    """Each subscriber with its variant, the reason that it alone gives, and which copy of its inbox it is among those
    without; and the moment before which it gets nothing, if there is one. With ``due`` only these, of whom no inbox
    takes a step twice.
    """
    s, before = subscribers.c, newest(connection, slug)
    joined: FromClause = subscribers
    # An inbox may stand there twice, spelled differently: the last word about it counts.
    left_at = func.max(case((s.state == "unsubscribed", s.changed_at))).over(partition_by=s.mailbox_key)
    reasons: list[tuple[ColumnElement[bool], Exclusion]] = [
        (or_(s.state == "unsubscribed", left_at >= s.changed_at), Exclusion.UNSUBSCRIBED),
        (s.state != "confirmed", Exclusion.UNCONFIRMED),
        (s.mailbox_key.in_(select(suppressions.c.mailbox_key)), Exclusion.SUPPRESSED),
        (_unusable(), Exclusion.INVALID),
    ]
    reached: ColumnElement[bool] | None = s.mailbox_key.in_(_inboxes(slug)) if before else None
    other = subscribers.alias("other")
    if due is not None:
        taken = select(taken_steps.c.step).join(other, other.c.reference == taken_steps.c.reference)
        reached = taken.where(other.c.mailbox_key == s.mailbox_key, taken_steps.c.step == slug).exists()
    if family:
        elsewhere: ColumnElement[bool] = s.mailbox_key.in_(_inboxes(*family.others(slug), pending=True))
        if family.shared:
            usable = case((s.state == "confirmed", 0), else_=1)  # what else leaves a reader out does so to the inbox
            spoken = func.first_value(func.coalesce(s.language, "")).over(
                partition_by=s.mailbox_key, order_by=(usable, s.id)
            )
            another = spoken.not_in(_languages_of(connection, slug, family))
            elsewhere = or_(elsewhere, another if reached is None else and_(not_(reached), another))
        reasons.append((elsewhere, Exclusion.SIBLING))
    if segment is not None:
        included = func.coalesce(segment, literal_column("false"))
        reasons.append((included.is_(literal_column("false")), Exclusion.SEGMENT))
    paused_until = func.max(s.paused_until).over(partition_by=s.mailbox_key)
    if due is None:  # a step waits for the end of a pause
        reasons.append((paused_until > now, Exclusion.PAUSED))
        if slug and not slug.startswith(DIGEST):
            reasons.append((func.max(s.digest).over(partition_by=s.mailbox_key) == MONTHLY, Exclusion.DIGEST))
    moment: ColumnElement[Any] | None = None
    corrected = before if before and correction and _waits(connection, before) else None
    if reached is not None and (corrected or not correction):
        reasons.append((reached, Exclusion.REACHED))
    if corrected:
        r = recipients.c
        left = or_(r.state == RecipientState.PENDING, r.reason == Exclusion.CORRECTED)
        kept = select(r.reference, r.not_before).where(r.mailing_id == corrected.id, left).subquery()
        joined, moment = subscribers.outerjoin(kept, kept.c.reference == s.reference), kept.c.not_before
        reasons.append((kept.c.reference.is_(None), Exclusion.SEGMENT))
    elif local and not correction:
        moment = local.moment(connection)
        reasons.append((moment < now - local.expires_after, Exclusion.EXPIRED))
    why = case(*((test, reason.value) for test, reason in reasons), else_=None).label("why")
    when = [] if moment is None else [moment.label("not_before")]
    found = select(s.id, s.reference, s.mailbox_key, why, variant.label("variant"), *when)
    if due is not None:  # whatever is known of their inboxes
        found = found.where(s.mailbox_key.in_(select(other.c.mailbox_key).where(other.c.reference.in_(due))))
    alone = found.select_from(joined).subquery()
    copy = func.row_number().over(partition_by=(alone.c.mailbox_key, alone.c.why), order_by=alone.c.id)
    those = select(*(column for column in alone.c if column.name != "mailbox_key"), copy.label("copy"))
    return (those if due is None else those.where(alone.c.reference.in_(due))).subquery()


def _languages_of(connection: Connection, slug: str, family: FamilyRule) -> list[str]:
    """The languages of subscribers whose edition is that of ``slug``; empty is who has none."""
    spoken = connection.execute(select(func.coalesce(subscribers.c.language, "")).distinct()).scalars()
    return [language for language in spoken if pick(language, family.members, family.fallback) == slug]


def _unusable() -> ColumnElement[bool]:
    """What cannot be an envelope address: too long, no @, white space. The audience lets none in; others may."""
    key = subscribers.c.address_key
    return or_(
        func.length(key) > 254,  # RFC 5321, section 4.5.3.1.3, less the brackets
        key.not_like("%_@_%"),
        key.like("% %"),
        key.like("%\n%"),
        key.like("%\r%"),
    )


def _inboxes(*slugs: str, pending: bool = False) -> Any:
    """The inboxes that a mailing of the issues reached, or may have, or, with ``pending``, is going to reach."""
    m, r, s = mailings.c, recipients.c, subscribers.c
    perhaps: ColumnElement[bool] = r.state.in_(
        (RecipientState.SUBMITTED, RecipientState.UNCERTAIN, RecipientState.CLAIMED)
    )
    if pending:
        perhaps = or_(perhaps, and_(r.state == RecipientState.PENDING, m.operator != Operator.CANCELLED))
    found = select(s.mailbox_key).join(recipients, r.reference == s.reference).join(mailings, m.id == r.mailing_id)
    return found.where(m.slug.in_(slugs), perhaps)


def ongoing(connection: Connection, letter: MailContent, *, correction: bool = False) -> Mailing | None:
    """The mailing that a ``send`` of ``letter`` carries on; None where a new one has to be frozen.

    Raises UsageError where the edition has changed under a mailing that is not cancelled; a ``correction`` may have
    changed, once the mailing that it corrects is finished, or while some wait for their local time.
    """
    slug, mailing = letter.slug, newest(connection, letter.slug)
    if mailing is None and correction:
        raise UsageError(f"{slug} has not been sent: there is nothing to correct", help=f"publisher send {slug}")
    begun = mailing is not None and mailing.operator != Operator.CANCELLED
    if slug.startswith(f"{SERIES}/") and not (mailing and begun and mailing.digest == letter.digest):
        message = f"{slug} is a step of a series, which goes to each reader in turn, once"
        raise UsageError(message, help="publisher publish sends it; publisher send --test ADDR shows it")
    if mailing is None or not begun:
        return None
    if mailing.audience == 0:  # frozen before anybody had subscribed: it reached nobody, and must not use the issue up
        return None
    if mailing.digest == letter.digest:
        return mailing
    if not correction:
        raise changed(mailing, letter.digest)
    if mailing.finished_at is None and not _waits(connection, mailing):
        raise UsageError(f"{slug} is still being sent", help=f"publisher send {slug}, or cancel it, first")
    return None


def changed(mailing: Mailing, digest: str) -> UsageError:
    """The refusal of a changed edition, with the ways out."""
    was = f"{mailing.digest[:19]}…" + (f" of commit {mailing.commit[:12]}" if mailing.commit else "")
    if mailing.finished_at is not None:
        return UsageError(
            f"{mailing.slug} has been sent as {was} and the edition is now {digest[:19]}…: nobody is mailed again",
            help=f"publisher send {mailing.slug} --correction mails the changed edition to everybody on purpose",
        )
    return UsageError(
        f"{mailing.slug} is being sent as {was} and the edition is now {digest[:19]}…",
        help=f"undo the change and send again; or run publisher cancel {mailing.slug}, and send the changed edition "
        "to those not reached yet",
    )


def _waits(connection: Connection, mailing: Mailing) -> bool:
    """Whether a correction takes over who is pending: some wait for their local time, and nothing is in flight."""
    if mailing.finished_at is not None or mailing.operator == Operator.CANCELLED:
        return False
    claimed = unsettled(connection, mailing.id)[RecipientState.CLAIMED]
    return not claimed and waiting(connection, mailing.id)[0] > 0


def _give_over(connection: Connection, mailing: Mailing) -> None:
    """End a mailing for its correction: who is pending is excluded there. A claim meanwhile fails one of the two."""
    r = recipients.c
    pending = update(recipients).where(r.mailing_id == mailing.id, r.state == literally(RecipientState.PENDING))
    connection.execute(pending.values(state=RecipientState.EXCLUDED, reason=Exclusion.CORRECTED, held=0))
    write_operator(connection, mailing.id, Operator.CANCELLED)


def _refuse_late(connection: Connection, slug: str, family: FamilyRule) -> None:
    if family.late or _begun(connection, slug):
        return
    for other in family.others(slug):
        if _begun(connection, other):
            message = f"its family was mailed without {slug}, as {other}: nobody is mailed by itself"
            raise UsageError(message, help=f"publisher send {slug} --late mails those who had none of the family")


def _begun(connection: Connection, slug: str) -> bool:
    mailing = newest(connection, slug)
    return mailing is not None and mailing.audience > 0


def family_of(
    config: Config, translations: Translations, slug: str, *, shared: bool = True, late: bool = False
) -> FamilyRule | None:
    """The rule for an issue that has translations, or is one; None for any other."""
    members = translations.family(slug)
    return FamilyRule(members, config.newsletter.language, shared, late) if members else None


def addressed(config: Config, edition: Edition, now: datetime | None = None) -> Addressed:
    """An edition to the audience that it is for. Raises SegmentError."""
    return Addressed(MailContent.of(edition), segment_of(config, edition), local_time_of(config, edition, now))


def segment_of(config: Config, edition: Edition | Issue) -> ColumnElement[bool] | None:
    """The condition on subscribers for an issue's audience, or config.yaml's; None: everybody. Raises SegmentError."""
    expression = edition.audience or config.audience.segment
    return segment_clause(expression, config.newsletter.language) if expression else None
