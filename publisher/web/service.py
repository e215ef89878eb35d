"""The parts of the readers' service, and the thread that writes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from publisher.audience.model import Subscriber
from publisher.audience.tokens import Tokens
from publisher.config import Config
from publisher.database import Database, open_database
from publisher.web.confirmation import Postman
from publisher.web.limiter import Limiter
from publisher.web.metrics import Metrics
from publisher.web.pages import Pages
from publisher.web.readers import Departure, Readers
from publisher.web.together import Together

log = logging.getLogger("publisher.web")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a handler needs."""

    config: Config
    database: Database
    tokens: Tokens
    pages: Pages
    readers: Readers
    postman: Postman
    limiter: Limiter
    metrics: Metrics
    together: Together
    _writer: ThreadPoolExecutor = field(repr=False)
    _reader: ThreadPoolExecutor = field(repr=False)

    @classmethod
    def open(cls, config: Config, *, limiter: Limiter | None = None) -> Service:
        """Open the database and the keys. Raises DatabaseError, UsageError, ThemeError."""
        database, tokens = open_database(config), Tokens.open(config)
        # One thread writes to SQLite: its writers queue in order here, where SQLite would have them poll for the lock.
        writer = ThreadPoolExecutor(1 if database.dialect == "sqlite" else 8, "write")
        readers, metrics = Readers(database), Metrics()

        async def commit(departures: list[Departure]) -> list[Subscriber | None]:
            return await asyncio.get_running_loop().run_in_executor(writer, readers.leave, departures)

        return cls(
            config,
            database,
            tokens,
            Pages(config),
            readers,
            Postman(config, tokens, database, metrics.mails.add),
            limiter or Limiter(),
            metrics,
            Together(commit),
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
