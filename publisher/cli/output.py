"""Output: results to standard output, everything else to standard error; prompts, JSON, numbers, progress bars."""

from __future__ import annotations

import codecs
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from publisher.diagnostics import Diagnostic, rendered, say
from publisher.errors import PublisherError, refusal

if TYPE_CHECKING:
    from rich.console import Console

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
"""SGR parameters (ECMA-48)."""


class _ClosableStream:
    """A stream whose reader may end; further output is then discarded."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._mended():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._mended():
            self._stream.flush()

    @contextmanager
    def _mended(self) -> Iterator[None]:
        try:
            yield
        except OSError:  # a closed pipe or terminal, a full disk; the buffer is discarded as well
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


codecs.register_error("escaped", lambda error: (json.dumps(error.object[error.start : error.end])[1:-1], error.end))  # type: ignore[attr-defined]


def use_streams() -> None:
    """Replace missing standard streams by /dev/null, ignore write errors on standard error, and escape characters that
    the output's encoding lacks as JSON does, so that JSON stays valid.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # each open() gets the lowest free descriptor
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    sys.stderr = _ClosableStream(sys.stderr)
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors in {"strict", "surrogateescape"}:
        sys.stdout.reconfigure(errors="escaped")


def as_file() -> TextIO:
    """Standard output for the content of a file, in UTF-8."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="strict")
    return sys.stdout


def ignore_closed_output() -> None:
    """Ignore write errors from now on: a mailing must not end because a log, a pipe or a terminal did."""
    sys.stdout, sys.stderr = (_ClosableStream(stream) for stream in (sys.stdout, sys.stderr))


def echo(text: str, style: str = "") -> None:
    """Print a result to standard output, in the user's language."""
    write(styled(text, style) + "\n", sys.stdout)


def remark(text: str, style: str = "", *, label: str = "") -> None:
    """Print a remark to standard error, in the user's language. With a ``label``, the style applies to it alone."""
    shown = styled(label, style, sys.stderr) + rendered(text) if label else styled(text, style, sys.stderr)
    write(shown + "\n", sys.stderr)


def write(text: str, stream: TextIO) -> None:
    """Write and flush: both streams may go to one log, and the process may be killed."""
    stream.write(text)
    stream.flush()


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """A sentence in the user's language, with escape codes for ``bold red`` and the like if the stream (by default
    standard output) supports them.
    """
    codes = ";".join(_CODES[word] for word in style.split())
    return f"\x1b[{codes}m{rendered(text)}\x1b[0m" if codes and colored(stream or sys.stdout) else rendered(text)


def colored(stream: TextIO) -> bool:
    """Whether the stream gets colours: a terminal that supports them, or FORCE_COLOR; never with NO_COLOR."""
    wanted = os.environ.get("FORCE_COLOR") or (stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"})
    return bool(wanted) and not os.environ.get("NO_COLOR")


def console(*, stderr: bool = False) -> Console:
    """A rich console for tables, bars and Markdown, which depend on the terminal's width."""
    from rich.console import Console  # most commands do not need it

    return Console(stderr=stderr, soft_wrap=True, highlight=False, emoji=False)


def table(heads: Sequence[str], rows: Iterable[Sequence[str | int]], right: Collection[int]) -> None:
    """Print a table to standard output; columns in ``right`` are right-aligned. Cells are already translated."""
    from rich.markup import escape
    from rich.table import Table

    from publisher.diagnostics.text import printable

    def cell(value: str | int) -> str:
        return f"{value:,}" if isinstance(value, int) else escape(printable(rendered(value)))

    drawn = Table(box=None, pad_edge=False)
    for at, head in enumerate(heads):
        drawn.add_column(cell(head), justify="right" if at in right else "left", no_wrap=not at)
    for row in rows:
        drawn.add_row(*map(cell, row))
    console().print(drawn)


def warn(text: str) -> None:
    """Print a warning to standard error, in the user's language."""
    remark(text, "yellow", label=say("warning: "))


def print_error(message: str, help: str | None = None) -> None:
    """Print an error to standard error: what failed in one line, what to do in another."""
    from publisher.diagnostics.text import printable

    for style, label, text in (("bold red", say("error: "), message), ("cyan", say("help: "), help)):
        if text:
            remark("\n".join(map(printable, rendered(text).split("\n"))), style, label=label)


def emit(value: Any) -> None:
    """Print the result as JSON; of an iterator a list, one element at a time."""
    if not isinstance(value, Iterator):
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
        return
    sign = "["
    for one in value:
        sys.stdout.write(f"{sign}\n  " + json.dumps(one, ensure_ascii=False, indent=2).replace("\n", "\n  "))
        sign = ","
    sys.stdout.write("[]\n" if sign == "[" else "\n]\n")


def plain(value: Any) -> Any:
    """Convert to JSON values: dataclasses and named tuples to objects, datetimes to ISO 8601."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value


def write_page(target: Path, page: str, option: str) -> None:
    """Write a page and print its path. Raises UsageError, naming the ``option`` for another path."""
    from publisher.documents.atomic import write_file

    advice = say("name another file with {option}", option=option)
    with refusal(say("{target} cannot be written", target=str(target)), advice):
        write_file(target, page.encode())
    echo(str(target))


def agreed(question: str, yes: bool, refusal: PublisherError | None = None) -> bool:
    """Whether ``yes`` is given or the user agrees; without a terminal True, or ``refusal`` raised if given."""
    if yes:
        return True
    if sys.stdin.isatty():
        write(f"{rendered(question)} [y/N] ", sys.stderr)
        return sys.stdin.readline().strip().lower() in {"y", "yes", "是"}
    if refusal:
        raise refusal
    return True


def show_findings(
    findings: Iterable[Diagnostic], root: Path | None = None, stream: TextIO | None = None, *, folded: bool = False
) -> None:
    """Print findings for people, by default to standard error; with ``folded``, many of one kind become one."""
    from publisher.diagnostics.text import render_text

    stream = stream or sys.stderr
    stream.write(render_text(findings, root, color=colored(stream), folded=folded))


class Bar:
    """A progress bar on standard error, removed at the end. Does nothing unless standard error is a terminal.

    With ``file`` it measures the bytes read of that file. A thread draws it from the first step on: only a process with
    one thread may fork (:func:`publisher.proofing.together.workers`).
    """

    def __init__(self, word: str, file: Path | None = None) -> None:
        self._bar = None
        if not sys.stderr.isatty() or (file and not file.is_file()):
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TimeRemainingColumn

        count = TaskProgressColumn() if file else MofNCompleteColumn()
        columns = ("{task.description}", BarColumn(), count, TimeRemainingColumn(), "{task.fields[note]}")
        self._bar = Progress(*columns, console=console(stderr=True), transient=True)
        self._task = self._bar.add_task(rendered(word), total=file.stat().st_size if file else None, note="")

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Remove the bar, so that others can write to the terminal."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def begin(self, word: str, count: int | None = None) -> None:
        """Start anew, with ``total`` steps."""
        if self._bar:
            self._bar.reset(self._task, description=rendered(word), total=count)
            self._bar.start()

    def total(self, count: int) -> None:
        """Set the number of steps."""
        if self._bar:
            self._bar.update(self._task, total=count)

    def step(self, count: int = 1) -> None:
        """Advance."""
        if self._bar:
            self._bar.advance(self._task, count)
            self._bar.start()

    def at(
        self, done: int, total: int | None = None, word: str | None = None, notes: Sequence[str] | None = None
    ) -> None:
        """Set progress and total, labelled ``word``; ``notes`` follow after the rate."""
        if self._bar:
            speed = self._bar.tasks[0].speed if notes is not None else None
            note = ", ".join([*([f"{speed:,.0f}/s"] if speed else []), *(notes or ())])
            self._bar.update(self._task, completed=done, total=total, description=word and rendered(word), note=note)
            self._bar.start()
