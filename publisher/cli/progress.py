"""A progress bar on standard error, on a terminal only: nobody waits without seeing why."""

from __future__ import annotations

from types import TracebackType

from publisher.cli.console import error_console


class Bar:
    """A bar with a word before it; it vanishes when the work is done. Off a terminal it is nothing at all."""

    def __init__(self, word: str) -> None:
        self._bar = None
        if not error_console.is_terminal:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn(word), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=error_console, transient=True)
        self._task = self._bar.add_task(word, total=None)

    def __enter__(self) -> Bar:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def total(self, count: int) -> None:
        """So much is to be done."""
        if self._bar:
            self._bar.update(self._task, total=count)

    def step(self) -> None:
        """One more is done."""
        if self._bar:
            self._bar.advance(self._task)

    def at(self, done: int, total: int) -> None:
        """So many of so many are done."""
        if self._bar:
            self._bar.update(self._task, completed=done, total=total)
