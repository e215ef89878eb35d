"""A crew of threads that submit batches. Daemons: a second Ctrl-C need not wait for an answer that never comes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from publisher.delivery.ledger import Claim
from publisher.providers.outcomes import Outcome, Verdict

Batch = Sequence[Claim]


@dataclass(frozen=True, slots=True)
class Finished:
    """A batch with its outcomes; ``defect`` is an exception that no transport should raise."""

    batch: Batch
    outcomes: Sequence[Outcome]
    defect: BaseException | None = None

    @property
    def results(self) -> list[tuple[Claim, Outcome]]:
        """Each claim with its outcome."""
        return list(zip(self.batch, self.outcomes, strict=True))


class Crew:
    """``size`` threads that call ``submit``; batches go in, finished ones come out. For one owning thread."""

    def __init__(self, submit: Callable[[Batch], list[Outcome]], size: int) -> None:
        self.size = size
        # Some batches wait their turn, so that no thread is idle while the ledger commits.
        self.room = size + size // 3
        self.busy = 0
        self._submit = submit
        self._todo: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Finished] = queue.SimpleQueue()
        for number in range(size):
            threading.Thread(target=self._work, name=f"submit-{number}", daemon=True).start()

    def give(self, batch: Batch) -> None:
        """Hand over a claimed batch."""
        self.busy += 1
        self._todo.put(batch)

    def collect(self, timeout: float) -> list[Finished]:
        """What has been finished, after waiting up to ``timeout`` seconds for the first."""
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
        """Let the threads end when they have nothing left to do."""
        for _ in range(self.size):
            self._todo.put(None)

    def _work(self) -> None:
        while (batch := self._todo.get()) is not None:
            try:
                outcomes = self._submit(batch)
                if len(outcomes) != len(batch):
                    raise RuntimeError(f"{len(outcomes)} outcomes for {len(batch)} recipients")
                self._done.put(Finished(batch, outcomes))
            except BaseException as error:
                unknown = [Outcome(Verdict.UNCERTAIN, f"defect:{type(error).__name__}")] * len(batch)
                self._done.put(Finished(batch, unknown, error))
