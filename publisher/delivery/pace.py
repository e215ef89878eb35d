"""The pace (a token bucket in recipients) and the retry policy (the consequence of an outcome).

Tokens are taken first, then rows are claimed, then the call is made. The same pure step functions serve the bucket
in memory and the shared one in PostgreSQL. The bucket may go into debt: the caller that takes tokens learns how
long to wait before using them, and never has to ask twice.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from sqlalchemy import select, update

from publisher.database import Database
from publisher.database.bulk import insert_once
from publisher.database.engine import clock
from publisher.delivery.states import Ending, RecipientState
from publisher.delivery.tables import paces
from publisher.providers.outcomes import Outcome, Verdict
from publisher.providers.provider import Quota

HEADROOM = 0.97  # share of the provider's MaxSendRate; the rest absorbs differences between clocks
DECREASE = 0.8
CUT_EVERY = 1.0  # seconds: calls in flight at a throttle will be throttled too, without new information
RECOVERY = 0.02  # of the ceiling, per second, additive; with a throttle per second the rate stays above 8%
BURST = 0.2  # seconds' worth of tokens that an idle bucket keeps
UNLIMITED = 1e9


def ceiling(quota: Quota, most: float | None = None) -> float:
    """Return the maximum of recipients per second under ``quota`` and the config."""
    return min((cap for cap in (quota.rate and quota.rate * HEADROOM, most) if cap), default=UNLIMITED)


def blocked(quota: Quota) -> tuple[Ending, str] | None:
    """Return ending and code of a run if the account may not send; otherwise None."""
    if quota.shutdown:
        return Ending.PROVIDER, "shutdown"
    return (Ending.ACCOUNT_PAUSED, "SendingEnabled is false") if quota.paused else None


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """State of a bucket at ``at`` (seconds of any one clock); negative ``tokens`` are promised already."""

    rate: float
    ceiling: float
    tokens: float
    at: float
    cut_at: float = float("-inf")


def fresh(ceiling: float, now: float) -> TokenBucket:
    """Return a bucket at its ceiling with one token, so that a restart never bursts."""
    return TokenBucket(ceiling, ceiling, 1.0, now)


def advance(bucket: TokenBucket, now: float) -> TokenBucket:
    """Return the bucket at ``now``: refilled, with a recovering rate. A clock that went backwards counts as no time."""
    passed = max(0.0, now - bucket.at)
    rate = min(bucket.ceiling, bucket.rate + RECOVERY * bucket.ceiling * passed)
    tokens = min(max(1.0, rate * BURST), bucket.tokens + rate * passed)
    return replace(bucket, rate=rate, tokens=tokens, at=now)


def take(bucket: TokenBucket, count: float, now: float) -> tuple[TokenBucket, float]:
    """Take ``count`` tokens. Return the bucket and the seconds to wait before using them."""
    bucket = advance(bucket, now)
    bucket = replace(bucket, tokens=bucket.tokens - count)
    return bucket, max(0.0, -bucket.tokens / bucket.rate)


def throttled(bucket: TokenBucket, now: float) -> TokenBucket:
    """Return the bucket after a throttle by the provider: slower, at most once per second."""
    bucket = advance(bucket, now)
    if 0 <= now - bucket.cut_at < CUT_EVERY:
        return bucket
    return replace(bucket, rate=bucket.rate * DECREASE, cut_at=now)


def with_ceiling(bucket: TokenBucket, ceiling: float, now: float) -> TokenBucket:
    """Return the bucket with a new ceiling."""
    bucket = advance(bucket, now)
    rate = min(bucket.rate, ceiling)
    # A bucket at its old ceiling was not recovering from a throttle: it uses a higher quota at once.
    rate = ceiling if bucket.rate >= bucket.ceiling else rate
    return replace(bucket, rate=rate, ceiling=ceiling)


class Pace(ABC):
    """Access to a stored bucket; subclasses define storage and clock in :meth:`_change`."""

    rate: float  # current recipients per second

    def take(self, count: int) -> float:
        """Reserve ``count`` tokens and return the seconds to wait before using them."""
        return self._change(lambda bucket, now: take(bucket, count, now))

    def give_back(self, count: int) -> None:
        """Return tokens for which there was no recipient."""
        self.take(-count)

    def throttled(self) -> None:
        """Slow down after a throttle by the provider."""
        self._change(lambda bucket, now: (throttled(bucket, now), 0.0))

    def limit(self, rate: float) -> None:
        """Set the maximum of recipients per second."""
        self._change(lambda bucket, now: (with_ceiling(bucket, rate, now), 0.0))

    @abstractmethod
    def _change(self, step: Callable[[TokenBucket, float], tuple[TokenBucket, float]]) -> float:
        """Replace the bucket by the result of ``step``; return the second result."""


class LocalPace(Pace):
    """Bucket in this process, with its monotonic clock."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._bucket, self.rate = fresh(rate, clock()), rate

    def _change(self, step: Callable[[TokenBucket, float], tuple[TokenBucket, float]]) -> float:
        with self._lock:
            self._bucket, wait = step(self._bucket, self._clock())
            self.rate = self._bucket.rate
            return wait


class SharedPace(Pace):
    """Bucket in a PostgreSQL row, shared by machines, with the database's clock: for a provider's account or for a
    mailing. ``ceiling`` None keeps the one that another machine set.
    """

    def __init__(self, database: Database, name: str, ceiling: float | None) -> None:
        self._database, self._name, self.rate = database, name[:120], ceiling or UNLIMITED
        with database.begin() as connection:
            row = asdict(fresh(self.rate, clock(connection))) | {"name": self._name, "cut_at": 0.0}
            insert_once(connection, paces, row)
        if ceiling:
            self.limit(ceiling)
        else:
            self.take(0)

    def _change(self, step: Callable[[TokenBucket, float], tuple[TokenBucket, float]]) -> float:
        with self._database.begin() as connection:
            mine = paces.c.name == self._name
            row = dict(connection.execute(select(paces).where(mine).with_for_update()).mappings().one())
            del row["name"]
            bucket, wait = step(TokenBucket(**row), clock(connection))
            connection.execute(update(paces).where(mine).values(asdict(bucket)))
            self.rate = bucket.rate
            return wait


class SpreadPace(Pace):
    """A provider's bucket and that of a mailing spread over a time, which other mail does not wait for.

    The provider's quota and throttles concern only the first.
    """

    def __init__(self, provider: Pace, mailing: Pace) -> None:
        self._provider, self._mailing = provider, mailing
        self.rate = min(provider.rate, mailing.rate)

    def take(self, count: int) -> float:
        """See :class:`Pace`."""
        wait = max(self._provider.take(count), self._mailing.take(count))
        self.rate = min(self._provider.rate, self._mailing.rate)
        return wait

    def _change(self, step: Callable[[TokenBucket, float], tuple[TokenBucket, float]]) -> float:
        return self._provider._change(step)


def batch_size(rate: float, most: int) -> int:
    """Return the recipients per call: few at a slow pace, so that no second gets more than its share."""
    return max(1, min(most, int(rate * BURST)))


# The retry policy: pure, and tested as a table. A retried recipient comes after all fresh ones: the ledger claims by
# number of attempts, in rounds. The pause before a round grows exponentially, so the ledger stores no retry times,
# and a clock set back delays nothing.
ROUNDS = 5  # attempts per run for a recipient with failures proved "not sent"; then it is left for the next run

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


def decide(outcome: Outcome) -> tuple[RecipientState, bool]:
    """Return the recipient's next state, and whether the attempt counts: not if the failure was not the recipient's."""
    if outcome.verdict.not_sent:
        return RecipientState.PENDING, outcome.verdict is Verdict.RETRY
    return RecipientState(outcome.verdict), True


def pause(failed: int) -> float:
    """Return the seconds to wait after ``failed`` (1, 2, …) consecutive rounds or calls to an unreachable provider."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (max(1, failed) - 1))
