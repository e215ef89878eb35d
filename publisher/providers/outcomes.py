"""The outcome table: what an answer, or the lack of one, proves about a message.

Three things can be known of a submission: it was accepted, it was not, or neither. Only what is *proved* not sent may
ever be tried again by itself. Each transport has its table of signals; what no table names is uncertain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is known of one submission."""

    SUBMITTED = "submitted"  # the provider accepted it
    RETRY = "retry"  # not sent: try again soon
    UNREACHED = "unreached"  # not sent: nobody answered; the run waits, and ends if that lasts
    THROTTLED = "throttled"  # not sent: too fast; try again more slowly
    LATER = "later"  # not sent: the daily quota is used up; stop until hours later
    PAUSED = "paused"  # not sent: the account's or configuration set's sending is switched off; stop
    STOP = "stop"  # not sent: nothing will be until somebody acts; stop
    REJECTED = "rejected"  # not sent: the provider refuses this message or recipient for good
    REFUSED = "refused"  # not sent: a call refused; the recipient's fault where others are accepted, else everybody's
    UNCERTAIN = "uncertain"  # unknown

    @property
    def not_sent(self) -> bool:
        """Whether it is proved that the message did not leave and may be tried again."""
        return self in _NOT_SENT


_NOT_SENT = frozenset(Verdict) - {Verdict.SUBMITTED, Verdict.REJECTED, Verdict.UNCERTAIN}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient in one attempt. ``code`` names the signal; it never holds an address."""

    verdict: Verdict
    code: str = ""
    message_id: str | None = None


def submitted(message_id: str | None) -> Outcome:
    """Accepted by the provider under ``message_id``."""
    return Outcome(Verdict.SUBMITTED, "", message_id)


def in_words(code: str, text: str) -> str:
    """The code and what the provider says, without addresses."""
    said = re.sub(r"\S*@\S*", "(address)", " ".join(text.split()))
    return f"{code}: {said}" if said else code
