"""Group commit: readers who leave at the same moment share one transaction, and so one wait for the disk.

A commit waits for the disk to confirm it (some milliseconds), and SQLite has one writer. Alone, that wait would be the
most that one-click unsubscribes get through; mail providers send them in bursts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from publisher.audience.model import Subscriber
from publisher.web.readers import Departure

MOST = 64
"""Departures in one transaction."""

Left = Subscriber | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    departure: Departure
    answer: asyncio.Future[Left]


class Together:
    """Collects departures while a commit is under way; the next one takes them all. For one event loop."""

    def __init__(self, commit: Callable[[list[Departure]], Awaitable[list[Left]]]) -> None:
        self._commit = commit
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    async def leave(self, departure: Departure) -> Left:
        """Answers once the departure is committed. Raises what the commit raised."""
        waiting = _Waiting(departure, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await waiting.answer

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._commit_all(batch)

    async def _commit_all(self, batch: list[_Waiting]) -> None:
        """One transaction for all; where that fails, one each, so that nobody pays for another's trouble."""
        try:
            answers = await self._commit([waiting.departure for waiting in batch])
        except Exception as error:
            if len(batch) == 1:
                _settle(batch[0].answer, error)
                return
            for waiting in batch:
                await self._commit_all([waiting])
            return
        for waiting, answer in zip(batch, answers, strict=True):
            _settle(waiting.answer, answer)


def _settle(future: asyncio.Future[Left], result: Left | Exception) -> None:
    if future.done():  # whoever asked has hung up
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
