"""The token bucket, by a clock of the test's own."""

from __future__ import annotations

import pytest

from publisher.delivery.pace import (
    LocalPace,
    SpreadPace,
    TokenBucket,
    advance,
    batch_size,
    ceiling,
    fresh,
    take,
    throttled,
    with_ceiling,
)
from publisher.providers.provider import Quota
from tests.stubs.ses import Account, Settings


@pytest.mark.parametrize("rate", [1, 14, 200, 2000, 50_000])
def test_over_a_minute_the_pace_is_the_rate(rate: float) -> None:
    now, sent = 0.0, 0
    bucket = fresh(rate, now)
    batch = batch_size(rate, 50)
    while now < 60:
        bucket, wait = take(bucket, batch, now)
        now += wait
        sent += batch
    assert 0.99 * rate * 60 <= sent <= 1.01 * rate * 60 + batch


@pytest.mark.parametrize(("rate", "people"), [(1, 20), (14, 200), (40, 60), (400, 600), (2000, 50_000)])
def test_the_provider_throttles_nobody_and_its_quota_is_used(rate: float, people: int) -> None:
    now = [0.0]
    provider = Account(Settings(rate=rate), clock=lambda: now[0])
    pace, batch = LocalPace(ceiling(Quota(rate=rate)), clock=lambda: now[0]), batch_size(rate, 50)
    for _ in range(0, people, batch):
        now[0] += pace.take(batch)
        assert [provider.admit() for _ in range(batch)] == [None] * batch
    assert provider.throttled == 0
    assert now[0] <= people / rate / 0.97 + 1


@pytest.mark.parametrize("rate", [14, 200, 2000])
def test_no_second_gets_more_than_its_share_and_a_small_burst(rate: float) -> None:
    now = 0.0
    bucket = fresh(rate, now)
    batch = batch_size(rate, 50)
    seconds: dict[int, int] = {}
    while now < 20:
        bucket, wait = take(bucket, batch, now)
        now += wait
        seconds[int(now)] = seconds.get(int(now), 0) + batch
    assert max(seconds.values()) <= rate * 1.2 + 1


def test_an_idle_bucket_keeps_only_a_small_burst() -> None:
    bucket = advance(fresh(100, 0.0), 3600.0)
    assert bucket.tokens == pytest.approx(20)


def test_throttles_slow_down_at_most_once_a_second() -> None:
    bucket = fresh(100, 0.0)
    for now in (0.1, 0.2, 0.5, 0.9):
        bucket = throttled(bucket, now)
    assert bucket.rate == pytest.approx(80, rel=0.03)
    assert throttled(bucket, 1.2).rate == pytest.approx(65, rel=0.03)


def test_however_often_it_is_throttled_a_sender_goes_on_at_a_twelfth_of_its_pace_and_comes_back() -> None:
    now = [0.0]
    pace = LocalPace(100, clock=lambda: now[0])
    for _ in range(100):
        now[0] += 1.0
        pace.throttled()
    assert pace.rate == pytest.approx(8, rel=0.01)
    now[0] += 50.0
    pace.take(0)
    assert pace.rate == 100
    pace.limit(40)
    assert pace.rate == 40


def test_a_mailing_that_is_spread_ends_in_time_although_its_provider_throttles_within_its_quota() -> None:
    now, people, due = [0.0], 600, 60.0
    pace = SpreadPace(*(LocalPace(rate, clock=lambda: now[0]) for rate in (1000, people / due)))
    for sent in range(people):
        now[0] += pace.take(1)
        if not sent % 20:
            pace.throttled()
    assert 0.98 * due <= now[0] <= 1.02 * due
    for _ in range(100):
        now[0] += 1.0
        pace.throttled()
    pace.take(1)
    assert pace.rate == people / due, "an eighth of the provider's pace is enough"
    pace.limit(5)
    pace.take(1)
    assert pace.rate <= 5


def test_a_throttle_never_makes_a_sender_faster() -> None:
    slow = TokenBucket(rate=8, ceiling=100, tokens=0, at=0.0)
    assert throttled(with_ceiling(slow, 1000, 0.0), 0.0).rate == pytest.approx(6.4)


def test_recovery_is_additive_and_ends_at_the_ceiling() -> None:
    bucket = throttled(fresh(100, 0.0), 0.0)
    assert advance(bucket, 5.0).rate == pytest.approx(90)
    assert advance(bucket, 500.0).rate == 100


def test_a_quota_that_falls_caps_the_rate_at_once_and_one_that_rises_frees_it() -> None:
    assert with_ceiling(fresh(100, 0.0), 50, 1.0).rate == 50
    assert with_ceiling(fresh(100, 0.0), 200, 1.0).rate == 200
    assert with_ceiling(throttled(fresh(100, 0.0), 0.0), 200, 0.0).rate == 80


def test_a_clock_that_steps_back_neither_stops_nor_bursts() -> None:
    bucket, _ = take(fresh(100, 1000.0), 1, 1000.0)
    back, wait = take(bucket, 10, 400.0)
    assert wait == pytest.approx(0.1)
    assert advance(back, 401.0).tokens <= 20
    assert throttled(TokenBucket(100, 100, 0, 1000, cut_at=1000), 400.0).rate == 80


def test_tokens_given_back_are_there_again() -> None:
    pace = LocalPace(10, clock=lambda: 0.0)
    assert pace.take(11) == pytest.approx(1.0)
    pace.give_back(11)
    assert pace.take(1) == 0.0


@pytest.mark.parametrize(
    ("cap", "quota", "lowest"),
    [
        (None, Quota(rate=100), 97),
        (50, Quota(rate=100), 50),
        (500, Quota(rate=100), 97),
        (None, Quota(), 1e9),
    ],
)
def test_the_lowest_cap_counts(cap: float | None, quota: Quota, lowest: float) -> None:
    assert ceiling(quota, cap) == pytest.approx(lowest)


@pytest.mark.parametrize(("rate", "size"), [(0.5, 1), (14, 2), (200, 40), (2000, 50), (1e9, 50)])
def test_batches_are_small_where_the_pace_is_slow(rate: float, size: int) -> None:
    assert batch_size(rate, 50) == size
