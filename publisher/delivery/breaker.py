"""The circuit breaker of a run: what calls that fail as a whole say about the provider, and about single recipients."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from publisher.delivery.crew import Finished
from publisher.delivery.ledger import Claim
from publisher.providers.outcomes import Outcome, Verdict

DOUBTS_TO_PROBE = 2
"""Whole calls in a row without a known outcome after which one recipient at a time is tried, with growing pauses."""

DOUBTS_TO_END = 5
"""After so many the run ends; whoever has not been claimed stays pending."""

Result = tuple[Claim, Outcome]


@dataclass(slots=True)
class Breaker:
    """Counts doubtful calls, and holds refusals back until another call shows whose fault they are.

    A refused call is the recipient's fault where the provider accepts others, and ours or the provider's where it
    accepts nobody: then ``most`` refusals end the run, and nobody is marked as rejected.
    """

    most: int
    doubts: int = 0
    accepted: bool = False
    refused: list[Result] = field(default_factory=list)

    @property
    def probing(self) -> bool:
        """Whether one call at a time is tried, for one recipient."""
        return self.doubts >= DOUBTS_TO_PROBE

    @property
    def refuses_everything(self) -> bool:
        """Whether enough calls were refused, and none accepted, to end the run."""
        return len(self.refused) >= self.most

    def weigh(self, finished: Finished, *, counted: bool) -> list[Result]:
        """The results of a call that can be recorded. ``counted``: it is no echo of a failure that is known already."""
        verdicts = {outcome.verdict for outcome in finished.outcomes}
        if Verdict.SUBMITTED in verdicts:
            self.accepted, self.doubts = True, 0
        elif verdicts == {Verdict.UNCERTAIN} and finished.defect is None and counted:
            self.doubts += 1
        self.refused += [result for result in finished.results if result[1].verdict is Verdict.REFUSED]
        known = [result for result in finished.results if result[1].verdict is not Verdict.REFUSED]
        return known + (self._settle(Verdict.REJECTED) if self.accepted else [])

    def give_up(self) -> list[Result]:
        """The refusals that no accepted call explains: they stay pending."""
        return self._settle(Verdict.STOP)

    def _settle(self, verdict: Verdict) -> list[Result]:
        settled = [(claim, replace(outcome, verdict=verdict)) for claim, outcome in self.refused]
        self.refused = []
        return settled
