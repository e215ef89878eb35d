"""The retry policy: what follows from an outcome. Pure, and tested as a table.

A retried recipient goes behind all fresh ones: the ledger claims by number of attempts, in rounds. A round's pause
grows exponentially, so no clock stands in the ledger, and one that steps back delays nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from publisher.delivery.states import RecipientState
from publisher.providers.outcomes import Outcome, Verdict

ROUNDS = 5
"""Attempts one run gives a recipient whose failures are proved "not sent"; then it is left for the next run."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What the ledger is to hold.

    ``state`` is the recipient's next state. ``counts`` says whether the attempt counts towards :data:`ROUNDS`.
    """

    state: RecipientState
    counts: bool = True


_DECISIONS = {
    Verdict.SUBMITTED: Decision(RecipientState.SUBMITTED),
    Verdict.REJECTED: Decision(RecipientState.REJECTED),
    Verdict.UNCERTAIN: Decision(RecipientState.UNCERTAIN),
    Verdict.RETRY: Decision(RecipientState.PENDING),
    Verdict.UNREACHED: Decision(RecipientState.PENDING, counts=False),  # the world failed, not this recipient
    Verdict.THROTTLED: Decision(RecipientState.PENDING, counts=False),
    Verdict.LATER: Decision(RecipientState.PENDING, counts=False),
    Verdict.PAUSED: Decision(RecipientState.PENDING, counts=False),
    Verdict.STOP: Decision(RecipientState.PENDING, counts=False),
    Verdict.REFUSED: Decision(RecipientState.PENDING, counts=False),
}


def decide(outcome: Outcome) -> Decision:
    """The decision for one outcome."""
    return _DECISIONS[outcome.verdict]


def pause(failed: int) -> float:
    """Seconds to wait after ``failed`` (1, 2, …) rounds, or calls to an unreachable provider, in a row."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (max(1, failed) - 1))
