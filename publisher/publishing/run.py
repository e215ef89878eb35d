"""Input, observer and results of a run of publish, and its announcements."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from publisher.channels import outbox
from publisher.channels.channel import Channel, RefusedError, post_of
from publisher.channels.outbox import DOUBTFUL, Announcement, AnnouncementState
from publisher.config import Config
from publisher.database import Database
from publisher.delivery.send import Options, Sent, Started, send
from publisher.delivery.sender import Interrupt, SendProgress
from publisher.delivery.states import Operator
from publisher.delivery.tripwires import Tripped
from publisher.diagnostics import Diagnostic, say
from publisher.edition.model import Edition
from publisher.errors import PublisherError
from publisher.mail.message import MailContent
from publisher.publishing import store
from publisher.publishing.due import Action, IssueDecision
from publisher.publishing.lease import Lease
from publisher.site.model import WriteResult

NOT_SENT = say("not sent: the run was stopped before")


@dataclass(frozen=True, slots=True)
class RunObserver:
    """Callbacks of a run; the defaults do nothing."""

    building: Callable[[int, int], None] = lambda _done, _total: None
    deploying: Callable[[int, int], None] = lambda _done, _total: None
    waiting: Callable[[str], None] = lambda _holder: None
    late: Callable[[str], None] = lambda _fault: None  # the page of an issue is not live yet
    settling: Callable[[str, Sequence[str]], None] = lambda _how, _slugs: None
    confirm_first: Callable[[Sequence[str]], bool] = lambda _slugs: False  # whether a first run may mail several issues
    started: Callable[[Started], None] = lambda _started: None
    sending: Callable[[SendProgress], None] = lambda _progress: None
    interrupt: Interrupt = field(default_factory=Interrupt)
    note: Callable[[str], None] = lambda _note: None  # called with notes for the operator
    guard: Callable[[], AbstractContextManager[None]] = nullcontext  # held during sending, to defer signals


@dataclass(frozen=True, slots=True)
class IssueResult:
    """Result for one issue. ``trouble``: why it was not mailed although due; ``failed``: by a PublisherError."""

    decision: IssueDecision
    sent: Sent | None = None
    trouble: str | None = None
    help: str | None = None
    failed: bool = False

    @property
    def exit_status(self) -> int:
        """0, 1 or 2 as for ``send``."""
        if self.sent:
            return self.sent.exit_status
        if self.failed or self.decision.kind is Action.UNKNOWN:
            return 2  # the ledger is incomplete: no other result is certain
        return 1 if self.trouble or self.decision.needs_operator else 0


@dataclass(frozen=True)
class Run:
    """A run: its lease, its time, the commit that is checked out (None outside git)."""

    config: Config
    database: Database
    lease: Lease
    watch: RunObserver
    now: datetime
    commit: str | None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that commits only while we hold the lease. Raises LeaseLostError, DatabaseError."""
        with self.database.begin() as connection:
            self.lease.check_in(connection)
            yield connection

    def mail(self, decision: IssueDecision, letter: MailContent, options: Options) -> IssueResult:
        """Mail something without a page: a step of a series, a month's edition. Raises LeaseLostError."""
        if self.watch.interrupt.count:
            return IssueResult(decision, None, NOT_SENT, say("publisher publish goes on"))
        self.lease.check()
        try:
            with self.watch.guard():
                return IssueResult(decision, send(self.config, self.database, letter, options))
        except PublisherError as error:  # continue with the others
            return IssueResult(decision, None, error.message, error.help, failed=True)


def announcement_trouble(one: Announcement) -> tuple[str, str]:
    """Return the problem of an announcement, and the advice."""
    where, why = {"slug": one.slug, "channel": one.channel}, f" ({one.reason})" if one.reason else ""
    if one.state is AnnouncementState.REFUSED:
        refused = say("the announcement of {slug} on {channel} was refused{why}", why=why, **where)
        return refused, say("mend what it says; the next publish tries again")
    ways = say("look there; publisher reconcile {slug} --announcements posted, or again", slug=one.slug)
    return say("nobody knows whether {slug} on {channel} was announced{why}", why=why, **where), ways


@dataclass(frozen=True, slots=True)
class Published:
    """Result of a run. ``deployed`` is None if nothing was deployed."""

    outcomes: tuple[IssueResult, ...]
    site: Path
    archive: str
    issues: int  # in the archive
    deployed: WriteResult | None
    diagnostics: tuple[Diagnostic, ...] = ()
    blocked: str | None = None  # why nothing was deployed
    announcements: tuple[Announcement, ...] = ()  # those that need an operator

    @property
    def tripped(self) -> list[Tripped]:
        """Tripwires of the run: reports to an operator, except those that a mailing's sender has made already."""
        found = []
        for outcome in self.outcomes:
            if outcome.sent is None and outcome.exit_status:
                slug, kind, way = outcome.decision.slug, outcome.decision.kind, outcome.help or outcome.decision.help
                told = say("{slug}: {told}", slug=slug, told=outcome.trouble or outcome.decision.says)
                name = "overdue" if kind is Action.EXPIRED else kind.value
                found.append(Tripped(name, slug, told, way or "publisher publish", stops=False))
        left = ((one.slug, *announcement_trouble(one)) for one in self.announcements)
        return found + [Tripped("announcement", *told, stops=False) for told in left]

    @property
    def exit_status(self) -> int:
        """The highest of all."""
        own = 1 if self.blocked or self.announcements else 0
        return max((own, *(outcome.exit_status for outcome in self.outcomes)))


def to_post(connection: Connection) -> list[Announcement]:
    """Return the announcements that a run may claim: not posted yet, and with a complete mailing."""
    free = [one for one in outbox.entries(connection) if one.state in outbox.FREE]
    mailed = store.mailed(connection) if free else {}
    whole = {slug for slug, one in mailed.items() if not one.sendable and one.operator != Operator.CANCELLED}
    return [one for one in free if one.slug in whole]


def announce(run: Run, channels: Mapping[str, Channel], editions: Mapping[str, Edition]) -> list[Announcement]:
    """Post pending announcements; return those that need an operator.

    Raises LeaseLostError, DatabaseError; posts that were made are recorded.
    """
    configured = {one.name: one for one in run.config.channels}
    with run.begin() as connection:
        outbox.recover(connection)  # safe: only the holder of the lease posts
        waiting = [one for one in to_post(connection) if one.slug in editions and one.channel in channels]
    for one in waiting:
        if run.watch.interrupt.count:
            break
        with run.begin() as connection:
            if not outbox.claim(connection, one):
                continue
        state, reason = AnnouncementState.POSTED, ""
        try:
            channels[one.channel].post(post_of(run.config, configured[one.channel], editions[one.slug]))
        except RefusedError as refused:
            state, reason = AnnouncementState.REFUSED, str(refused)
        except Exception as error:  # the post may or may not have gone out
            state, reason = AnnouncementState.UNCERTAIN, type(error).__name__
        with run.database.begin() as connection:
            outbox.record(connection, one, state, reason)
    with run.database.connect() as connection:
        return [one for one in outbox.entries(connection) if one.state in DOUBTFUL and one.channel in channels]
