"""Tripwires: six detectors that are always on. Each says what it saw; callers stop, shout, and call the webhook.

They look at the ledger after the fact or just before, and share no code with the sender they watch. One acts by itself:
one receiver that defers far more than it used to gets no more of the mailing for now. Its pending recipients are held:
no claim sees them, so the others go on at the same cost. The next ``send`` frees them.
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
from publisher.delivery.mailings import Mailing
from publisher.delivery.states import Account, Operator, RecipientState
from publisher.delivery.tables import literally, mailings, receiver_tallies, recipients, second_copies
from publisher.diagnostics import say
from publisher.issue.folder import discover
from publisher.issue.load import Reading, read_issue
from publisher.issue.model import Status
from publisher.issue.series import steps_of
from publisher.providers.events import BounceType
from publisher.providers.receivers import receiver_of

BOUNCES, COMPLAINTS = (0.05, 20), (0.003, 5)
"""Share of a mailing, and least number, that harm its sender. From 5% of bounces for good Amazon SES reviews an account
(SES Developer Guide, "Amazon SES sending review process FAQs"); from 0.3% of complaints Gmail files mail as spam
(Google, "Email sender guidelines").
"""
GRACE = timedelta(hours=1)  # how long after its time an issue may wait for the next run of ``publish``


@dataclass(frozen=True, slots=True)
class Tripped:
    """A tripwire that went off: its name, the issue, what it saw, and what to do. No address."""

    # reached-twice | more-sends-than-recipients | overdue | receiver-defers | bounces | complaints | nobody | withdrawn
    name: str
    issue: str
    message: str
    help: str
    stops: bool = True


def before_sending(connection: Connection, mailing: Mailing, account: Account) -> list[Tripped]:
    """What forbids to go on with a mailing: a recipient about to be reached twice, or one that was."""
    found, slug = after_the_fact(connection, mailing), mailing.slug
    if again := account.again + _reached_by_another(connection, mailing):
        saw = say("{again} pending recipients of {slug} have this edition already", again=again, slug=slug)
        advice = say(
            "nothing was sent; the ledger may come from an old backup: publisher cancel {slug}, then look", slug=slug
        )
        found.append(Tripped("reached-twice", slug, saw, advice))
    return found


def after_the_fact(connection: Connection, mailing: Mailing) -> list[Tripped]:
    """What feedback says of a mailing: readers with two copies, more Send events than recipients."""
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
    saw = say("{doubled} recipients of {slug} were reached twice", doubled=doubled, slug=slug)
    tripped = [Tripped("reached-twice", slug, saw, advice)]
    mailed = (r.mailing_id == mailing.id, r.state != RecipientState.EXCLUDED)
    query = select(func.count(r.message_id), func.count()).select_from(recipients).where(*mailed)
    reached, all_ = connection.execute(query).one()
    if reached + doubled > all_:
        saw = say("{slug} has {events} Send events and {n} recipients", slug=slug, events=reached + doubled, n=all_)
        tripped.append(Tripped("more-sends-than-recipients", slug, saw, advice))
    return tripped


def deferring(connection: Connection, mailing: Mailing) -> list[Tripped]:
    """The receivers whose share of a mailing is held back, because they defer far more than they used to."""
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
            " {waiting:,} recipients there wait, the others do not",
            receiver=receiver, deferred=deferred, n=accepted + deferred, slug=slug, waiting=waiting,
        )  # fmt: skip
        found.append(Tripped("receiver-defers", slug, saw, advice, stops=False))
    return found


def harmful(connection: Connection, mailing: Mailing, account: Account) -> list[Tripped]:
    """So many bounces for good, or complaints, that providers and receivers come to refuse the newsletter."""
    r, slug, mailed = recipients.c, mailing.slug, account.submitted + account.rejected
    found: list[Tripped] = []
    least = max(BOUNCES[1], BOUNCES[0] * mailed)
    if account.bounced >= least:  # some of them may be no more than full
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
    """A mailing whose audience has nobody in it: a slip in ``audience``, or a topic that nobody chose."""
    slug = mailing.slug
    if not account.missed or "/" in slug:
        return []
    saw = say("{slug} went to nobody: its audience leaves out all {n:,} subscribers", slug=slug, n=account.audience)
    advice = say("if that is wrong, correct audience; then publisher send {slug} mails it", slug=slug)
    return [Tripped("nobody", slug, saw, advice, stops=False)]


def _reached_by_another(connection: Connection, mailing: Mailing) -> int:
    r = recipients.c
    same = select(mailings.c.id).where(mailings.c.digest == mailing.digest, mailings.c.id != mailing.id)
    others = list(connection.execute(same).scalars())
    if not others:
        return 0
    pending = (r.mailing_id == mailing.id, r.state == literally(RecipientState.PENDING), r.released == 0)
    reached = select(r.reference).where(r.mailing_id.in_(others), r.state == RecipientState.SUBMITTED)
    query = select(func.count()).select_from(recipients).where(*pending, r.reference.in_(reached))
    return int(connection.execute(query).scalar_one())


def overdue(found: Iterable[Reading], config: Config) -> list[Tripped]:
    """The ready ones of these unmailed issues whose time has passed: ``publish_at``, or ``deliver_at`` in the
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
    """Those of these mailings that no run goes on with, each said with its slug."""
    every = stranded(config, connection, found)
    return [Tripped("withdrawn", m, say("{slug}: {told}", slug=m, told=told), do, stops=False) for m, told, do in every]


def stranded(config: Config, connection: Connection, found: Iterable[Mailing]) -> Iterator[tuple[str, str, str]]:
    """Of these mailings those with somebody left whose files are gone, or a draft again: what to say, what to do."""
    left, r = Counter[int](), recipients.c
    for state in (RecipientState.PENDING, RecipientState.CLAIMED):
        of = select(r.mailing_id, func.count()).where(r.state == literally(state)).group_by(r.mailing_id)
        left.update(dict(map(tuple, connection.execute(of))))
    there = {*discover(config.root), *steps_of(config.root)} if left else set()
    for mailing in found:
        slug, gone = mailing.slug, mailing.slug not in there
        if not left[mailing.id] or mailing.operator == Operator.CANCELLED or slug.startswith(DIGEST):
            continue
        issue = None if gone else read_issue(config, slug).partial
        if gone or (issue and issue.status is not Status.READY):
            what = say("no longer in the repository") if gone else say("a draft again")
            told = say("{what}; {left}", what=what, left=say("{n:,} recipients are left", n=left[mailing.id]))
            ways = say(
                "publisher cancel {slug} ends its mailing; once it is back as it was, publish goes on with it",
                slug=slug,
            )
            yield slug, told, ways


def alert(config: Config, tripped: Sequence[Tripped]) -> str | None:
    """Post what tripped as JSON; what went wrong with that, if anything, in one line without the address.

    To ``PUBLISHER_ALERTS_WEBHOOK``, for chat services put a secret into it, else to ``alerts.webhook``.
    """
    webhook = os.environ.get("PUBLISHER_ALERTS_WEBHOOK") or config.alerts.webhook
    if not tripped or not webhook:
        return None
    import httpx

    logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines hold the address
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


# Deferrals of one receiver.
LEAST = 50  # deferrals of a mailing before anything is concluded
SHARE = 0.2  # of what is known of the mailing at this receiver; and that many times its history, if that is more
TIMES = 4
MOST = 0.9  # even a receiver that often defers has gone too far beyond this share

_T = receiver_tallies.c


def tally(
    connection: Connection, mailing_id: int, accepted: Counter[str], deferred: Counter[str], *, again: bool = False
) -> bool:
    """Add to the counts by receiver (the nameless left out), and hold those back that defer far too much.

    Whether one more is held. ``again``: of a held receiver more may have become pending since, and are held as well.
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
    """Free whoever is held. Their receivers begin anew, and the storm is no history."""
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
