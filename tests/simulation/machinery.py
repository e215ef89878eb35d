"""What one seed determines instead of the machine: clock, chance, the sender's threads, where a process dies.

Everything else is real: the ledger's statements, SQLite's files and its WAL, the lock and the mark beside them.
"""

from __future__ import annotations

import datetime as datetime_module
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from sqlalchemy import URL, Engine, event

from publisher.database import engine
from publisher.database.engine import Database
from publisher.delivery import ledger, lock, pace, send, sender
from publisher.delivery.ledger import Claim
from publisher.delivery.lock import write_mark
from publisher.delivery.sender import Sender
from publisher.delivery.submit_pool import Finished
from publisher.providers.outcomes import Outcome
from publisher.web.confirmation import ConfirmationMailer

START = datetime(2026, 3, 28, 20, tzinfo=UTC)  # Europe's clocks change in this night

# Statements are compiled once an engine: worlds at one path share it, for each closes its connections.
_engines = lru_cache(maxsize=None)(engine._sqlite)
_PACKAGES = ("publisher.delivery", "publisher.audience", "publisher.feedback", "publisher.web")


class KilledError(BaseException):
    """The process died here; nothing of it runs any more, as after SIGKILL."""


class Clock:
    """Seconds since 1970; it moves only when somebody waits."""

    def __init__(self) -> None:
        self.seconds = START.timestamp()

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds - START.timestamp()

    def wait(self, seconds: float | None) -> bool:
        self.seconds += max(0.0, seconds or 0.0)
        return False

    def pass_by(self, time: timedelta) -> None:
        self.seconds += time.total_seconds()


class Fate:
    """Counts the points at which a process can die, and ends it at the chosen one."""

    def __init__(self) -> None:
        self.left: int | None = None  # of the process that runs now; None: it lives
        self.steps = 0
        self._aside = False

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is done within is not the world's: it counts no steps."""
        was, self._aside = self._aside, True
        try:
            yield
        finally:
            self._aside = was

    def point(self) -> None:
        if self._aside:
            return
        self.steps += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KilledError

    @contextmanager
    def process(self, lives: int | None) -> Iterator[None]:
        """A process of its own: it dies after ``lives`` points, and the process that started it continues."""
        outer, self.left = self.left, lives
        try:
            yield
        finally:
            self.left = outer


class StepPool:
    """The sender's threads, one step at a time: what was given is submitted when it is collected, in any order."""

    def __init__(self, clock: Clock, chance: Random) -> None:
        self._clock, self._chance = clock, chance

    def __call__(self, submit: Callable[[Sequence[Claim]], list[Outcome]], size: int) -> StepPool:
        made = StepPool(self._clock, self._chance)
        made._submit, made.size, made.room, made.busy = submit, size, size + size // 3, 0
        made._todo = []
        return made

    _submit: Callable[[Sequence[Claim]], list[Outcome]]
    _todo: list[Sequence[Claim]]
    size: int
    room: int
    busy: int

    def give(self, batch: Sequence[Claim]) -> None:
        self.busy += 1
        self._todo.append(batch)

    def collect(self, timeout: float) -> list[Finished]:
        if not self._todo or (timeout <= 0 and self._chance.random() < 0.5):
            self._clock.wait(max(timeout, 0.001))
            return []
        self._clock.wait(0.01)
        batch = self._todo.pop(self._chance.randrange(len(self._todo)))
        outcomes = self._submit(batch)
        self.busy -= 1
        return [Finished(list(zip(batch, outcomes, strict=True)))]

    def dismiss(self) -> None:
        """Nothing runs by itself."""


class CountedPace(pace.LocalPace):
    """A bucket whose tokens are counted: what was taken and not given back is what was claimed."""

    def __init__(self, rate: float, clock: Clock) -> None:
        super().__init__(rate, clock.monotonic)
        self.out = 0

    def take(self, count: int) -> float:
        self.out += count
        return super().take(count)


def _datetime_of(clock: Clock) -> type[datetime]:
    class Now(datetime_module.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return clock.now.astimezone(tz) if tz else clock.now.replace(tzinfo=None)

    return Now


@contextmanager
def governed(clock: Clock, chance: Random, fate: Fate) -> Iterator[None]:
    """Within the block the packages that deliver read this clock, draw from ``chance``, and die by ``fate``."""
    now, hexed = _datetime_of(clock), lambda size: f"{chance.getrandbits(8 * size):0{2 * size}x}"
    begin = Database.begin

    @contextmanager
    def begin_(self: Database, *, lost: bool = False) -> Iterator[Any]:
        fate.point()
        with begin(self, lost=lost) as connection:
            yield connection
            fate.point()  # all was said, and nothing is committed
        fate.point()

    def write_mark_(*given: Any) -> None:
        fate.point()
        write_mark(*given)
        fate.point()

    def statement(*_given: Any) -> None:
        fate.point()

    def engines(url: URL) -> Engine:
        engine.keep_out_of_git(Path(str(url.database)).parent)
        opened = _engines(url)
        stack.callback(opened.dispose)
        return opened

    with ExitStack() as stack:
        stack.enter_context(patch.object(engine, "_sqlite", engines))
        # The schema is looked at once in a world.
        stack.enter_context(patch.object(engine, "migrate", lru_cache(maxsize=None)(engine.migrate)))
        stack.callback(event.remove, Engine, "before_cursor_execute", statement)
        event.listen(Engine, "before_cursor_execute", statement)
        for name, module in list(sys.modules.items()):
            if name.startswith(_PACKAGES) and vars(module).get("datetime") is datetime:
                stack.enter_context(patch.object(module, "datetime", now))
        for module in (ledger, pace):
            stack.enter_context(patch.object(module, "clock", lambda _connection: clock.seconds))
        confirming = sys.modules[ConfirmationMailer.__module__]
        for module in (lock, sender, confirming):
            stand_in = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.wait)
            stack.enter_context(patch.object(module, "time", stand_in))
        bell = SimpleNamespace(is_set=lambda: False, wait=clock.wait, set=lambda: None, clear=lambda: None)
        stack.enter_context(patch.object(confirming, "threading", SimpleNamespace(Event=lambda: bell)))
        stack.enter_context(patch.object(Database, "begin", begin_))
        stack.enter_context(patch.object(ledger, "write_mark", write_mark_))
        stack.enter_context(patch("publisher.delivery.freeze.secrets", SimpleNamespace(token_hex=hexed)))
        stack.enter_context(patch("publisher.audience.store.os", SimpleNamespace(urandom=chance.randbytes)))
        stack.enter_context(patch.object(sender, "SubmitPool", StepPool(clock, chance)))

        stack.enter_context(patch.object(send, "Sender", partial(Sender, clock=clock.monotonic)))
        yield
