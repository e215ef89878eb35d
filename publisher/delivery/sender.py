"""The sender: drains one mailing through one transport.

One thread owns the ledger and the pace; a pool of threads submits. The order is fixed: tokens, then claims
(committed together with the results received meanwhile), then the call.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import isqrt

from publisher.delivery.ledger import Claim, Exchanged, Ledger
from publisher.delivery.pace import ROUNDS, UNLIMITED, Pace, batch_size, blocked, ceiling, pause
from publisher.delivery.states import Ending, Operator
from publisher.delivery.submit_pool import DOUBTS_TO_END, Breaker, Finished, SubmitPool
from publisher.errors import DatabaseError, TransportError
from publisher.mail.message import Envelope
from publisher.providers.outcomes import Outcome, Verdict
from publisher.providers.provider import Transport

BEAT_EVERY = 15.0
QUOTA_EVERY = 3600.0
STALLED = 1.0  # seconds without any answer after which nothing more is claimed, as the provider may hang
QUOTA_AGAIN = 2.0  # minimum of seconds between quota queries caused by throttles
UNREACHABLE_PAUSES = 6  # consecutive pauses, about a minute, after which the run ends
FUTILE = 300.0  # seconds in which every message was throttled, after which the run ends

_COUNTED = {Verdict.SUBMITTED, Verdict.REJECTED, Verdict.UNCERTAIN, Verdict.THROTTLED}
"""Verdicts that :class:`SendProgress` counts, under the same names."""

_ENDINGS = {Verdict.LATER: Ending.DAILY_QUOTA, Verdict.PAUSED: Ending.ACCOUNT_PAUSED, Verdict.STOP: Ending.PROVIDER}


@dataclass(slots=True)
class Interrupt:
    """Counter of signals: one requests an orderly end, two an immediate one."""

    count: int = 0

    def request(self) -> None:
        """Count one more signal."""
        self.count += 1


@dataclass(slots=True)
class SendProgress:
    """Snapshot for an observer, a few times per second: counts since the run began, and the pace."""

    submitted: int = 0
    rejected: int = 0
    uncertain: int = 0
    excluded: int = 0
    throttled: int = 0
    in_flight: int = 0
    pace: float = 0.0
    ending: Ending | None = None


@dataclass(slots=True)
class Sender:
    """One run of a mailing: construct it, then call :meth:`drain`."""

    ledger: Ledger
    transport: Transport
    address: Callable[[str, Claim], Envelope]
    pace: Pace
    cap: float | None = None  # configured maximum of the pace, in addition to the provider's
    interrupt: Interrupt = field(default_factory=Interrupt)
    observe: Callable[[SendProgress], None] = lambda _progress: None
    clock: Callable[[], float] = time.monotonic
    ending: Ending | None = None
    code: str = ""  # the signal that ended the run
    progress: SendProgress = field(default_factory=SendProgress)
    breaker: Breaker = field(default_factory=lambda: Breaker(1))
    _results: list[tuple[Claim, Outcome]] = field(default_factory=list)
    _round: int = 1
    _first_round: int = 1
    _reserved: int = 0
    _ready_at: float = 0.0
    _hold_until: float = 0.0
    _unreachable: int = 0
    _heard_at: float = 0.0
    _throttled_at: float | None = None  # first throttle since a message was accepted
    _dry: bool = False
    _alive: bool = True
    _beat_at: float = 0.0
    _quota_at: float = 0.0
    _observed_at: float = float("-inf")

    def drain(self) -> Ending:
        """Send until nothing is pending or the run is ended; calls in flight are always awaited and recorded.

        Raises DatabaseError; claims that could not be recorded become uncertain at the next start.
        """
        self._beat_at = self._quota_at = self.clock()
        self._first_round = self._round = self.ledger.pending()[1] + 1
        pool = SubmitPool(self._submit, self.transport.parallel)
        self.breaker.most = self.transport.parallel + 2
        try:
            while not self._step(pool):
                pass
        except Exception:  # also of an observer
            self._record_remaining(pool)
            raise
        finally:
            pool.dismiss()
        assert self.ending is not None
        self._show(pool, force=True)
        return self.ending

    def _step(self, pool: SubmitPool) -> bool:
        """Run one iteration of the loop. Return True at the end."""
        if self.interrupt.count:
            self._end(Ending.INTERRUPTED)
        if self.interrupt.count > 1:
            self._results += self.breaker.give_up()
            self._record()
            return True  # calls in flight stay claimed, and become uncertain when the ledger is closed
        self._housekeeping()
        now = self.clock()
        self._reserve(pool, now)
        if self._reserved and now >= self._ready_at:
            self._claim(pool)
        elif self._results and (not self._reserved or self._ready_at - now > 0.02):
            self._record()
        if not pool.busy and not self._results and not self._reserved:
            if self.breaker.refused:
                self._refuse()
                return False
            if self.ending is not None:
                return True
            if self._dry:
                self._next_round()
        for finished in pool.collect(self._timeout(pool)):
            self._take_in(finished)
        self._show(pool)
        return False

    def _reserve(self, pool: SubmitPool, now: float) -> None:
        """Take tokens for the free threads; give them back if the run is ending."""
        if self.ending is not None:
            if self._reserved:
                self.pace.give_back(self._reserved)
                self._reserved = 0
            return
        free = max(0, pool.room - pool.busy)
        if free and not self._reserved and not self._dry and self._alive and not self._waits(pool, now):
            rate = self.pace.rate
            batch = batch_size(rate, self.transport.most)
            self._reserved = 1 if self.breaker.probing else batch * max(1, min(free, int(rate * 0.1 / batch)))
            self._ready_at = now + self.pace.take(self._reserved)

    def _waits(self, pool: SubmitPool, now: float) -> bool:
        """Whether to wait for an answer of the provider or the end of a pause before claiming more."""
        silent = self.breaker.probing or now - self._heard_at > STALLED
        return now < self._hold_until or (pool.busy > 0 and silent)

    def _claim(self, pool: SubmitPool) -> None:
        answer = self._record_and_claim(self._reserved)
        if not pool.busy:
            self._heard_at = self.clock()
        for batch in _batches(answer.claims, batch_size(self.pace.rate, self.transport.most)):
            pool.give(batch)  # before anything that may fail: otherwise claims would remain without an attempt
        if unused := self._reserved - len(answer.claims):
            self.pace.give_back(unused)
        self._reserved = 0
        self.progress.excluded += answer.excluded
        self._dry = not answer.claims and not answer.excluded

    def _submit(self, claims: Sequence[Claim]) -> list[Outcome]:
        """Build the envelopes of a batch and submit it; runs in the pool's threads."""
        recipient = self.ledger.mailing.recipient
        return self.transport.submit([self.address(recipient(claim.number), claim) for claim in claims])

    def _record(self) -> None:
        if self._results:
            self._record_and_claim(0)

    def _record_and_claim(self, wanted: int) -> Exchanged:
        answer = self.ledger.record_and_claim(self._results, wanted, self._round)
        self._results = []
        if answer.operator != Operator.GOING:
            self._end(Ending.OPERATOR, answer.operator)
        self._alive = answer.alive
        return answer

    def _next_round(self) -> None:
        """Start the next round, or end; called when nothing of this round is pending or in flight."""
        if not self._alive:
            self.ledger.open()
            self._alive, self._dry = True, False
            return
        pending, fewest = self.ledger.pending()
        self._dry = False
        if not pending:
            self._end(Ending.WAITING if self.ledger.waits() else Ending.DONE)
        elif fewest >= self._round:
            self._round = fewest + 1
            failed = self._round - self._first_round
            self._hold_until = self.clock() + pause(failed)
            if failed >= ROUNDS:
                self._end(Ending.LEFT)

    def _take_in(self, finished: Finished) -> None:
        self._heard_at = self.clock()
        counted, before = self._heard_at >= self._hold_until, self.breaker.doubts
        results = self.breaker.weigh(finished, counted=counted)
        self._results += results
        verdicts = {outcome.verdict: outcome.code for _, outcome in results}
        for verdict, count in Counter([outcome.verdict for _, outcome in results]).items():
            if verdict in _COUNTED:
                setattr(self.progress, verdict, getattr(self.progress, verdict) + count)
        if Verdict.SUBMITTED in verdicts:
            self._unreachable, self._throttled_at = 0, None
        if Verdict.THROTTLED in verdicts:
            self.pace.throttled()
            self._read_quota(QUOTA_AGAIN)
            self._throttled_at = self._throttled_at or self._heard_at
            if self._heard_at - self._throttled_at > FUTILE:  # a relay may throttle one recipient for ever
                self._end(Ending.LEFT)
        if Verdict.UNREACHED in verdicts:
            self._wait_for_provider(verdicts[Verdict.UNREACHED])
        if self.breaker.doubts > before and self.breaker.probing:
            self._mark_uncertain(verdicts[Verdict.UNCERTAIN])
        if len(self.breaker.refused) >= self.breaker.most:
            self._refuse()
        for verdict, ending in _ENDINGS.items():
            if verdict in verdicts:
                self._end(ending, verdicts[verdict])
        if finished.defect is not None:
            self._end(Ending.DEFECT, type(finished.defect).__name__)

    def _end(self, ending: Ending, code: str = "") -> None:
        """Stop claiming. The first reason is kept."""
        if self.ending is None:
            self.ending, self.code = ending, code

    def _mark_uncertain(self, code: str) -> None:
        """Pause after calls with unknown outcomes, longer each time, and finally end the run."""
        self._hold_until = self.clock() + pause(self.breaker.doubts - 1)
        if self.breaker.doubts >= DOUBTS_TO_END:
            self._end(Ending.UNREACHABLE, code)

    def _refuse(self) -> None:
        """End the run because every call was refused: recipients stay pending, and an operator has to act."""
        self._end(Ending.PROVIDER, self.breaker.refused[-1][1].code)
        self._results += self.breaker.give_up()

    def _wait_for_provider(self, code: str) -> None:
        now = self.clock()
        if now < self._hold_until:
            return  # calls in flight that fail together count once
        self._unreachable += 1
        self._hold_until = now + pause(self._unreachable)
        if self._unreachable >= UNREACHABLE_PAUSES:
            self._end(Ending.UNREACHABLE, code)

    def _housekeeping(self) -> None:
        now = self.clock()
        if now - self._beat_at >= BEAT_EVERY:
            self._beat_at = now
            self._alive = self.ledger.beat() and self._alive
            if not self._alive:
                self._dry = True
            self.ledger.recover(alone=False)  # claims of senders on other machines that died
        self._read_quota(QUOTA_EVERY)

    def _read_quota(self, every: float) -> None:
        now = self.clock()
        if now - self._quota_at < every:
            return
        self._quota_at = now
        try:
            quota = self.transport.quota()
        except TransportError:
            return  # the old quota stays valid; if sending is impossible, the next call fails
        self.pace.limit(ceiling(quota, self.cap))
        if ended := blocked(quota):
            self._end(*ended)

    def _timeout(self, pool: SubmitPool) -> float:
        now = self.clock()
        if self._reserved:
            return min(0.2, max(0.0, self._ready_at - now))
        if pool.busy:
            return 0.2 if pool.busy >= pool.room or self._dry or self.ending or self._waits(pool, now) else 0.0
        return 0.2 if now < self._hold_until and self.ending is None and not self._dry else 0.0

    def _record_remaining(self, pool: SubmitPool) -> None:
        """After an exception of database or observer, await calls in flight and try once more to record them."""
        deadline = time.monotonic() + 60
        while pool.busy and time.monotonic() < deadline and self.interrupt.count < 2:
            for finished in pool.collect(0.2):
                self._results += finished.results
        self._results += self.breaker.give_up()
        with suppress(DatabaseError):
            self._record()

    def _show(self, pool: SubmitPool, *, force: bool = False) -> None:
        now = self.clock()
        if force or now - self._observed_at >= 0.25:
            self._observed_at = now
            pace = min(self.pace.rate, UNLIMITED)
            self.observe(replace(self.progress, in_flight=pool.busy, pace=pace, ending=self.ending))


def _batches(claims: Sequence[Claim], most: int) -> Iterator[Sequence[Claim]]:
    """Yield the batches: second attempts in batches of at most the square root of ``most``, third attempts one by one.
    A recipient whose call always fails is thus separated from the others.
    """
    by_attempt = sorted(claims, key=lambda claim: claim.attempt)
    for attempt, same in groupby(by_attempt, lambda claim: claim.attempt):
        given, size = list(same), most if attempt == 1 else isqrt(most) if attempt == 2 else 1
        yield from (given[start : start + size] for start in range(0, len(given), size))
