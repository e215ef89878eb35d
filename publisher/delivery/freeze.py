"""Freeze: one transaction counts the candidates and writes each as a recipient or as excluded, with the reason.

The subscribers are not loaded into Python: one INSERT … SELECT decides everything. The transaction commits only if
the number of rows written is the number counted, so a mailing cannot lose part of its audience.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Subquery, case, func, insert, literal, literal_column, select

from publisher.audience.segments import segment_clause
from publisher.audience.tables import subscribers
from publisher.config.model import Config
from publisher.delivery.candidates import (
    CandidateRule,
    FamilyRule,
    candidates,
    reason_of,
    variant_of,
    waits_for_correction,
)
from publisher.delivery.local_time import LocalTime, local_time_of
from publisher.delivery.lock import adopt_database
from publisher.delivery.mailings import (
    Mailing,
    by_id,
    newest,
    only_in_folder,
    reached_nobody,
    write_links,
    write_operator,
)
from publisher.delivery.states import Exclusion, Operator, RecipientState
from publisher.delivery.tables import literally, mailings, recipients
from publisher.diagnostics import say
from publisher.edition.model import Edition
from publisher.errors import DatabaseError, UsageError
from publisher.issue.folder import SERIES
from publisher.issue.model import Issue
from publisher.issue.translations import Translations
from publisher.mail.message import MailContent


class Addressed(NamedTuple):
    """Content to mail; a condition on ``subscribers`` (None: all); the local time (None: at once); the number of a
    subscriber's variant (None: by the conditions of the variants).
    """

    letter: MailContent
    segment: ColumnElement[bool] | None
    local: LocalTime | None = None
    variant: ColumnElement[int] | None = None


def freeze(
    connection: Connection,
    letter: MailContent,
    segment: ColumnElement[bool] | None = None,
    local: LocalTime | None = None,
    *,
    correction: bool = False,
    after_trial: bool = False,
    family: FamilyRule | None = None,
    siblings: Sequence[Addressed] = (),
    variant: ColumnElement[int] | None = None,
    home: str = "",
    now: datetime | None = None,
) -> Mailing:
    """Write the mailing of ``letter`` with every candidate, in the caller's transaction; or return the ongoing one.

    ``segment`` is a condition on ``subscribers``; with ``local`` each recipient waits for that time. Subscribers
    whom an earlier mailing of the issue may have reached are excluded, unless this is a ``correction``. A
    correction of a mailing in which recipients still wait takes over only its pending recipients, with their times.
    Subscribers who got or will get another member of the ``family`` are excluded. ``siblings`` are frozen too,
    unless the family was mailed before. One transaction checks that there is no other mailing, writes this one and
    assigns the variants: by ``variant`` if given, otherwise by their conditions, with ``home`` as the language of
    subscribers without one. Raises UsageError like :func:`ongoing` and if the family was mailed without this
    member, DatabaseError if the counts differ.
    """
    if connection.dialect.name == "postgresql":
        # One snapshot for the count and the rows; this must be the first statement of the caller's transaction.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if family:  # waits for a freeze of another member and then sees it, as LOCK takes no snapshot
            connection.exec_driver_sql("LOCK TABLE mailings IN SHARE UPDATE EXCLUSIVE MODE")
    if family:
        _refuse_late(connection, letter.slug, family)
        if any(is_mailed(connection, one.slug) for one in family.members):
            siblings = ()
    made, now = list[Mailing](), now or datetime.now(UTC)
    for one in (Addressed(letter, segment, local, variant), *siblings):
        number = variant_of([v.condition for v in one.letter.variants], home) if one.variant is None else one.variant
        rule = CandidateRule(now, one.segment, number, one.local, family, correction)
        made.append(_freeze(connection, one.letter, rule, after_trial))
    return made[0]


def _freeze(connection: Connection, letter: MailContent, rule: CandidateRule, after_trial: bool) -> Mailing:
    if there := ongoing(connection, letter, correction=rule.correction, after_trial=after_trial):
        return there
    before = newest(connection, letter.slug)
    audience: int = connection.execute(select(func.count()).select_from(subscribers)).scalar_one()
    chosen = candidates(connection, letter.slug, rule)
    if before and rule.correction and waits_for_correction(connection, before):
        _give_over(connection, before)
    mailing_id = begin(connection, letter, before, audience, rule.now)
    write_recipients(connection, mailing_id, chosen, rule.now, audience)
    return by_id(connection, mailing_id)


def begin(connection: Connection, letter: MailContent, before: Mailing | None, audience: int, now: datetime) -> int:
    """Write a mailing that follows ``before``, without recipients. Return its id."""
    adopt_database(connection, now)
    values = {
        "reference": secrets.token_hex(4), "slug": letter.slug, "sequence": before.sequence + 1 if before else 1,
        "digest": letter.digest, "commit": letter.commit, "title": letter.title, "letter": letter.to_json(),
        "operator": Operator.GOING, "audience": audience, "frozen_at": now, "note": "",
    }  # fmt: skip
    mailing_id: int = connection.execute(insert(mailings).values(values).returning(mailings.c.id)).scalar_one()
    write_links(connection, letter)
    return mailing_id


def write_recipients(
    connection: Connection, mailing_id: int, chosen: Subquery, now: datetime, audience: int | None, base: int = 0
) -> int:
    """Write the recipients from number ``base`` + 1 on; return how many. Raises DatabaseError if ``audience`` is given
    and another number.
    """
    columns = ["mailing_id", "number", "reference", "variant", "state", "attempts", "reason", "released"]
    columns += ["held", "not_before"] * ("not_before" in chosen.c)
    written = connection.execute(insert(recipients).from_select(columns, _rows(mailing_id, chosen, now, base))).rowcount
    r = recipients.c
    count = select(func.count()).select_from(recipients).where(r.mailing_id == mailing_id, r.number > base)
    counted: int = connection.execute(count).scalar_one()
    if audience is None:
        audience = counted
    if audience != counted or (written >= 0 and written != counted):
        message = say(
            "the freeze wrote {counted} of {audience} candidates and was undone", counted=counted, audience=audience
        )
        raise DatabaseError(message, help=say("run publisher send again"))
    return counted


def preview(
    connection: Connection,
    slug: str,
    segment: ColumnElement[bool] | None = None,
    local: LocalTime | None = None,
    *,
    correction: bool = False,
    family: FamilyRule | None = None,
    variants: Sequence[str] = (),
    home: str = "",
    now: datetime | None = None,
    due: Select[Any] | None = None,
) -> tuple[list[int], dict[str, int]]:
    """Count what a freeze would write, without writing: recipients per variant, given by the variants' conditions
    (one number if there are none), and excluded candidates by reason.

    With ``due`` (a query of references), only those subscribers, for a step of a series. Raises UsageError if the
    family was mailed without this member.
    """
    if family:
        _refuse_late(connection, slug, family)
    rule = CandidateRule(now or datetime.now(UTC), segment, variant_of(variants, home), local, family, correction)
    chosen = candidates(connection, slug, rule, due)
    of = (reason_of(chosen).label("finding"), chosen.c.variant)
    recipients_of, excluded = [0] * max(1, len(variants)), Counter[str]()
    for reason, number, people in connection.execute(select(*of, func.count()).group_by("finding", of[1])):
        if reason is None:
            recipients_of[number] = people
        else:
            excluded[reason] += people
    return recipients_of, dict(sorted(excluded.items()))


def _rows(mailing_id: int, chosen: Subquery, now: datetime, base: int = 0) -> Any:
    reason = reason_of(chosen)
    rows = select(
        literal(mailing_id),
        base + func.row_number().over(order_by=(chosen.c.variant, chosen.c.id)),  # each bulk call holds one variant
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


def ongoing(
    connection: Connection, letter: MailContent, *, correction: bool = False, after_trial: bool = False
) -> Mailing | None:
    """Return the mailing that a ``send`` of ``letter`` continues; None if a new one has to be frozen.

    Raises UsageError if the edition has changed under a mailing that is not cancelled; for a ``correction`` it may
    have, if the corrected mailing is finished or while recipients wait for their local time. ``after_trial``: a
    correction may also mail an unchanged edition that only the folder transport had.
    """
    slug, mailing = letter.slug, newest(connection, letter.slug)
    if mailing is None and correction:
        message = say("{slug} has not been sent: there is nothing to correct", slug=slug)
        raise UsageError(message, help=f"publisher send {slug}")
    begun = mailing is not None and mailing.operator != Operator.CANCELLED
    tried = mailing is not None and correction and after_trial and bool(only_in_folder(connection, mailing.id))
    if correction and mailing and not begun and mailing.digest == letter.digest and not tried:
        advice = say("publisher send {slug} mails those whom no mailing reached", slug=slug)
        message = say("{slug} has not changed since it was cancelled: there is nothing to correct", slug=slug)
        raise UsageError(message, help=advice)
    if slug.startswith(f"{SERIES}/") and not (mailing and begun and mailing.digest == letter.digest):
        message = say("{slug} is a step of a series, which goes to each reader in turn, once", slug=slug)
        raise UsageError(message, help=say("publisher publish sends it; publisher send --test ADDR shows it"))
    if mailing is None or not begun:
        return None
    if reached_nobody(connection, mailing, alone=True):
        return None  # it must not block the issue
    if mailing.digest == letter.digest and not (tried and mailing.finished_at):
        return mailing
    if not correction:
        raise changed(mailing, letter.digest)
    if mailing.finished_at is None and not waits_for_correction(connection, mailing):
        fault = say("{slug} is still being sent", slug=slug)
        raise UsageError(fault, help=say("publisher send {slug}, or cancel it, first", slug=slug))
    return None


def changed(mailing: Mailing, digest: str) -> UsageError:
    """Return the error for a changed edition, with the possible actions."""
    was = f"{mailing.digest[:19]}…"
    if mailing.commit:
        was = say("{digest} of commit {commit}", digest=was, commit=mailing.commit[:12])
    about = {"slug": mailing.slug, "was": was, "digest": digest[:19]}
    if mailing.finished_at is not None:
        message = say("{slug} has been sent as {was} and the edition is now {digest}…: nobody is mailed again", **about)
        ways = say("publisher send {slug} --correction mails the changed edition to everybody on purpose", **about)
        return UsageError(message, help=ways)
    ways = say(
        "undo the change and send again; or run publisher cancel {slug}, and send the changed edition to those not"
        " reached yet",
        **about,
    )
    return UsageError(say("{slug} is being sent as {was} and the edition is now {digest}…", **about), help=ways)


def _give_over(connection: Connection, mailing: Mailing) -> None:
    """End a corrected mailing by excluding its pending recipients. A concurrent claim makes one of the two fail."""
    r = recipients.c
    pending = recipients.update().where(r.mailing_id == mailing.id, r.state == literally(RecipientState.PENDING))
    connection.execute(pending.values(state=RecipientState.EXCLUDED, reason=Exclusion.CORRECTED, held=0))
    write_operator(connection, mailing.id, Operator.CANCELLED)


def _refuse_late(connection: Connection, slug: str, family: FamilyRule) -> None:
    if family.late or ((own := newest(connection, slug)) and own.audience):
        return
    for other in family.others(slug):
        if is_mailed(connection, other):
            message = say(
                "its family was mailed without {slug}, as {other}: nobody is mailed by itself", slug=slug, other=other
            )
            advice = say("publisher send {slug} --late mails those who had none of the family", slug=slug)
            raise UsageError(message, help=advice)


def is_mailed(connection: Connection, slug: str) -> bool:
    """Whether an issue is being mailed or was, other than to nobody."""
    mailing = newest(connection, slug)
    return mailing is not None and not reached_nobody(connection, mailing)


def family_of(
    config: Config, translations: Translations, slug: str, *, shared: bool = True, late: bool = False
) -> FamilyRule | None:
    """Return the rule for an issue that has translations or is one; None for any other issue."""
    members = translations.family(slug)
    return FamilyRule(members, config.newsletter.language, shared, late) if members else None


def addressed(config: Config, edition: Edition, now: datetime | None = None) -> Addressed:
    """Return the arguments of a freeze for an edition and its audience. Raises SegmentError."""
    return Addressed(MailContent.of(edition), segment_of(config, edition), local_time_of(config, edition, now))


def segment_of(config: Config, edition: Edition | Issue) -> ColumnElement[bool] | None:
    """Return the condition for an issue's audience, by default config.yaml's; None means all. Raises SegmentError."""
    expression = edition.audience or config.audience.segment
    return segment_clause(expression, config.newsletter.language) if expression else None
