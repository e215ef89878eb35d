"""Why somebody is no recipient, the account of a mailing, and the mailing's own state, derived by a pure function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from publisher.diagnostics import listed, say

FEEDBACK = ("delivered", "bounced", "complained")  # the counts that are known from events only


class RecipientState(StrEnum):
    """Where a recipient stands; each step is a commit before the next."""

    EXCLUDED = "excluded"  # not mailed, with the reason
    PENDING = "pending"  # to be mailed
    CLAIMED = "claimed"  # a sender has made its intent durable and may be submitting
    SUBMITTED = "submitted"  # the provider accepted it
    REJECTED = "rejected"  # the provider refused it
    UNCERTAIN = "uncertain"  # claimed, and nobody knows; an event settles it, or an operator releases it


class Operator(StrEnum):
    """What an operator wants of a mailing. A sender reads it at its next claim."""

    GOING = "going"  # send; where every mailing begins
    PAUSED = "paused"  # claim nobody until it may go on
    CANCELLED = "cancelled"  # claim nobody any more


class Ending(StrEnum):
    """Why a run ended."""

    DONE = "done"  # nothing is pending
    WAITING = "waiting"  # whoever is pending waits for their local time
    INTERRUPTED = "interrupted"  # by a signal
    OPERATOR = "operator"  # publisher pause or cancel
    DAILY_QUOTA = "daily-quota"
    ACCOUNT_PAUSED = "account-paused"
    PROVIDER = "provider"  # the provider refuses everything until somebody acts
    UNREACHABLE = "unreachable"
    LEFT = "left"  # some failed in every round, proved not sent
    DEFECT = "defect"  # a transport raised: a mistake of ours


class Exclusion(StrEnum):
    """Why a candidate is no recipient. The first that applies, in this order."""

    UNSUBSCRIBED = "unsubscribed"
    UNCONFIRMED = "unconfirmed"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"
    SIBLING = "sibling"  # gets, or had, the issue in another language
    SEGMENT = "segment"  # the audience does not include this subscriber
    PAUSED = "paused"  # the reader wants no issue for a while, and is back by themselves after it
    DIGEST = "digest"  # gets the issues of the month as one edition (publishing/monthly.py)
    REACHED = "reached"  # an earlier mailing of this issue reached, or may have reached, this subscriber
    EXPIRED = "expired"  # the reader's local time passed by more than publish.expires_after
    DUPLICATE = "duplicate"  # another recipient of this mailing has the same inbox
    ERASED = "erased"  # the subscriber was erased after the freeze
    CORRECTED = "corrected"  # a correction of this mailing took over whoever was pending


_HAD = {Exclusion.SIBLING, Exclusion.REACHED, Exclusion.EXPIRED, Exclusion.CORRECTED}
"""Reasons of those whom the issue has found, or whose time it was."""


class MailingState(StrEnum):
    """Where a mailing stands, as ``status`` says it."""

    NEW = "new"  # not frozen yet
    PENDING = "pending"  # frozen, nothing left yet
    SENDING = "sending"  # a sender is at work
    WAITING = "waiting"  # whoever is left waits for their local time
    STOPPED = "stopped"  # some left, some did not, and no sender is at work
    PAUSED = "paused"  # by an operator
    CANCELLED = "cancelled"  # by an operator
    UNCERTAIN = "uncertain"  # nothing is left to send, and some outcomes are unknown
    DONE = "done"  # every recipient is submitted, rejected or excluded


@dataclass(frozen=True, slots=True)
class Account:
    """How many recipients stand where. ``audience`` is the sum of the six states."""

    excluded: int = 0
    pending: int = 0
    claimed: int = 0
    submitted: int = 0
    rejected: int = 0
    uncertain: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    second_copies: int = 0
    waiting: int = 0  # of the pending: those whose local time is to come
    next_at: datetime | None = None  # when the first of them is due
    again: int = 0  # of the pending: those with a message id, whom no operator released; there should be none
    excluded_by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def audience(self) -> int:
        """Every candidate."""
        return self.excluded + self.pending + self.claimed + self.submitted + self.rejected + self.uncertain

    @property
    def recipients(self) -> int:
        """Every candidate that is not excluded."""
        return self.audience - self.excluded

    @property
    def due(self) -> int:
        """The pending whose time has come."""
        return self.pending - self.waiting

    @property
    def missed(self) -> bool:
        """Whether the issue's audience left out whoever could have been mailed: that must not use the issue up."""
        return not self.recipients and Exclusion.SEGMENT in (why := self.excluded_by_reason) and not why.keys() & _HAD

    @property
    def left(self) -> int:
        """Recipients that have no final outcome."""
        return self.pending + self.claimed + self.uncertain


_WORDS: dict[str, str] = {
    one: one
    for one in (
        *(say("excluded"), say("pending"), say("claimed"), say("submitted"), say("rejected"), say("uncertain")),
        *(say("delivered"), say("bounced"), say("complained"), say("audience"), say("unsubscribed")),
        *(say("unconfirmed"), say("suppressed"), say("invalid"), say("sibling"), say("segment"), say("paused")),
        *(say("digest"), say("reached"), say("expired"), say("duplicate"), say("erased"), say("corrected")),
        *(say("new"), say("sending"), say("waiting"), say("stopped"), say("cancelled"), say("done"), say("posted")),
        # Why a run ended; what happens to a message; how a subscription came about, and why a mailbox is suppressed.
        *(say("interrupted"), say("operator"), say("daily-quota"), say("account-paused"), say("unreachable")),
        *(say("left"), say("defect"), say("send"), say("delivery"), say("delivery-delay"), say("delayed")),
        *(say("reject"), say("rendering-failure"), say("open"), say("click"), say("unknown"), say("subscription")),
        *(say("subscribed"), say("confirmed"), say("resubscribed"), say("changed"), say("asked"), say("kept")),
        *(say("let-go"), say("form"), say("import"), say("command"), say("one-click"), say("link")),
        *(say("bounce"), say("complaint"), say("manual"), say("provider"), say("silent"), say("forgotten")),
        *(say("added"), say("updated"), say("unchanged"), say("not subscribed")),
        # What is stored of a subscriber.
        *(say("email"), say("reference"), say("state"), say("name"), say("language"), say("timezone"), say("topics")),
        *(say("attributes"), say("created_at"), say("changed_at"), say("paused_until"), say("asked_at")),
        *(say("preferred_at"), say("enrolments"), say("reason"), say("attempts"), say("delivered_at")),
        *(say("bounced_at"), say("complained_at"), say("events")),
    )
}


def word(name: str) -> str:
    """A state, a count or a reason as an operator reads it."""
    return _WORDS.get(name, name)


def standing(name: str) -> str:
    """The state of a subscriber, and what becomes of one, as an operator reads it. A catalog translates a sentence one
    way, and ``pending`` is :func:`word`'s, of a recipient who is due: that of a subscriber, unconfirmed, is another.
    """
    return say("{of}pending", of="") if name == "pending" else word(name)


def numbered(counts: Mapping[str, int], said: Callable[[str], str] = word) -> str:
    """The counts by name, as ``3 pending, 2 submitted``."""
    return listed(say("{n:,} {word}", n=n, word=said(name)) for name, n in counts.items())


def waits(people: int, next_at: datetime | None) -> str:
    """Who waits for their local time, in words; empty where nobody does."""
    if not next_at:
        return ""
    at = f"{next_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return say("{people:,} wait until {at} UTC or later", people=people, at=at)


def not_known(account: Mapping[str, int], tells: bool) -> frozenset[str]:
    """Which counts of feedback say nothing, though they are 0: nobody told. ``tells``: whether the provider does.

    ``account`` has the counts by name. Where one event has come, silence of a provider that tells means 0.
    """
    heard = any(account[name] for name in FEEDBACK)
    if not account["submitted"] or (tells and heard):
        return frozenset()
    return frozenset(name for name in FEEDBACK if not account[name])


def mailing_state(account: Account | None, operator: str = Operator.GOING, *, at_work: bool = False) -> MailingState:
    """The state of a mailing; ``account`` is None before the freeze, ``at_work`` says a sender holds it."""
    if account is None:
        return MailingState.NEW
    if operator == Operator.CANCELLED:
        return MailingState.CANCELLED
    if account.left == 0:
        return MailingState.DONE
    if account.pending == account.claimed == 0:
        return MailingState.UNCERTAIN
    if at_work:
        return MailingState.SENDING
    if operator == Operator.PAUSED:
        return MailingState.PAUSED
    if account.due == account.claimed == 0:
        return MailingState.WAITING
    return MailingState.PENDING if account.pending == account.recipients else MailingState.STOPPED
