"""States of recipients and mailings, reasons for exclusion, and the account of a mailing; pure functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path

from publisher.diagnostics import counted, listed, say
from publisher.documents.yaml import read_data

FEEDBACK = ("delivered", "bounced", "complained")  # counts that are known only from events


class RecipientState(StrEnum):
    """State of a recipient; each transition is committed before the next."""

    EXCLUDED = "excluded"  # not mailed, with the reason
    PENDING = "pending"  # to be mailed
    CLAIMED = "claimed"  # a sender has committed its intent and may be submitting
    SUBMITTED = "submitted"  # the provider accepted it
    REJECTED = "rejected"  # the provider refused it
    UNCERTAIN = "uncertain"  # claimed, outcome unknown; an event settles it, or an operator releases it


class Operator(StrEnum):
    """State that an operator wants of a mailing. A sender reads it at its next claim."""

    GOING = "going"  # send; the initial value
    PAUSED = "paused"  # claim nothing until resumed
    CANCELLED = "cancelled"  # claim nothing any more


class Ending(StrEnum):
    """Reason why a run ended."""

    DONE = "done"  # nothing is pending
    WAITING = "waiting"  # all pending recipients wait for their local time
    INTERRUPTED = "interrupted"  # by a signal
    OPERATOR = "operator"  # publisher pause or cancel
    DAILY_QUOTA = "daily-quota"
    ACCOUNT_PAUSED = "account-paused"
    PROVIDER = "provider"  # the provider refuses everything until an operator acts
    UNREACHABLE = "unreachable"
    LEFT = "left"  # some failed in every round and are proved not sent
    DEFECT = "defect"  # a transport raised an exception: a bug


class Exclusion(StrEnum):
    """Reason why a candidate is excluded: the first that applies, in this order."""

    UNSUBSCRIBED = "unsubscribed"
    UNCONFIRMED = "unconfirmed"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"
    SIBLING = "sibling"  # gets or got the issue in another language
    SEGMENT = "segment"  # the audience does not include this subscriber
    PAUSED = "paused"  # the subscriber has paused; the pause ends by itself
    DIGEST = "digest"  # gets the issues of a month as one edition (publishing/monthly.py)
    REACHED = "reached"  # an earlier mailing of this issue reached, or may have reached, this subscriber
    EXPIRED = "expired"  # the reader's local time passed by more than publish.expires_after
    DUPLICATE = "duplicate"  # another recipient of this mailing has the same inbox
    ERASED = "erased"  # the subscriber was erased after the freeze
    CORRECTED = "corrected"  # a correction of this mailing took over its pending recipients


_HAD = {Exclusion.REACHED, Exclusion.EXPIRED, Exclusion.CORRECTED}
"""Reasons which mean that the issue reached the subscriber or was due for them."""


class MailingState(StrEnum):
    """State of a mailing in the output of ``status``."""

    NEW = "new"  # not frozen yet
    PENDING = "pending"  # frozen, nothing left yet
    SENDING = "sending"  # a sender is at work
    WAITING = "waiting"  # all that are left wait for their local time
    STOPPED = "stopped"  # some were sent, some were not, and no sender is at work
    PAUSED = "paused"  # by an operator
    CANCELLED = "cancelled"  # by an operator
    UNCERTAIN = "uncertain"  # nothing is left to send, and some outcomes are unknown
    DONE = "done"  # every recipient is submitted, rejected or excluded


@dataclass(frozen=True, slots=True)
class Account:
    """Numbers of recipients by state. ``audience`` is the sum of the six states."""

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
    waiting: int = 0  # pending ones whose local time has not come
    next_at: datetime | None = None  # earliest local time of these
    again: int = 0  # pending ones with a message id that no operator released; should be 0
    excluded_by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def audience(self) -> int:
        """Number of candidates."""
        return self.excluded + self.pending + self.claimed + self.submitted + self.rejected + self.uncertain

    @property
    def recipients(self) -> int:
        """Number of candidates that are not excluded."""
        return self.audience - self.excluded

    @property
    def due(self) -> int:
        """Number of pending recipients whose time has come."""
        return self.pending - self.waiting

    @property
    def missed(self) -> bool:
        """Whether it reached nobody, and some may be mailed later: such a mailing must not block the issue.

        They may be once ``audience`` is corrected, or once they confirm; but in a family, those who have not confirmed
        may be readers of another member.
        """
        why = self.excluded_by_reason.keys()
        later = Exclusion.SEGMENT in why or (Exclusion.UNCONFIRMED in why and Exclusion.SIBLING not in why)
        return not self.recipients and later and not why & _HAD

    @property
    def left(self) -> int:
        """Number of recipients without a final outcome."""
        return self.pending + self.claimed + self.uncertain


@cache
def _words() -> frozenset[str]:
    return frozenset(read_data(Path(__file__).with_name("words.yaml"))["words"])


def word(name: str) -> str:
    """Return a state, a count or a reason in the operator's language."""
    return say(name) if name in _words() else name


def standing(name: str) -> str:
    """Return a subscriber's state or change in the operator's language. A catalog has one translation per message,
    and ``pending`` means unconfirmed for a subscriber, but due for a recipient (:func:`word`).
    """
    return say("{of}pending", of="") if name == "pending" else word(name)


def numbered(counts: Mapping[str, int], said: Callable[[str], str] = word) -> str:
    """Return the counts by name, as ``3 pending, 2 submitted``."""
    return listed(say("{n:,} {word}", n=n, word=said(name)) for name, n in counts.items())


def left_over(people: int) -> str:
    """Return a sentence about the recipients whom a mailing has not reached yet."""
    return counted("{n:,} recipient is left", "{n:,} recipients are left", people)


def given_up(withdrawn: bool, slug: str, people: int) -> tuple[str, str]:
    """Return the finding and the action for an unfinished mailing whose files are ``withdrawn``, or a draft again."""
    what = say("no longer in the repository") if withdrawn else say("a draft again")
    way = say("publisher cancel {slug} ends its mailing; once it is back as it was, publish goes on with it", slug=slug)
    return say("{what}; {left}", what=what, left=left_over(people)), way


def waits(people: int, next_at: datetime | None) -> str:
    """Return a sentence about the recipients who wait for their local time; empty if there are none."""
    if not next_at:
        return ""
    at = f"{next_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return counted("{n:,} waits until {at} UTC or later", "{n:,} wait until {at} UTC or later", people, at=at)


def not_known(account: Mapping[str, int], tells: bool) -> frozenset[str]:
    """Return the feedback counts that are 0 only for lack of feedback. ``tells``: whether the provider reports it.

    ``account`` has the counts by name. After the first event of a provider that reports, 0 means 0.
    """
    heard = any(account[name] for name in FEEDBACK)
    if not account["submitted"] or (tells and heard):
        return frozenset()
    return frozenset(name for name in FEEDBACK if not account[name])


def mailing_state(account: Account | None, operator: str = Operator.GOING, *, at_work: bool = False) -> MailingState:
    """Return a mailing's state; ``account`` is None before the freeze, ``at_work`` means that a sender is running."""
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
