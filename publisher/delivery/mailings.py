"""The store of mailings, with the state that the operator wants of each and their accounts."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from sqlalchemy import Connection, case, delete, func, insert, select, update

from publisher.database import Database
from publisher.database.failures import UnreadableError
from publisher.delivery.states import FEEDBACK, Account, Operator, RecipientState
from publisher.delivery.tables import (
    FOLDER,
    IN_FOLDER,
    LEFT,
    WAITS,
    foldings,
    links,
    literally,
    mailings,
    recipients,
    second_copies,
    senders,
)
from publisher.diagnostics import counted, say
from publisher.errors import UsageError
from publisher.issue.folder import SERIES
from publisher.mail.message import MailContent


@dataclass(frozen=True, slots=True)
class Mailing:
    """One edition to one audience, once. ``reference`` is opaque and the prefix of each recipient id."""

    id: int
    reference: str
    slug: str
    sequence: int
    digest: str
    commit: str | None
    title: str
    operator: str
    audience: int
    frozen_at: datetime
    finished_at: datetime | None
    note: str

    def recipient(self, number: int) -> str:
        """Return the opaque id of a recipient, for tags, file names and logs."""
        return f"{self.reference}-{number}"


_COLUMNS = [mailings.c[field.name] for field in fields(Mailing)]


def newest(connection: Connection, slug: str) -> Mailing | None:
    """Return the newest mailing of an issue, or None."""
    query = select(*_COLUMNS).where(mailings.c.slug == slug).order_by(mailings.c.sequence.desc()).limit(1)
    row = connection.execute(query).first()
    return Mailing(*row) if row else None


def by_id(connection: Connection, mailing_id: int) -> Mailing:
    """Return the mailing with this id. Raises NoResultFound."""
    return Mailing(*connection.execute(select(*_COLUMNS).where(mailings.c.id == mailing_id)).one())


def every_newest(connection: Connection, slug: str | None = None) -> list[Mailing]:
    """Return the newest mailing of each issue, by slug; only that of ``slug`` if given."""
    query = select(*_COLUMNS).order_by(mailings.c.slug, mailings.c.sequence)
    rows = connection.execute(query.where(mailings.c.slug == slug) if slug else query)
    return list({row.slug: Mailing(*row) for row in rows}.values())


def earlier_of_step(connection: Connection, mailing: Mailing) -> list[Mailing]:
    """Return the earlier mailings of a series step; empty for an issue, whose next mailing replaces the last."""
    if not mailing.slug.startswith(f"{SERIES}/"):
        return []
    m = mailings.c
    query = select(*_COLUMNS).where(m.slug == mailing.slug, m.sequence < mailing.sequence).order_by(m.sequence)
    return [Mailing(*row) for row in connection.execute(query)]


def references(connection: Connection) -> frozenset[str]:
    """Return the references of all mailings."""
    return frozenset(connection.execute(select(mailings.c.reference)).scalars())


def runs(connection: Connection, mailing_id: int | None = None) -> dict[int, list[str]]:
    """Return the past and present senders of each mailing, or of one, by its id, oldest first.

    Each is an opaque word for one run; different databases, even copies, never share it for different runs.
    """
    s, found = senders.c, dict[int, list[str]]()
    query = select(s.mailing_id, s.host, s.pid, s.started_at).order_by(s.id)
    for key, *run in connection.execute(query if mailing_id is None else query.where(s.mailing_id == mailing_id)):
        found.setdefault(key, []).append(hashlib.sha256(f"{key} {run}".encode()).hexdigest()[:16])
    return found


def letter_of(connection: Connection, mailing_id: int) -> MailContent:
    """Return the content that the mailing froze."""
    query = select(mailings.c.letter).where(mailings.c.id == mailing_id)
    return MailContent.from_json(connection.execute(query).scalar_one())


def write_links(connection: Connection, letter: MailContent) -> None:
    """Store the targets of the counted links in a frozen content; other links of older mailings are kept."""
    if table := dict(letter.links):
        connection.execute(delete(links).where(links.c.slug == letter.slug, links.c.number.in_(table)))
        connection.execute(insert(links), [{"slug": letter.slug, "number": n, "target": to} for n, to in table.items()])


def links_mailed(connection: Connection, slug: str | None = None) -> dict[str, dict[int, str]]:
    """Return the targets of counted links, by slug and number; only those of ``slug`` if given."""
    found: dict[str, dict[int, str]] = {}
    query = select(links.c.slug, links.c.number, links.c.target).order_by(links.c.slug, links.c.number)
    for issue, number, target in connection.execute(query.where(links.c.slug == slug) if slug else query):
        found.setdefault(issue, {})[number] = target
    return found


def write_operator(connection: Connection, mailing_id: int, operator: str) -> None:
    """Store the state an operator wants: ``going``, ``paused`` or ``cancelled``. Senders read it at each claim."""
    connection.execute(update(mailings).where(mailings.c.id == mailing_id).values(operator=operator))


def set_operator(database: Database, slug: str, wanted: str, asked: Mailing | None = None) -> Account:
    """Store the state that the operator wants and return the account. Raises UsageError if there is nothing to pause,
    resume or cancel, or if the issue was frozen again since the operator was ``asked`` about a mailing.
    """
    with database.begin() as connection:
        mailing = newest(connection, slug)
        if mailing is None:
            message = say("nothing of {slug} has been frozen", slug=slug)
            raise UsageError(message, help=say("publisher status lists the mailings"))
        if asked and asked.id != mailing.id:
            message = say("{slug} was frozen anew meanwhile: nothing was done", slug=slug)
            raise UsageError(message, help=f"publisher status {slug}")
        if mailing.operator == Operator.CANCELLED and wanted != Operator.CANCELLED:
            message = say("{slug} is cancelled for good", slug=slug)
            raise UsageError(message, help=say("publisher send {slug} mails those not reached yet", slug=slug))
        write_operator(connection, mailing.id, wanted)  # waits for concurrent claims
        found = account(connection, mailing.id)
        if found.left == 0:
            verb = say("resume") if wanted == Operator.GOING else say("stop")
            message = say("{slug} is done: nothing is left to {verb}", slug=slug, verb=verb)
            raise UsageError(message, help=f"publisher status {slug}")
        return found


def set_note(connection: Connection, mailing_id: int, note: str) -> None:
    """Store why the last run stopped; empty if it did not."""
    connection.execute(update(mailings).where(mailings.c.id == mailing_id).values(note=note))


def finish(connection: Connection, mailing_id: int) -> None:
    """Store the first time at which the mailing had nothing left to send."""
    first = update(mailings).where(mailings.c.id == mailing_id, mailings.c.finished_at.is_(None))
    connection.execute(first.values(finished_at=datetime.now(UTC)))


def account_of(connection: Connection, mailing: Mailing) -> Account:
    """Return the account of a mailing; for a series step, of all its mailings, as its edition may have changed."""
    if not mailing.slug.startswith(f"{SERIES}/"):
        return account(connection, mailing.id)
    return account(connection, *connection.scalars(select(mailings.c.id).where(mailings.c.slug == mailing.slug)))


def account(connection: Connection, *mailing_ids: int) -> Account:
    """Return the account of mailings by one scan of their recipients; for a folded one, the stored account.
    ``bounced`` takes precedence over ``delivered``.
    """
    folded = select(foldings.c.account).where(foldings.c.mailing_id.in_(mailing_ids))
    if len(mailing_ids) == 1 and (told := connection.execute(folded).scalar()):
        return Account(**json.loads(told))
    r = recipients.c
    reason = case((r.state == RecipientState.EXCLUDED, r.reason), else_=None).label("why")
    query = (
        select(
            r.state, reason, func.count().label("people"),
            func.count(case((r.bounced_at.is_(None), r.delivered_at))).label("delivered"),
            func.count(r.bounced_at).label("bounced"), func.count(r.complained_at).label("complained"),
            func.count(case(((r.state == RecipientState.PENDING) & (r.released == 0), r.message_id))).label("again"),
            func.count(case((WAITS, r.number))).label("waiting"),
            func.min(case((WAITS, r.not_before))).label("next_at"),
        )
        .where(r.mailing_id.in_(mailing_ids))
        .group_by(r.state, reason)
    )  # fmt: skip
    counts, by_reason, next_at = Counter[str](), dict[str, int](), None
    for row in connection.execute(query).mappings():
        counts[row["state"]] += row["people"]
        if row["state"] == RecipientState.EXCLUDED:
            by_reason[row["why"]] = row["people"]
        counts.update({name: row[name] for name in (*FEEDBACK, "again", "waiting")})
        next_at = row["next_at"] or next_at
    if unknown := counts.keys() - {*RecipientState, *FEEDBACK, "again", "waiting"}:
        people = sum(counts[state] for state in unknown)
        raise UnreadableError(counted("the state of {n} recipient", "the state of {n} recipients", people))
    second = select(func.count()).select_from(second_copies).where(second_copies.c.mailing_id.in_(mailing_ids))
    copies = connection.execute(second).scalar_one()
    reasons = dict(sorted(by_reason.items()))
    return Account(**counts, next_at=next_at, second_copies=copies, excluded_by_reason=reasons)


def reached_nobody(connection: Connection, mailing: Mailing, *, alone: bool = False) -> bool:
    """Whether a mailing is complete and had no recipient, so that its issue counts as not mailed yet: nobody had
    subscribed, or it was missed (:attr:`Account.missed`). Unless ``alone``, earlier mailings of the issue had none
    either: a correction that went to nobody does not undo what it corrects.
    """
    r, m = recipients.c, mailings.c
    if mailing.audience:
        if mailing.finished_at is None or "/" in mailing.slug:
            return False
        some = select(r.number).where(r.mailing_id == mailing.id, r.state != RecipientState.EXCLUDED).limit(1)
        if connection.execute(some).first() or not account(connection, mailing.id).missed:
            return False
    earlier = select(m.id).where(m.slug == mailing.slug, m.sequence < mailing.sequence)
    accounts = () if alone else [account(connection, one) for one in connection.scalars(earlier).all()]
    return not any(one.recipients > one.pending for one in accounts)


def unsettled(connection: Connection, mailing_id: int) -> dict[RecipientState, int]:
    """Return the numbers of pending, claimed and uncertain recipients, from partial indexes."""
    of_mailing = select(func.count()).select_from(recipients).where(recipients.c.mailing_id == mailing_id)
    states = (RecipientState.PENDING, RecipientState.CLAIMED, RecipientState.UNCERTAIN)
    return {s: connection.execute(of_mailing.where(recipients.c.state == literally(s))).scalar_one() for s in states}


def last_of_others(connection: Connection, url: str) -> Mailing | None:
    """Return the newest mailing of an issue that left this machine; None if one links to an issue of the archive at
    ``url``.
    """
    m = mailings.c
    issues = select(*_COLUMNS).where(~m.slug.contains("/"), m.audience > 0).order_by(m.id.desc()).limit(1)
    if connection.execute(issues.where(m.letter.contains(f"{url}issues/", autoescape=True))).first():
        return None
    left = select(senders.c.id).where(senders.c.mailing_id == m.id, LEFT).exists()
    row = connection.execute(issues.where(left)).first()
    return Mailing(*row) if row else None


def only_in_folder(connection: Connection, mailing_id: int | None = None) -> set[int]:
    """Return the ids of mailings that only the folder transport had, so that no reader has them; of all, or of one."""
    s = senders.c
    query = select(s.mailing_id).group_by(s.mailing_id).having(func.min(case((IN_FOLDER, 1), else_=0)) == 1)
    return {*connection.scalars(query if mailing_id is None else query.where(s.mailing_id == mailing_id))}


def refuse_mixed(connection: Connection, mailing: Mailing, transport: str) -> None:
    """Raise UsageError if the folder, which mails nobody, would finish what a provider began, or the other way round;
    also while a sender of the other kind is registered. Locks the mailing, so that the caller can register a sender.

    Except that a step of a series, whose mailing never ends, may have been tried out with the folder.
    """
    s, r, slug = senders.c, recipients.c, mailing.slug
    connection.execute(select(mailings.c.id).where(mailings.c.id == mailing.id).with_for_update(key_share=True))
    others = select(s.id).where(s.mailing_id == mailing.id, LEFT if transport == FOLDER else IN_FOLDER)
    if connection.execute(others.where(s.ended == 0).limit(1)).first():
        message = say("{slug}: a sender with another delivery.transport is at work", slug=slug)
        advice = say("give all machines the same one; after a crash, wait two minutes and run the command again")
        raise UsageError(message, help=advice)
    if transport != FOLDER and slug.startswith(f"{SERIES}/"):
        return
    if connection.execute(others.limit(1)).first() is None:
        return
    theirs = (r.mailing_id == mailing.id, r.state == RecipientState.SUBMITTED, r.sender_id.in_(others))
    n = connection.execute(select(func.count()).select_from(recipients).where(*theirs)).scalar_one()
    if n and transport == FOLDER:
        message = counted(
            "{slug}: a provider has mailed {n:,} recipient, and the folder would mail nobody",
            "{slug}: a provider has mailed {n:,} recipients, and the folder would mail nobody", n, slug=slug,
        )  # fmt: skip
        raise UsageError(message, help=say("name that provider in delivery.transport, and send again"))
    if n:
        message = counted(
            "{slug}: {n:,} recipient counts as mailed, but the message went only into the folder",
            "{slug}: {n:,} recipients count as mailed, but their messages went only into the folder", n, slug=slug,
        )  # fmt: skip
        ways = say(
            "to finish the trial, set delivery.transport: folder; to mail everybody, run publisher cancel {slug}, then"
            " publisher send {slug} --correction",
            slug=slug,
        )
        raise UsageError(message, help=ways)


def waiting(connection: Connection, mailing_id: int) -> tuple[int, datetime | None]:
    """Return how many recipients wait for their local time, and the earliest of these times, from a partial index."""
    query = select(func.count(), func.min(recipients.c.not_before)).where(recipients.c.mailing_id == mailing_id, WAITS)
    people, first = connection.execute(query).one()
    return people, first


def was_mailed(connection: Connection, reference: str) -> bool:
    """Whether any mailing has the subscriber with this reference; also for erased subscribers."""
    query = select(recipients.c.number).where(recipients.c.reference == reference).limit(1)
    return connection.execute(query).first() is not None
