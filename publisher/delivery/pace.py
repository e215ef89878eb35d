"""The pace, a token bucket in recipients, and the retry policy: what follows from an outcome.

Tokens are taken first, then rows are claimed, then the call is made. One pure step function serves the bucket in memory
and the shared one in PostgreSQL. The bucket may go into debt: whoever takes tokens is told how long to wait for them,
and never has to ask twice.
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

HEADROOM = 0.97  # of the provider's MaxSendRate: the rest absorbs clocks that differ
DECREASE = 0.8
CUT_EVERY = 1.0  # seconds: calls in flight when a throttle comes will be throttled too, and say nothing new
RECOVERY = 0.02  # of the ceiling, a second: additive; throttled once a second, the rate stays above 8% of it
BURST = 0.2  # seconds of sending that an idle bucket keeps
UNLIMITED = 1e9


def ceiling(quota: Quota, most: float | None = None) -> float:
    """The most recipients a second under ``quota`` and the config."""
    return min((cap for cap in (quota.rate and quota.rate * HEADROOM, most) if cap), default=UNLIMITED)


def blocked(quota: Quota) -> tuple[Ending, str] | None:
    """The ending that an account which may not send brings about, with its code."""
    if quota.shutdown:
        return Ending.PROVIDER, "shutdown"
    return (Ending.ACCOUNT_PAUSED, "SendingEnabled is false") if quota.paused else None


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """The state of a bucket at ``at`` (seconds of any one clock); ``tokens`` below zero are promised already."""

    rate: float
    ceiling: float
    tokens: float
    at: float
    cut_at: float = float("-inf")


def fresh(ceiling: float, now: float) -> TokenBucket:
    """A bucket that starts at its ceiling, empty but for one token: a restart never bursts."""
    return TokenBucket(ceiling, ceiling, 1.0, now)


def advance(bucket: TokenBucket, now: float) -> TokenBucket:
    """The bucket at ``now``: filled at its rate, the rate recovering. A clock that stepped back counts as no time."""
    passed = max(0.0, now - bucket.at)
    rate = min(bucket.ceiling, bucket.rate + RECOVERY * bucket.ceiling * passed)
    tokens = min(max(1.0, rate * BURST), bucket.tokens + rate * passed)
    return replace(bucket, rate=rate, tokens=tokens, at=now)


def take(bucket: TokenBucket, count: float, now: float) -> tuple[TokenBucket, float]:
    """Take ``count`` tokens; with the bucket comes how many seconds to wait before using them."""
    bucket = advance(bucket, now)
    bucket = replace(bucket, tokens=bucket.tokens - count)
    return bucket, max(0.0, -bucket.tokens / bucket.rate)


def throttled(bucket: TokenBucket, now: float) -> TokenBucket:
    """The bucket after the provider said "too fast": slower, at most once a second."""
    bucket = advance(bucket, now)
    if 0 <= now - bucket.cut_at < CUT_EVERY:
        return bucket
    return replace(bucket, rate=bucket.rate * DECREASE, cut_at=now)


def with_ceiling(bucket: TokenBucket, ceiling: float, now: float) -> TokenBucket:
    """The bucket under a quota that has been read again."""
    bucket = advance(bucket, now)
    rate = min(bucket.rate, ceiling)
    # At the old ceiling there was no throttle to recover from: a higher quota is used at once.
    rate = ceiling if bucket.rate >= bucket.ceiling else rate
    return replace(bucket, rate=rate, ceiling=ceiling)


class Pace(ABC):
    """A bucket somewhere: a subclass says where, and by which clock, in :meth:`_change`."""

    rate: float  # recipients a second at the moment

    def take(self, count: int) -> float:
        """Reserve ``count`` tokens and return the seconds to wait before using them."""
        return self._change(lambda bucket, now: take(bucket, count, now))

    def give_back(self, count: int) -> None:
        """Return tokens for which there was no recipient."""
        self.take(-count)

    def throttled(self) -> None:
        """The provider said "too fast"."""
        self._change(lambda bucket, now: (throttled(bucket, now), 0.0))

    def limit(self, rate: float) -> None:
        """The most recipients a second there may be, from now on."""
        self._change(lambda bucket, now: (with_ceiling(bucket, rate, now), 0.0))

    @abstractmethod
    def _change(self, step: Callable[[TokenBucket, float], tuple[TokenBucket, float]]) -> float:
        """Change the bucket by ``step``; what that returns beside it."""


class LocalPace(Pace):
    """A bucket in this process, by its monotonic clock."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._bucket, self.rate = fresh(rate, clock()), rate

    def _change(self, step: Callable[[TokenBucket, float], tuple[TokenBucket, float]]) -> float:
        with self._lock:
            self._bucket, wait = step(self._bucket, self._clock())
            self.rate = self._bucket.rate
            return wait


class SharedPace(Pace):
    """A bucket that machines share, a row of PostgreSQL, by the database's clock: of a provider's account, or of a
    mailing. ``ceiling``: None as another machine said.
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
    """A provider's bucket, and that of a mailing which is spread over a time: nobody else's mail waits for the second.

    What the provider says, and allows, is of the first.
    """

    def __init__(self, provider: Pace, mailing: Pace) -> None:
        self._provider, self._mailing = provider, mailing
        self.rate = min(provider.rate, mailing.rate)

    def limit(self, rate: float) -> None:
        """See :class:`Pace`."""
        self._provider.limit(rate)

    def _change(self, step: Callable[[TokenBucket, float], tuple[TokenBucket, float]]) -> float:
        wait = max(self._provider._change(step), self._mailing._change(step))
        self.rate = min(self._provider.rate, self._mailing.rate)
        return wait


def batch_size(rate: float, most: int) -> int:
    """Recipients a call: small where the pace is slow, so that no second gets more than its share."""
    return max(1, min(most, int(rate * BURST)))


# The retry policy: pure, and tested as a table. A retried recipient goes behind all fresh ones: the ledger claims by
# number of attempts, in rounds. A round's pause grows exponentially, so no clock stands in the ledger, and one that
# steps back delays nobody.
ROUNDS = 5  # attempts one run gives a recipient whose failures are proved "not sent"; then it is left for the next run

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


def decide(outcome: Outcome) -> tuple[RecipientState, bool]:
    """The recipient's next state, and whether the attempt counts: not where the world failed, not this one."""
    if outcome.verdict.not_sent:
        return RecipientState.PENDING, outcome.verdict is Verdict.RETRY
    return RecipientState(outcome.verdict), True


def pause(failed: int) -> float:
    """Seconds to wait after ``failed`` (1, 2, …) rounds, or calls to an unreachable provider, in a row."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (max(1, failed) - 1))
