"""The parts of the readers' service, and the thread that writes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from publisher.audience.model import Subscriber
from publisher.audience.tokens import Tokens
from publisher.config import Config
from publisher.database import Database, open_database
from publisher.delivery.series import ready_series
from publisher.web.confirmation import ConfirmationMailer
from publisher.web.forms import Limiter
from publisher.web.pages import ServicePages
from publisher.web.readers import Readers, Unsubscribe

_COUNTERS = {
    "requests": ("Requests", ("method", "route", "status")),
    "asked": ("Subscribe forms", ("outcome",)),
    "confirmation_mails": ("Confirmation mails", ("outcome",)),
    "changes": ("What readers did", ("change",)),
    "webhooks": ("Requests of providers", ("status",)),
}
"""Help and labels, by name."""


class Metrics:
    """What the service counts, in the Prometheus text format.

    Labels are from fixed sets: no address, no token, no path of a stranger's.
    """

    def __init__(self) -> None:
        self._numbers = {name: Counter[tuple[str, ...]]() for name in _COUNTERS}
        self._lock = threading.Lock()

    def count(self, name: str, *values: str) -> None:
        """One more; the labels' values in order."""
        with self._lock:
            self._numbers[name][values] += 1

    def text(self, subscribers: dict[str, int]) -> str:
        """Everything. ``subscribers``: how many there are now, by state."""
        lines: list[str] = []
        for name, (about, labels) in _COUNTERS.items():
            with self._lock:
                numbers = sorted(self._numbers[name].items())
            lines += _series(f"publisher_web_{name}_total", about, "counter", labels, numbers)
        now = [((state,), number) for state, number in subscribers.items()]
        lines += _series("publisher_subscribers", "Now in the database", "gauge", ("state",), now)
        return "\n".join(lines) + "\n"


Numbers = Sequence[tuple[tuple[str, ...], int]]


def _series(name: str, about: str, kind: str, labels: tuple[str, ...], numbers: Numbers) -> list[str]:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    for values, number in numbers:
        pairs = ",".join(f'{label}="{_safe(value)}"' for label, value in zip(labels, values, strict=True))
        lines.append(f"{name}{{{pairs}}} {number}")
    return lines


def _safe(value: str) -> str:
    return "".join(c for c in value if c.isascii() and (c.isalnum() or c in "-_ "))[:40]


log = logging.getLogger("publisher.web")

T = TypeVar("T")


MOST = 64  # departures in one transaction
Left = Subscriber | None


_PendingLeave = tuple[Unsubscribe, asyncio.Future[Left]]


class GroupCommit:
    """Group commit: departures that come while a commit is under way share the next one. For one event loop.

    A commit waits for the disk (some milliseconds), and SQLite has one writer. Alone, that wait would be the most that
    one-click unsubscribes get through; mail providers send them in bursts.
    """

    def __init__(self, commit: Callable[[list[Unsubscribe]], Awaitable[list[Left]]]) -> None:
        self._commit = commit
        self._waiting: list[_PendingLeave] = []
        self._running: asyncio.Task[None] | None = None

    async def leave(self, departure: Unsubscribe) -> Left:
        """Answers once the departure is committed. Raises what the commit raised."""
        answer: asyncio.Future[Left] = asyncio.get_running_loop().create_future()
        self._waiting.append((departure, answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._commit_all(batch)

    async def _commit_all(self, batch: list[_PendingLeave]) -> None:
        """One transaction for all; where that fails, one each, so that nobody pays for another's trouble."""
        try:
            answers = await self._commit([departure for departure, _ in batch])
        except Exception as error:
            if len(batch) > 1:
                for waiting in batch:
                    await self._commit_all([waiting])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, asked), answer in zip(batch, answers, strict=True):
            if not asked.done():  # whoever asked may have hung up
                asked.set_result(answer)


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a handler needs."""

    config: Config
    database: Database
    tokens: Tokens
    pages: ServicePages
    readers: Readers
    postman: ConfirmationMailer
    limiter: Limiter
    metrics: Metrics
    together: GroupCommit
    _writer: ThreadPoolExecutor = field(repr=False)
    _reader: ThreadPoolExecutor = field(repr=False)

    @classmethod
    def open(cls, config: Config, *, limiter: Limiter | None = None) -> Service:
        """Open the database and the keys. Raises DatabaseError, UsageError, ThemeError."""
        database, tokens = open_database(config), Tokens.open(config)
        # One thread writes to SQLite: its writers queue in order here, where SQLite would have them poll for the lock.
        writer = ThreadPoolExecutor(1 if database.dialect == "sqlite" else 8, "write")
        readers, metrics = Readers(database, partial(ready_series, config)), Metrics()

        async def commit(departures: list[Unsubscribe]) -> list[Subscriber | None]:
            return await asyncio.get_running_loop().run_in_executor(writer, readers.leave, departures)

        return cls(
            config,
            database,
            tokens,
            ServicePages(config),
            readers,
            ConfirmationMailer(config, tokens, database, partial(metrics.count, "confirmation_mails")),
            limiter or Limiter(),
            metrics,
            GroupCommit(commit),
            writer,
            ThreadPoolExecutor(4, "read"),
        )

    def close(self) -> None:
        """Finish what is under way."""
        self.postman.stop()
        self._writer.shutdown()
        self._reader.shutdown()
        self.database.close()

    async def write(self, step: Callable[..., T], *values: Any) -> T:
        """Run a step that writes, in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, step, *values)

    async def read(self, step: Callable[..., T], *values: Any) -> T:
        """Run a step that only reads."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, step, *values)
