"""The pace that several machines share: the same bucket in one row of PostgreSQL, by the database's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert

from publisher.database import Database
from publisher.delivery import pace
from publisher.delivery.pace import Bucket
from publisher.delivery.tables import paces


class SharedPace:
    """A bucket named after the provider's account. Each call is one short transaction."""

    def __init__(self, database: Database, name: str, ceiling: float) -> None:
        self._database = database
        self._name = name[:120]
        with database.begin() as connection:
            bucket = pace.fresh(ceiling, _now(connection))
            row = {"name": self._name} | _columns(bucket)
            connection.execute(insert(paces).values(row).on_conflict_do_nothing())
        self.rate = ceiling
        self.limit(ceiling)

    def take(self, count: int) -> float:
        """See :class:`~publisher.delivery.pace.Pace`."""
        waits: list[float] = []

        def step(bucket: Bucket, now: float) -> Bucket:
            bucket, wait = pace.take(bucket, count, now)
            waits.append(wait)
            return bucket

        self._change(step)
        return waits[0]

    def give_back(self, count: int) -> None:
        """See :class:`~publisher.delivery.pace.Pace`."""
        self.take(-count)

    def throttled(self) -> None:
        """See :class:`~publisher.delivery.pace.Pace`."""
        self._change(pace.throttled)

    def limit(self, rate: float) -> None:
        """See :class:`~publisher.delivery.pace.Pace`."""
        self._change(lambda bucket, now: pace.with_ceiling(bucket, rate, now))

    def _change(self, step: Callable[[Bucket, float], Bucket]) -> None:
        with self._database.begin() as connection:
            row = connection.execute(select(paces).where(paces.c.name == self._name).with_for_update()).mappings().one()
            bucket = Bucket(row["rate"], row["ceiling"], row["tokens"], row["at"], row["cut_at"])
            bucket = step(bucket, _now(connection))
            connection.execute(update(paces).where(paces.c.name == self._name).values(_columns(bucket)))
            self.rate = bucket.rate


def _columns(bucket: Bucket) -> dict[str, Any]:
    return {
        "rate": bucket.rate,
        "ceiling": bucket.ceiling,
        "tokens": bucket.tokens,
        "at": bucket.at,
        "cut_at": max(bucket.cut_at, 0.0),
    }


def _now(connection: Connection) -> float:
    return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
