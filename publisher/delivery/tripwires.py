"""Tripwires: detectors that are always on. Each returns a finding; callers stop, report it, and call the webhook.

They read the ledger before or after sending, and share no code with the sender. Only one acts itself: the pending
recipients of a receiver that defers far more than usual are held, which hides them from claims, so that the others
continue at the same cost. The next ``send`` frees them.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Connection, case, func, literal_column, select, update

from publisher import __version__
from publisher.audience.tables import domain_of, subscribers
from publisher.config.model import Config
from publisher.database.bulk import insert_once
from publisher.delivery.lock import DIGEST
from publisher.delivery.mailings import Mailing, only_in_folder
from publisher.delivery.states import Account, Exclusion, Operator, RecipientState, given_up
from publisher.delivery.tables import literally, mailings, receiver_tallies, recipients, second_copies
from publisher.diagnostics import counted, say
from publisher.errors import UsageError
from publisher.issue.folder import discover
from publisher.issue.load import Reading, read_issue
from publisher.issue.model import Status
from publisher.issue.series import steps_of
from publisher.providers.events import BounceType
from publisher.providers.receivers import receiver_of

BOUNCES, COMPLAINTS = (0.05, 20), (0.003, 5)
"""Share of a mailing and minimum number from which the sender's reputation suffers. Amazon SES reviews an account from
5% permanent bounces (SES Developer Guide, "Amazon SES sending review process FAQs"); Gmail files mail as spam from
0.3% complaints (Google, "Email sender guidelines").
"""
GRACE = timedelta(hours=1)  # how long after its time an issue may wait for the next run of ``publish``


@dataclass(frozen=True, slots=True)
class Tripped:
    """Tripwire that went off: its name, the issue, the finding, and the action. Contains no address."""

    # a stable identifier, such as reached-twice, overdue or receiver-defers
    name: str
    issue: str
    message: str
    help: str
    stops: bool = True


def before_sending(connection: Connection, mailing: Mailing, account: Account) -> list[Tripped]:
    """Return findings that forbid continuing a mailing: recipients that would be or were reached twice."""
    found, slug = after_the_fact(connection, mailing), mailing.slug
    if again := account.again + _reached_by_another(connection, mailing):
        saw = counted(
            "{n:,} pending recipient of {slug} has this edition already",
            "{n:,} pending recipients of {slug} have this edition already", again, slug=slug,
        )  # fmt: skip
        advice = say(
            "nothing was sent; the ledger may come from an old backup: publisher cancel {slug}, then look", slug=slug
        )
        found.append(Tripped("reached-twice", slug, saw, advice))
    return found


def after_the_fact(connection: Connection, mailing: Mailing) -> list[Tripped]:
    """Return findings from feedback: recipients with two copies, more Send events than recipients."""
    r, copies = recipients.c, second_copies.c
    found = second_copies.join(recipients, (r.mailing_id == copies.mailing_id) & (r.number == copies.number))
    twice = select(func.count()).select_from(found).where(copies.mailing_id == mailing.id, r.released == 0)
    doubled: int = connection.execute(twice).scalar_one()
    if not doubled:
        return []
    slug = mailing.slug
    advice = say(
        "look for a second sender or a restored database; publisher cancel {slug} stops it for good", slug=slug
    )
    saw = counted(
        "{n:,} recipient of {slug} was reached twice", "{n:,} recipients of {slug} were reached twice", doubled,
        slug=slug,
    )  # fmt: skip
    tripped = [Tripped("reached-twice", slug, saw, advice)]
    mailed = (r.mailing_id == mailing.id, r.state != RecipientState.EXCLUDED)
    query = select(func.count(r.message_id), func.count()).select_from(recipients).where(*mailed)
    reached, all_ = connection.execute(query).one()
    if reached + doubled > all_:
        saw = counted(
            "{slug} has {events} Send events and {n} recipient", "{slug} has {events} Send events and {n} recipients",
            all_, slug=slug, events=reached + doubled,
        )  # fmt: skip
        tripped.append(Tripped("more-sends-than-recipients", slug, saw, advice))
    return tripped


def deferring(connection: Connection, mailing: Mailing) -> list[Tripped]:
    """Return the receivers whose part of a mailing is held because they defer far more than usual."""
    t, slug = receiver_tallies.c, mailing.slug
    held = select(t.receiver, t.accepted, t.deferred, t.held).where(t.mailing_id == mailing.id, t.held.is_not(None))
    advice = say(
        "wait some hours; publisher status {slug} says why it defers, publisher send {slug} goes on with them",
        slug=slug,
    )
    found = []
    for receiver, accepted, deferred, waiting in connection.execute(held.order_by(t.receiver)):
        saw = say(
            "{receiver} deferred {deferred:,} of {n:,} messages of {slug}, far above its history:"
            " {waiting:,} held back there, the others go on",
            receiver=receiver, deferred=deferred, n=accepted + deferred, slug=slug, waiting=waiting,
        )  # fmt: skip
        found.append(Tripped("receiver-defers", slug, saw, advice, stops=False))
    return found


def harmful(connection: Connection, mailing: Mailing, account: Account) -> list[Tripped]:
    """Return findings if bounces or complaints are so frequent that providers and receivers refuse a newsletter."""
    r, slug, mailed = recipients.c, mailing.slug, account.submitted + account.rejected
    found: list[Tripped] = []
    least = max(BOUNCES[1], BOUNCES[0] * mailed)
    if account.bounced >= least:  # transient ones such as full mailboxes are not counted
        bounced = (r.mailing_id == mailing.id, r.bounce.startswith(f"{BounceType.PERMANENT}/"))
        n = connection.execute(select(func.count()).select_from(recipients).where(*bounced)).scalar_one()
        if n >= least:
            saw = say("{n:,} of {mailed:,} messages of {slug} bounced for good", n=n, mailed=mailed, slug=slug)
            advice = say(
                "these addresses are suppressed; before the next issue, find out where they came from:"
                " providers pause an account that goes on like this"
            )
            found.append(Tripped("bounces", slug, saw, advice, stops=False))
    if account.complained >= max(COMPLAINTS[1], COMPLAINTS[0] * mailed):
        n = account.complained
        saw = say("{n:,} of {mailed:,} readers of {slug} called it spam", n=n, mailed=mailed, slug=slug)
        advice = say("they have left; mail only who asked for it: receivers come to file all of it as spam")
        found.append(Tripped("complaints", slug, saw, advice, stops=False))
    return found


def unaddressed(mailing: Mailing, account: Account) -> list[Tripped]:
    """Return a finding if a mailing reached nobody, because of ``audience`` or because nobody has confirmed yet."""
    slug, reasons = mailing.slug, account.excluded_by_reason
    if not account.missed or "/" in slug:
        return []
    if Exclusion.SEGMENT in reasons:
        saw = counted(
            "{slug} went to nobody: its audience leaves out the only subscriber",
            "{slug} went to nobody: its audience leaves out all {n:,} subscribers",
            reasons[Exclusion.SEGMENT], slug=slug,
        )  # fmt: skip
        advice = say("if that is wrong, correct audience; then publisher send {slug} mails it", slug=slug)
    else:
        saw = counted(
            "{slug} went to nobody: {n:,} subscriber has not confirmed yet",
            "{slug} went to nobody: {n:,} subscribers have not confirmed yet",
            reasons[Exclusion.UNCONFIRMED], slug=slug,
        )  # fmt: skip
        advice = say("once they have, publisher send {slug} mails it", slug=slug)
    return [Tripped("nobody", slug, saw, advice, stops=False)]


def _reached_by_another(connection: Connection, mailing: Mailing) -> int:
    r = recipients.c
    same = select(mailings.c.id).where(mailings.c.digest == mailing.digest, mailings.c.id != mailing.id)
    others = {*connection.scalars(same)}
    if others:
        others -= only_in_folder(connection)
    if not others:
        return 0
    pending = (r.mailing_id == mailing.id, r.state == literally(RecipientState.PENDING), r.released == 0)
    reached = select(r.reference).where(r.mailing_id.in_(others), r.state == RecipientState.SUBMITTED)
    query = select(func.count()).select_from(recipients).where(*pending, r.reference.in_(reached))
    return int(connection.execute(query).scalar_one())


def overdue(found: Iterable[Reading], config: Config) -> list[Tripped]:
    """Return the ready ones of these unmailed issues that are past ``publish_at``, ``deliver_at`` in the
    newsletter's zone, or the end of their day.
    """
    late = []
    for issue in (reading.issue for reading in found):
        if issue is None or issue.status is not Status.READY:
            continue
        day = issue.date if issue.deliver_at else issue.date + timedelta(days=1)
        due = issue.publish_at or datetime.combine(day, issue.deliver_at or time(), config.newsletter.zone)
        if due + GRACE < datetime.now(UTC):
            slug = issue.slug
            saw = say("{slug} was due {at} and nothing of it has left", slug=slug, at=due.isoformat(timespec="minutes"))
            advice = say("publisher send {slug}, or publisher hold {slug}", slug=slug)
            late.append(Tripped("overdue", slug, saw, advice, stops=False))
    return late


def withdrawn(config: Config, connection: Connection, found: Iterable[Mailing]) -> list[Tripped]:
    """Return a finding for each of these mailings that no run continues."""
    every = stranded(config, connection, found)
    return [Tripped("withdrawn", m, say("{slug}: {told}", slug=m, told=told), do, stops=False) for m, told, do in every]


def stranded(config: Config, connection: Connection, found: Iterable[Mailing]) -> Iterator[tuple[str, str, str]]:
    """Yield slug, finding and action of unfinished mailings whose files are missing or a draft again."""
    left, r = Counter[int](), recipients.c
    for state in (RecipientState.PENDING, RecipientState.CLAIMED):
        of = select(r.mailing_id, func.count()).where(r.state == literally(state)).group_by(r.mailing_id)
        left.update(dict(map(tuple, connection.execute(of))))
    found = [m for m in found if left[m.id] and m.operator != Operator.CANCELLED and not m.slug.startswith(DIGEST)]
    try:
        there = {*discover(config.root), *steps_of(config.root)} if found else set[str]()
    except UsageError:  # a machine without a checkout
        return
    for mailing in found:
        slug, gone = mailing.slug, mailing.slug not in there
        issue = None if gone else read_issue(config, slug).partial
        if gone or (issue and issue.status is not Status.READY):
            yield slug, *given_up(gone, slug, left[mailing.id])


def alert(config: Config, tripped: Sequence[Tripped]) -> str | None:
    """Post the tripwires as JSON. Return the error, if any, as one line without the URL.

    The URL is PUBLISHER_ALERTS_WEBHOOK, as chat services put secrets in it, otherwise ``alerts.webhook``.
    """
    webhook = os.environ.get("PUBLISHER_ALERTS_WEBHOOK") or config.alerts.webhook
    if not tripped or not webhook:
        return None
    import httpx

    logging.getLogger("httpx").setLevel(logging.WARNING)  # its log lines contain the URL
    body = {
        "source": f"publisher/{__version__}",
        "newsletter": config.newsletter.name,
        "tripwires": [{"name": t.name, "issue": t.issue, "message": t.message, "help": t.help} for t in tripped],
    }
    try:
        httpx.post(webhook, json=body, timeout=5.0, follow_redirects=False).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return say("the webhook of alerts could not be told: {kind}", kind=type(error).__name__)
    return None


# Deferrals by one receiver.
LEAST = 50  # deferrals of a mailing below which nothing is concluded
SHARE = 0.2  # of this receiver's known outcomes in the mailing; or TIMES its history, if that is more
TIMES = 4
MOST = 0.9  # above this share, also a receiver that often defers is held

_T = receiver_tallies.c


def tally(
    connection: Connection, mailing_id: int, accepted: Counter[str], deferred: Counter[str], *, again: bool = False
) -> bool:
    """Add the counts per named receiver, and hold the recipients of those that defer far too much.

    Returns whether another receiver is held. ``again``: also hold recipients of held receivers that became pending.
    """
    tripped = False
    for receiver in sorted(name for name in accepted | deferred if name):
        key = {"mailing_id": mailing_id, "receiver": receiver}
        insert_once(connection, receiver_tallies, {**key, "accepted": 0, "deferred": 0})
        added = {"accepted": _T.accepted + accepted[receiver], "deferred": _T.deferred + deferred[receiver]}
        one = update(receiver_tallies).where(_T.mailing_id == mailing_id, _T.receiver == receiver)
        took, defers, held = connection.execute(one.values(added).returning(_T.accepted, _T.deferred, _T.held)).one()
        if not deferred[receiver] or (held is not None and not again):
            continue
        if held is not None or _far_above(connection, mailing_id, receiver, took, defers):
            more = _hold(connection, mailing_id, receiver)
            if more or held is not None:
                connection.execute(one.values(held=(held or 0) + more))
                tripped = tripped or held is None
    return tripped


def free_held(connection: Connection, mailing_id: int) -> None:
    """Free all held recipients. Their receivers' counts restart, so that the deferrals do not become history."""
    storms = update(receiver_tallies).where(_T.mailing_id == mailing_id, _T.held.is_not(None))
    if connection.execute(storms.values(accepted=0, deferred=0, held=None)).rowcount:
        r = recipients.c
        held = (r.mailing_id == mailing_id, r.state == literally(RecipientState.PENDING), r.held == 1)
        time_to_come = case((r.not_before > datetime.now(UTC), literal_column("2")), else_=literal_column("0"))
        connection.execute(update(recipients).where(*held).values(held=time_to_come))


def _far_above(connection: Connection, mailing_id: int, receiver: str, took: int, defers: int) -> bool:
    if defers < LEAST:
        return False
    earlier = select(func.sum(_T.accepted), func.sum(_T.deferred))
    row = connection.execute(earlier.where(_T.receiver == receiver, _T.mailing_id != mailing_id)).one()
    before, deferred = (int(sum_ or 0) for sum_ in row)
    usual = deferred / (before + deferred) if deferred else 0.0
    return defers / (took + defers) >= min(max(SHARE, TIMES * usual), MOST)


def _hold(connection: Connection, mailing_id: int, receiver: str) -> int:
    r, s, domain = recipients.c, subscribers.c, domain_of(connection)
    free = (r.mailing_id == mailing_id, r.state == literally(RecipientState.PENDING), r.held != 1)
    joined = select(domain).distinct().join_from(recipients, subscribers, s.reference == r.reference).where(*free)
    theirs = [name for name in connection.execute(joined).scalars() if receiver_of(name) == receiver]
    references = select(s.reference).where(domain.in_(theirs))
    return connection.execute(update(recipients).where(*free, r.reference.in_(references)).values(held=1)).rowcount
