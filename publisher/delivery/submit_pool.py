"""A pool of threads that submit batches, and the circuit breaker for calls that fail as a whole.

The threads are daemons: a second Ctrl-C need not wait for an answer that never comes.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from publisher.delivery.ledger import Claim
from publisher.providers.outcomes import Outcome, Verdict

DOUBTS_TO_PROBE = 2
"""Consecutive calls with unknown outcomes after which single recipients are tried, with growing pauses."""

DOUBTS_TO_END = 5  # consecutive ones after which the run ends; unclaimed recipients stay pending

Batch = Sequence[Claim]
Result = tuple[Claim, Outcome]


@dataclass(frozen=True, slots=True)
class Finished:
    """Claims of a batch with their outcomes; ``defect`` is an exception that no transport should raise."""

    results: list[Result]
    defect: BaseException | None = None


class SubmitPool:
    """Pool of ``size`` threads that call ``submit`` for batches; used by one owning thread."""

    def __init__(self, submit: Callable[[Batch], list[Outcome]], size: int) -> None:
        self.size = size
        # Extra batches wait in the queue, so that no thread is idle while the ledger commits.
        self.room = size + size // 3
        self.busy = 0
        self._submit = submit
        self._todo: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Finished] = queue.SimpleQueue()
        for number in range(size):
            threading.Thread(target=self._work, name=f"submit-{number}", daemon=True).start()

    def give(self, batch: Batch) -> None:
        """Queue a claimed batch."""
        self.busy += 1
        self._todo.put(batch)

    def collect(self, timeout: float) -> list[Finished]:
        """Return the finished batches, after waiting up to ``timeout`` seconds for the first."""
        finished: list[Finished] = []
        try:
            finished.append(self._done.get(timeout=timeout) if timeout > 0 else self._done.get_nowait())
            while True:
                finished.append(self._done.get_nowait())
        except queue.Empty:
            pass
        self.busy -= len(finished)
        return finished

    def dismiss(self) -> None:
        """End the threads once the queue is empty."""
        for _ in range(self.size):
            self._todo.put(None)

    def _work(self) -> None:
        while (batch := self._todo.get()) is not None:
            try:
                outcomes = self._submit(batch)
                if len(outcomes) != len(batch):
                    raise RuntimeError(f"{len(outcomes)} outcomes for {len(batch)} recipients")
                self._done.put(Finished(list(zip(batch, outcomes, strict=True))))
            except BaseException as error:
                unknown = Outcome(Verdict.UNCERTAIN, f"defect:{type(error).__name__}")
                self._done.put(Finished([(claim, unknown) for claim in batch], error))


@dataclass(slots=True)
class Breaker:
    """Counts calls with unknown outcomes, and holds refused calls back until another call shows their cause.

    A refused call is due to its recipient if the provider accepts others. If it accepts none, the cause is our
    configuration or the provider: then ``most`` refusals end the run, and no recipient is marked as rejected.
    """

    most: int
    doubts: int = 0
    accepted: bool = False
    refused: list[Result] = field(default_factory=list)

    @property
    def probing(self) -> bool:
        """Whether calls are made one at a time, each for one recipient."""
        return self.doubts >= DOUBTS_TO_PROBE

    def weigh(self, finished: Finished, *, counted: bool) -> list[Result]:
        """Return the results to record after a call. ``counted`` is False if its failure was counted already."""
        verdicts = {outcome.verdict for _, outcome in finished.results}
        if Verdict.SUBMITTED in verdicts:
            self.accepted, self.doubts = True, 0
        elif verdicts == {Verdict.UNCERTAIN} and finished.defect is None and counted:
            self.doubts += 1
        self.refused += [result for result in finished.results if result[1].verdict is Verdict.REFUSED]
        known = [result for result in finished.results if result[1].verdict is not Verdict.REFUSED]
        return known + (self._settle(Verdict.REJECTED) if self.accepted else [])

    def give_up(self) -> list[Result]:
        """Return the refusals that no accepted call explains; their recipients stay pending."""
        return self._settle(Verdict.STOP)

    def _settle(self, verdict: Verdict) -> list[Result]:
        settled = [(claim, replace(outcome, verdict=verdict)) for claim, outcome in self.refused]
        self.refused = []
        return settled
