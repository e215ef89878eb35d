"""The retry policy: what follows from an outcome. Pure, and tested as a table.

A retried recipient goes behind all fresh ones: the ledger claims by number of attempts, in rounds. A round's pause
grows exponentially, so no clock stands in the ledger, and one that steps back delays nobody.
"""

from __future__ import annotations

from publisher.delivery.states import RecipientState
from publisher.providers.outcomes import Outcome, Verdict

ROUNDS = 5  # attempts one run gives a recipient whose failures are proved "not sent"; then it is left for the next run

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


_FINAL = {
    Verdict.SUBMITTED: RecipientState.SUBMITTED,
    Verdict.REJECTED: RecipientState.REJECTED,
    Verdict.UNCERTAIN: RecipientState.UNCERTAIN,
}


def decide(outcome: Outcome) -> tuple[RecipientState, bool]:
    """The recipient's next state, and whether the attempt counts: not where the world failed, not this one."""
    final = _FINAL.get(outcome.verdict)
    return final or RecipientState.PENDING, final is not None or outcome.verdict is Verdict.RETRY


def pause(failed: int) -> float:
    """Seconds to wait after ``failed`` (1, 2, …) rounds, or calls to an unreachable provider, in a row."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (max(1, failed) - 1))
