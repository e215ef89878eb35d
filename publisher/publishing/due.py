"""The decision about one issue: a pure function of its files, the ledger and the clock.

The order of the rules is the policy. The ledger comes before everything else: an issue that was mailed is never due
again, however its files, its schedule or its git history change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from enum import StrEnum

from publisher.config.model import PublishConfig
from publisher.delivery.lock import how_to_settle
from publisher.delivery.states import Operator, given_up, left_over, waits, word
from publisher.diagnostics import counted, listed, rendered, say


class Action(StrEnum):
    """Action of publish for an issue; table in ``docs/publishing.md``."""

    DUE = "due"  # freeze and send
    RESUME = "resume"  # frozen and unfinished: continue
    DONE = "done"  # mailed; nothing to do
    CHANGED = "changed"  # changed after the mailing: noted in the archive, not mailed
    REUSED = "reused"  # a newer issue in the folder of a mailed one
    CONFLICT = "conflict"  # changed during the mailing: an operator decides
    UNCERTAIN = "uncertain"  # nothing left to send, some outcomes unknown
    PAUSED = "paused"  # by publisher pause
    CANCELLED = "cancelled"  # by publisher cancel
    WAITING = "waiting"  # for its time, or the end of the veto window
    HELD = "held"  # by publisher hold
    EXPIRED = "expired"  # its time is too long ago
    MISSED = "missed"  # its date is too long ago, and it is new to this ledger
    UNKNOWN = "unknown"  # readers have it, but it is not in the ledger
    RENAMED = "renamed"  # mailed under a name that no longer exists
    LATE = "late"  # a translation was mailed without it
    SETTLED = "settled"  # mailed elsewhere, according to an operator
    DRAFT = "draft"
    BROKEN = "broken"  # has errors
    WITHDRAWN = "withdrawn"  # was live, and is no longer in the repository


MAILS = frozenset({Action.DUE, Action.RESUME})
NEEDS_OPERATOR = frozenset(
    {Action.CONFLICT, Action.UNCERTAIN, Action.EXPIRED, Action.MISSED, Action.UNKNOWN, Action.RENAMED, Action.REUSED}
    | {Action.BROKEN}
)
"""Actions that need an operator: publish exits with 1, or 2 for UNKNOWN."""


@dataclass(frozen=True, slots=True)
class Mailed:
    """Newest mailing of an issue. ``content`` is the hash of :func:`content_of` when it was mailed, if known."""

    digest: str
    content: str | None
    operator: str  # going | paused | cancelled
    sendable: int  # pending or claimed
    uncertain: int
    reference: str = ""
    runs: tuple[str, ...] = ()  # ids of its senders
    finished: bool = False
    nobody: bool = False  # complete, and had no recipient (reached_nobody)
    in_folder: bool = False  # the folder transport alone had it
    waiting: int = 0  # those of ``sendable`` that wait for their local time
    next_at: datetime | None = None  # when the first of these is due
    title: str = ""
    frozen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Input of a decision."""

    slug: str
    ready: bool = True
    broken: bool = False
    publish_at: datetime | None = None
    last_at: datetime | None = None  # with deliver_at: time of the last readers; publish_at: of the first
    day_ends: datetime | None = None  # end of the issue's date, in the newsletter's time zone
    title: str = ""
    digest: str | None = None
    content: str | None = None
    mailed: Mailed | None = None
    asked: bool = False  # config.yaml lists it as to be mailed, at any age
    known: bool = False  # seen by an earlier run of this ledger, with any content
    seen_at: datetime | None = None  # first seen by a run with this content; None: now
    held_at: datetime | None = None
    held_why: str = ""
    archived: bool = False  # a run has deployed its page
    claimed: str | None = None  # where readers have it, unknown to the ledger: "the archive", "the outbox"
    unknown_mail: str | None = None  # evidence, in words, of mail that is not in the ledger
    settled: str | None = None  # mailed | unmailed, by an operator
    mailed_as: str | None = None  # the former name it was mailed under
    in_repository: bool = True


@dataclass(frozen=True, slots=True)
class IssueDecision:
    """Action for an issue, its reason, and a command for the operator."""

    facts: Facts
    kind: Action
    why: str = ""
    help: str | None = None
    at: datetime | None = None  # when it is due, or the next of its readers at their local time

    @property
    def slug(self) -> str:
        """The issue's slug."""
        return self.facts.slug

    @property
    def mails(self) -> bool:
        """Whether publish sends mail for it now."""
        return self.kind in MAILS and self.at is None

    @property
    def says(self) -> str:
        """The action and the reason, in one line."""
        if not self.why or self.why.startswith(self.kind.value):
            return self.why or word(self.kind)
        return say("{kind}: {why}", kind=word(self.kind), why=self.why)

    def as_object(self) -> dict[str, str | None]:
        """Return the decision as in the JSON of ``plan`` and ``publish``."""
        at = self.at.isoformat() if self.at else None
        why, help_ = rendered(self.why), rendered(self.help) if self.help else self.help
        return {"issue": self.slug, "decision": self.kind.value, "why": why, "help": help_, "at": at}

    @property
    def needs_operator(self) -> bool:
        """Whether it needs an operator; a withdrawn issue does if its mailing is unfinished."""
        return self.kind in NEEDS_OPERATOR or (self.kind is Action.WITHDRAWN and self.help is not None)

    @property
    def public(self) -> bool:
        """Whether its page belongs in the archive. A missed issue's does; a held one's if it is there already."""
        if self.kind is Action.HELD:
            return self.facts.archived
        return self.kind not in {Action.WAITING, Action.DRAFT, Action.BROKEN, Action.WITHDRAWN}


def decide(facts: Facts, now: datetime, policy: PublishConfig) -> IssueDecision:
    """Return the decision about an issue without regard to its translations."""
    slug = facts.slug
    if not facts.in_repository or (not facts.ready and facts.archived):
        return _withdrawn(facts)
    if not facts.ready:
        return IssueDecision(facts, Action.DRAFT, say("status: draft"))
    if facts.broken:
        return IssueDecision(facts, Action.BROKEN, say("it has errors"), f"publisher check {slug}")
    if facts.unknown_mail and facts.settled != "mailed":
        why = say("{what}: was it restored?", what=facts.unknown_mail)
        return IssueDecision(facts, Action.UNKNOWN, why, how_to_settle(slug))
    if facts.mailed and not facts.unknown_mail:
        return _mailed(facts, facts.mailed, now)
    if facts.settled == "mailed":
        return IssueDecision(facts, Action.SETTLED, say("an operator said that it was mailed"))
    if facts.claimed and facts.settled != "unmailed":
        ways = say(
            "publisher publish --mailed {slug}, if readers got it; publisher publish --unmailed {slug}, if none did",
            slug=slug,
        )
        return IssueDecision(facts, Action.UNKNOWN, unknown_here(facts.claimed), ways)
    if facts.held_at:
        return _held(facts)
    if facts.mailed_as and facts.settled != "unmailed":
        return IssueDecision(facts, Action.RENAMED, *renamed(slug, facts.mailed_as))
    return _by_the_clock(facts, now, policy)


def with_family(decision: IssueDecision, others: Sequence[IssueDecision]) -> IssueDecision:
    """Return the decision in view of the issue's translations: a family is mailed together, and once."""
    slug = decision.slug
    if decision.kind in {Action.DUE, Action.WAITING, Action.EXPIRED, Action.MISSED}:
        before = [one for one in others if one.facts.mailed or one.kind in {Action.DONE, Action.SETTLED}]
        reached = [one.slug for one in before if not (one.facts.mailed and one.facts.mailed.nobody)]
        if reached:
            why = say("its family was mailed as {slug}: nobody is mailed by itself", slug=reached[0])
            help_ = say("publisher send {slug} --late mails those who had none of the family", slug=slug)
            return IssueDecision(decision.facts, Action.LATE, why, help_)
        if before:
            why = say("its family went to nobody; publisher send {slug} mails it", slug=slug)
            return IssueDecision(decision.facts, Action.LATE, why)
    if decision.kind is Action.DUE:
        for other in others:
            again = other.kind is Action.WITHDRAWN and other.facts.in_repository  # a draft again
            if again or other.kind in NEEDS_OPERATOR | {Action.DRAFT, Action.WAITING, Action.HELD}:
                why = say("for {slug} of its family, which is {kind}", slug=other.slug, kind=word(other.kind))
                return IssueDecision(decision.facts, Action.WAITING, why, f"publisher send {slug} --alone")
    return decision


def what_blocks(decisions: Sequence[IssueDecision]) -> str | None:
    """Return why nothing may be deployed or newly mailed, or None: a broken issue would lose its live page."""
    broken = [one.slug for one in decisions if one.kind is Action.BROKEN and one.facts.archived]
    if not broken:
        return None
    return counted(
        "{slugs} has errors and would lose the page that is live",
        "{slugs} have errors and would lose the page that is live", len(broken), slugs=listed(broken),
    )  # fmt: skip


def _mailed(facts: Facts, mailed: Mailed, now: datetime) -> IssueDecision:
    slug = facts.slug
    if mailed.operator == Operator.CANCELLED:
        ways = say("publisher send {slug} mails those not reached", slug=slug)
        return IssueDecision(facts, Action.CANCELLED, say("cancelled"), ways)
    same = facts.digest == mailed.digest or facts.content == mailed.content
    if mailed.sendable:
        if facts.held_at:
            return _held(facts)
        if mailed.operator == Operator.PAUSED:
            why = say("paused; {left}", left=left_over(mailed.sendable))
            return IssueDecision(facts, Action.PAUSED, why, f"publisher resume {slug}")
        if not same:
            why = say("it changed while it was being mailed; {left}", left=left_over(mailed.sendable))
            ways = say(
                "undo the change; or publisher cancel {slug}, and publisher send {slug} mails the rest", slug=slug
            )
            if mailed.waiting:
                ways = say(
                    "undo the change; or publisher send {slug} --correction, for those who have not had it", slug=slug
                )
            return IssueDecision(facts, Action.CONFLICT, why, ways)
        if mailed.waiting == mailed.sendable and mailed.next_at and mailed.next_at > now:
            return IssueDecision(facts, Action.RESUME, waits(mailed.waiting, mailed.next_at), at=mailed.next_at)
        return IssueDecision(facts, Action.RESUME, left_over(mailed.sendable))
    if mailed.uncertain:
        why = counted("{n:,} recipient is uncertain", "{n:,} recipients are uncertain", mailed.uncertain)
        return IssueDecision(facts, Action.UNCERTAIN, why, f"publisher reconcile {slug}")
    if mailed.nobody:
        why = say("it went to nobody; publisher send {slug} mails it", slug=slug)
        return _held(facts) if facts.held_at else IssueDecision(facts, Action.DONE, why)
    if not same and facts.settled != "mailed" and _is_another(facts, mailed):
        why = say(
            "“{title}” was mailed from this folder, and this is dated later: is it a new issue?", title=mailed.title
        )
        ways = say(
            "move it to a new folder; publisher send {slug} --correction mails it from this one; publisher publish"
            " --mailed {slug} mails nobody",
            slug=slug,
        )
        return IssueDecision(facts, Action.REUSED, why, ways)
    if not same:
        why = say("changed after it went out: the archive says so, nobody is mailed again")
        help_ = say("publisher send {slug} --correction mails it on purpose", slug=slug)
        return IssueDecision(facts, Action.CHANGED, why, help_)
    return IssueDecision(facts, Action.DONE, say("mailed"))


_ALIKE = 0.6  # likeness of two titles, 0 to 1, from which one is a correction of the other


def _is_another(facts: Facts, mailed: Mailed) -> bool:
    """Whether this is no correction of what was mailed: it is dated after the mailing, and has quite another title."""
    if facts.day_ends is None or mailed.frozen_at is None or facts.day_ends - mailed.frozen_at <= timedelta(days=1):
        return False
    return SequenceMatcher(None, facts.title, mailed.title, autojunk=False).ratio() < _ALIKE


def renamed(slug: str, before: str) -> tuple[str, str]:
    """Return the message about an issue that was mailed as ``before``, and the advice."""
    why = say("readers have it as {before}, which is gone from issues/: was the folder renamed?", before=before)
    return why, say(
        "give the folder its old name back; or publisher publish --mailed {slug} mails nobody; --unmailed {slug} mails"
        " it as a new issue, to everybody",
        slug=slug,
    )


def unknown_here(where: str) -> str:
    """Return the finding about an issue that readers have from ``where``, and that the ledger lacks."""
    return say(
        "{where} has it already, and this database knows nothing of it: was that lost, or restored?", where=where
    )


def _withdrawn(facts: Facts) -> IssueDecision:
    gone, mailed = not facts.in_repository, facts.mailed
    if mailed and mailed.sendable and mailed.operator != Operator.CANCELLED:
        return IssueDecision(facts, Action.WITHDRAWN, *given_up(gone, facts.slug, mailed.sendable))
    why = say("no longer in the repository") if gone else say("a draft again")
    return IssueDecision(facts, Action.WITHDRAWN, why)


def _held(facts: Facts) -> IssueDecision:
    why = say("held since {at}", at=_minute(facts.held_at))
    if facts.held_why:
        why = say("held since {at}: {why}", at=_minute(facts.held_at), why=facts.held_why)
    return IssueDecision(facts, Action.HELD, why, f"publisher hold {facts.slug} --release")


def _by_the_clock(facts: Facts, now: datetime, policy: PublishConfig) -> IssueDecision:
    slug, seen = facts.slug, min(facts.seen_at or now, now)  # a clock may have been fast
    vetoable_until = seen + policy.veto_window
    due = max(facts.publish_at or seen, vetoable_until)
    if facts.publish_at and facts.publish_at > now and due == facts.publish_at:
        return IssueDecision(facts, Action.WAITING, say("due {at}", at=_minute(due)), at=due)
    last = facts.last_at or facts.publish_at
    if last and max(seen - last, now - max(last, due)) > policy.expires_after:
        hours = f"{policy.expires_after / timedelta(hours=1):g}"
        why = say("it was due {at}, over {hours} h ago: not sent by itself", at=_minute(last), hours=hours)
        ways = say("publisher send {slug}; or set a new publish_at; or publisher hold {slug}", slug=slug)
        return IssueDecision(facts, Action.EXPIRED, why, ways)
    strange = not facts.known and not facts.asked and facts.settled != "unmailed" and not facts.publish_at
    if facts.day_ends and strange and now - facts.day_ends > policy.expires_after:
        day = f"{facts.day_ends:%Y-%m-%d}"
        why = say("it is dated {day}, and this database never saw it: not sent by itself", day=day)
        ways = say(
            "publisher publish --mailed {slug}, if readers have it; publisher publish --unmailed {slug} mails it now",
            slug=slug,
        )
        return IssueDecision(facts, Action.MISSED, why, ways)
    if due > now:
        why = say("may be vetoed until {at}", at=_minute(due))
        return IssueDecision(facts, Action.WAITING, why, f"publisher hold {slug}", due)
    return IssueDecision(facts, Action.DUE, say("due now"))


def _minute(at: datetime | None) -> str:
    return at.isoformat(sep=" ", timespec="minutes") if at else ""
