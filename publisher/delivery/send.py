"""``send``: freeze a new mailing or continue an unfinished one, and return the account."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product

from sqlalchemy import ColumnElement, Connection

from publisher.audience.model import value_of
from publisher.audience.tokens import TEST, Purpose, Tokens
from publisher.config.model import Config
from publisher.database import Database
from publisher.database.failures import despite_conflicts
from publisher.delivery import mailings
from publisher.delivery.candidates import FamilyRule
from publisher.delivery.freeze import Addressed, freeze, ongoing, preview
from publisher.delivery.ledger import Claim, Ledger, at_work
from publisher.delivery.local_time import LocalTime
from publisher.delivery.lock import mailing_lock, refuse_unknown_mail
from publisher.delivery.mailings import Mailing
from publisher.delivery.pace import UNLIMITED, LocalPace, Pace, SharedPace, SpreadPace, blocked, ceiling
from publisher.delivery.sender import Interrupt, Sender, SendProgress
from publisher.delivery.states import Account, Ending, Operator, RecipientState
from publisher.delivery.tripwires import Tripped, alert, before_sending, deferring, free_held, harmful, unaddressed
from publisher.diagnostics import say
from publisher.edition.model import AnySlot, Edition, Personal, Slot
from publisher.errors import TransportError, UsageError
from publisher.language import Locale
from publisher.mail.message import Envelope, MailContent, compose, one_line, value_in
from publisher.providers import open_transport
from publisher.providers.outcomes import Verdict
from publisher.providers.provider import Quota, Transport


@dataclass(frozen=True, slots=True)
class Started:
    """State of a run before its first message, for an observer."""

    mailing: Mailing
    account: Account
    frozen: bool  # by this run
    recovered: int  # claims of a dead sender, now uncertain
    quota: Quota
    transport: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Result of a run: why it ended, and the account. ``code`` is the signal that ended it."""

    mailing: Mailing
    account: Account
    ending: Ending
    code: str = ""
    tripped: tuple[Tripped, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 if every recipient is submitted, excluded or waits for its time; 2 for an external failure; otherwise 1."""
        if self.ending in {Ending.PROVIDER, Ending.UNREACHABLE, Ending.DEFECT}:
            return 2
        waiting = self.account.waiting if self.ending is Ending.WAITING else 0
        fine = self.account.submitted + self.account.excluded + waiting == self.account.audience
        return 0 if fine and not any(t.stops for t in self.tripped) else 1


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a send. ``spread`` spreads the remaining recipients over a time, 0 over none; None keeps the
    setting of another sender of the mailing (PostgreSQL). ``correction`` mails a changed edition to the whole
    audience, and with ``after_trial`` also an unchanged one that only the folder transport had; ``family`` assigns
    translations, and ``siblings`` are frozen with the issue; ``local`` is the local time of delivery; ``variant`` is
    the number of a subscriber's variant, if not given by conditions; ``transport`` replaces that of the configured
    provider and is closed at the end; ``now`` replaces the clock for local time.
    """

    spread: timedelta | None = None
    correction: bool = False
    after_trial: bool = False
    despite_tripwires: bool = False
    segment: ColumnElement[bool] | None = None
    variant: ColumnElement[int] | None = None
    family: FamilyRule | None = None
    siblings: tuple[Addressed, ...] = ()
    local: LocalTime | None = None
    now: datetime | None = None
    transport: Transport | None = None
    interrupt: Interrupt = field(default_factory=Interrupt)
    started: Callable[[Started], None] = lambda _started: None
    progress: Callable[[SendProgress], None] = lambda _progress: None


def send(config: Config, database: Database, edition: Edition | MailContent, options: Options | None = None) -> Sent:
    """Mail ``edition`` to the recipients that it has not reached; continue where an earlier run stopped.

    Raises UsageError (the edition changed under its mailing), DatabaseError (also: another sender is running) and
    TransportError (the provider cannot be used at all): before the first message, or after recording what was sent.
    """
    options = options or Options()
    letter = MailContent.of(edition)
    _keep_memory_flat(database)
    with mailing_lock(database, letter.slug) as alone:
        with database.connect() as connection:
            refuse_unknown_mail(database, connection, letter.slug)
            mailing = ongoing(connection, letter, correction=options.correction, after_trial=options.after_trial)
            kept = mailings.letter_of(connection, mailing.id) if mailing else letter
            if mailing is None and not alone:
                _refuse_claimed(database, connection, letter.slug)
            elif mailing is not None and (ending := _idle(connection, mailing, options)):
                return Sent(mailing, mailings.account(connection, mailing.id), ending)
        # The provider is queried before the freeze: a run that cannot start leaves no mailing behind.
        with closing(options.transport or open_transport(config)) as transport:
            quota = transport.open(compose(config, kept))
            frozen = mailing is None
            if mailing is None:
                mailing = _freeze(config, database, letter, options)
                _checkpoint(database)
            with database.begin() as connection:
                free_held(connection, mailing.id)
            return drain(config, database, mailing, kept, transport, quota, options, frozen=frozen, alone=alone)


def _refuse_claimed(database: Database, connection: Connection, slug: str) -> None:
    """Raise UsageError while another machine sends the last messages of a cancelled mailing: until it has finished, it
    is not known which recipients remain for the next mailing.
    """
    before = mailings.newest(connection, slug)
    claimed = before and mailings.unsettled(connection, before.id)[RecipientState.CLAIMED]
    if before and claimed and at_work(database, connection, before):
        message = say("a sender is still at its last messages of {slug}, which was cancelled", slug=slug)
        raise UsageError(message, help=say("run the command again in a minute"))


def _idle(connection: Connection, mailing: Mailing, options: Options) -> Ending | None:
    """Return the ending if there is nothing to do for a sender, otherwise None."""
    left, (waiting, next_at) = mailings.unsettled(connection, mailing.id), mailings.waiting(connection, mailing.id)
    if not any(left.values()):
        return Ending.DONE if mailing.finished_at else None  # None: the last run died before recording the end
    if mailing.operator != Operator.GOING or left[RecipientState.CLAIMED] or left[RecipientState.PENDING] > waiting:
        return None
    return Ending.WAITING if next_at and next_at > (options.now or datetime.now(UTC)) else None


def _keep_memory_flat(database: Database) -> None:
    """Limit SQLite's page cache: a sender reads each row once, so a large cache would only grow with the audience."""
    if database.dialect == "sqlite":
        with database.connect() as connection:
            connection.exec_driver_sql("PRAGMA cache_size=-8192")  # KiB; for the sender's only connection


def _checkpoint(database: Database) -> None:
    """Write a frozen mailing from the WAL to the database file, so that losing the WAL does not lose it."""
    if database.dialect == "sqlite":
        with database.raw() as raw:
            raw.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _freeze(config: Config, database: Database, letter: MailContent, options: Options) -> Mailing:
    """Freeze, or on PostgreSQL find the mailing that another machine freezes at the same time."""

    def attempt() -> Mailing:
        with database.begin() as connection:
            return freeze(
                connection, letter, options.segment, options.local, correction=options.correction,
                after_trial=options.after_trial, family=options.family, siblings=options.siblings,
                variant=options.variant, home=config.newsletter.language, now=options.now,
            )  # fmt: skip

    return despite_conflicts(attempt)


def drain(
    config: Config,
    database: Database,
    mailing: Mailing,
    letter: MailContent,
    transport: Transport,
    quota: Quota,
    options: Options,
    *,
    frozen: bool,
    alone: bool,
) -> Sent:
    """Continue a frozen mailing through an opened transport. ``alone``: a lock proves that no other sender runs."""
    known = any(isinstance(slot, Personal) for one in letter.letters for slot in one.slots)
    expires_after = config.publish.expires_after
    ledger = Ledger(
        database, mailing, expires_after=expires_after, now=options.now,
        attributes=known, relays=getattr(transport, "relays", False), transport=transport.name,
    )  # fmt: skip
    recovered = ledger.recover(alone=alone)  # first: a dead sender of another transport forbids nothing
    ledger.open()
    ledger.wake()
    with database.connect() as connection:
        before = mailings.account(connection, mailing.id)
        tripped = before_sending(connection, mailing, before)
    options.started(Started(mailing, before, frozen, recovered, quota, transport.name))
    if mailing.operator == Operator.PAUSED:
        return _end(config, ledger, Ending.OPERATOR, Operator.PAUSED, tripped)
    if tripped and not options.despite_tripwires:
        return _end(config, ledger, Ending.OPERATOR, "tripwire", tripped)
    if ended := blocked(quota):
        return _end(config, ledger, *ended, tripped)
    if quota.left_today is not None and quota.left_today <= 0 and before.due:
        return _end(config, ledger, Ending.DAILY_QUOTA, "daily-quota", tripped)
    cap, address = config.delivery.max_send_rate, envelope_factory(config, letter, mailing.reference)
    pace = pace_of(database, transport, ceiling(quota, cap))
    rate = None if options.spread is None else _spread_rate(before, options.spread)
    if database.dialect == "postgresql":
        pace = SpreadPace(pace, SharedPace(database, f"mailing {mailing.reference}", rate))
    elif rate and rate < UNLIMITED:
        pace = SpreadPace(pace, LocalPace(rate))
    sender = Sender(ledger, transport, address, pace, cap, options.interrupt, options.progress)
    ending = sender.drain()
    return _end(config, ledger, ending, sender.code, tripped)


def pace_of(database: Database, transport: Transport, ceiling: float) -> Pace:
    """Return the pace for a provider; on PostgreSQL it is shared by all machines and mailings."""
    if database.dialect == "postgresql":
        return SharedPace(database, transport.account, ceiling)
    return LocalPace(ceiling)


def _spread_rate(account: Account, spread: timedelta) -> float:
    return max(account.due / spread.total_seconds(), 1e-3) if spread and account.due else UNLIMITED


def _end(config: Config, ledger: Ledger, ending: Ending, code: str, tripped: list[Tripped]) -> Sent:
    """Close the ledger, store the end of the run, and return its result."""
    ledger.close()
    with ledger.database.begin() as connection:
        account = mailings.account(connection, ledger.mailing.id)
        note = "" if ending in {Ending.DONE, Ending.WAITING} else f"{ending.value}: {code}"
        mailings.set_note(connection, ledger.mailing.id, note)
        if account.pending == account.claimed == 0:
            mailings.finish(connection, ledger.mailing.id)
        mailing = mailings.by_id(connection, ledger.mailing.id)
        tripped = [*tripped, *deferring(connection, mailing), *harmful(connection, mailing, account)]
        tripped += unaddressed(mailing, account)
    if code == "tripwire" and ledger.mailing.note == note:  # already reported; a worker tries again each minute
        return Sent(mailing, account, ending, code, tuple(tripped))
    if untold := alert(config, tripped):
        with ledger.database.begin() as connection:
            mailings.set_note(connection, mailing.id, f"{note} ({untold})")
    return Sent(mailing, account, ending, code, tuple(tripped), (untold,) if untold else ())


@dataclass(frozen=True, slots=True)
class DryRun:
    """Preview of a send: number of recipients, exclusions by reason, and whether a mailing would be continued."""

    recipients: int
    excluded_by_reason: dict[str, int]
    ongoing: bool = False


def dry_run(database: Database, edition: Edition | MailContent, options: Options | None = None) -> DryRun:
    """Count without writing. Raises UsageError like :func:`send`."""
    options = options or Options()
    letter = MailContent.of(edition)
    with database.connect() as connection:
        refuse_unknown_mail(database, connection, letter.slug)
        mailing = ongoing(connection, letter, correction=options.correction, after_trial=options.after_trial)
        if mailing is not None:
            account = mailings.account(connection, mailing.id)
            return DryRun(account.pending, account.excluded_by_reason, ongoing=True)
        counts, excluded = preview(
            connection, letter.slug, options.segment, options.local, correction=options.correction,
            family=options.family, now=options.now,
        )  # fmt: skip
        return DryRun(sum(counts), excluded)


def send_test(config: Config, edition: Edition | MailContent, addresses: list[str]) -> list[tuple[int, str]]:
    """Send a marked test of each variant, without a ledger. Return position and code of each address that failed.

    Links are not counted in a test. Raises TransportError.
    """
    letter = MailContent.of(edition, counts=False)
    marks = (f"[test {one.name}]" if one.name else "[test]" for one in letter.letters)
    letters = [
        replace(one, subject=one.subject.behind(f"{mark} ")) for mark, one in zip(marks, letter.letters, strict=True)
    ]
    letter = replace(letters[0], variants=tuple(letters) if letter.variants else ())
    stamp = datetime.now(UTC).strftime("test%Y%m%dT%H%M%S%f")
    address = envelope_factory(config, letter, TEST)
    failed: dict[int, str] = {}
    with closing(open_transport(config, single=True)) as transport:
        transport.open(compose(config, letter))
        for at, (variant, (position, to)) in enumerate(product(range(len(letters)), enumerate(addresses, 1)), 1):
            claim = Claim(at, 1, TEST, to, "", variant)
            (outcome,) = transport.submit([address(f"{stamp}-{at}", claim)])
            if outcome.verdict is Verdict.STOP:
                message = say("the test was not sent: {code}", code=outcome.code)
                raise TransportError(message, help=say("run publisher doctor"))
            if outcome.verdict is not Verdict.SUBMITTED:
                failed.setdefault(position, outcome.code or outcome.verdict.value)
    return sorted(failed.items())


def envelope_factory(config: Config, letter: MailContent, mailing: str) -> Callable[[str, Claim], Envelope]:
    """Return a function from recipient id and claim to an envelope. ``mailing`` is the mailing's opaque reference."""
    tokens, locale = Tokens.open(config), Locale.of(letter.language, config.labels)
    letters = letter.letters
    open_in = [one.slots for one in letters]
    composed = [None, *(compose(config, one) for one in letters[1:])]  # the transport was opened with the first

    def address(recipient: str, claim: Claim) -> Envelope:
        slots = open_in[claim.variant]
        unsubscribe = tokens.url(Purpose.UNSUBSCRIBE, claim.reference, mailing)
        values: dict[AnySlot, str] = dict.fromkeys(slots, "")
        for slot in slots:
            if isinstance(slot, Personal):
                values[slot] = value_in(slot, value_of(slot.name, claim.name, claim.attributes))
        if Slot.UNSUBSCRIBE_URL in slots:
            values[Slot.UNSUBSCRIBE_URL] = unsubscribe
        if Slot.PREFERENCES_URL in slots:
            values[Slot.PREFERENCES_URL] = tokens.url(Purpose.PREFERENCES, claim.reference, mailing)
        if Slot.GREETING in slots:
            values[Slot.GREETING] = locale.greeting(one_line(claim.name))
        return Envelope(recipient, claim.address, unsubscribe, claim.attempt, values, composed[claim.variant])

    return address
