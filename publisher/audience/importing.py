"""Import a CSV file: read it through once to find what is wrong, then again to write, a batch a transaction.

So a file with a bad line changes nothing, a reader's one-click unsubscription never waits for more than a batch, memory
does not grow with the file, and an import that was cut short is simply run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from publisher.audience.columns import ColumnError, Columns, Entry
from publisher.audience.csvfile import CsvFile, RowError
from publisher.audience.merging import Outcome, write_batch
from publisher.database import Database
from publisher.errors import DatabaseError

BATCH = 5_000
"""Rows a transaction: a fifth of a second in which other writers wait."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line; never quotes an address."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds, before anything is written."""

    file: CsvFile
    tool: str
    rows: int
    invalid: int
    broken: bool
    """The file cannot be read to its end, or has no usable header: it cannot be imported at all."""


@dataclass(slots=True)
class Tally:
    """What became of the rows, as an import counts them; they add up to ``rows``."""

    rows: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """By reason: invalid, unsubscribed, suppressed, forgotten."""

    def count(self, outcome: Outcome) -> None:
        """Enter the outcome of a row."""
        self.rows += 1
        if outcome is Outcome.ADDED:
            self.added += 1
        elif outcome is Outcome.UPDATED:
            self.updated += 1
        elif outcome is Outcome.UNCHANGED:
            self.unchanged += 1
        else:
            self.skipped[outcome.value] += 1


def survey(
    path: Path,
    *,
    encoding: str | None = None,
    complain: Callable[[Problem], None],
    progress: Callable[[int], None] = lambda _: None,
) -> Survey:
    """Read the whole file, writing nothing; ``complain`` hears of each problem. Raises UsageError: no such file."""
    file = CsvFile.open(path, encoding)
    rows = invalid = 0
    broken, tool = False, "csv"
    try:
        lines = file.rows(progress)
        columns = _columns(lines)
        tool = columns.tool
        for line, row in lines:
            rows += 1
            try:
                columns.entry(line, row)
            except ValueError as error:
                invalid += 1
                complain(Problem(line, str(error)))
    except RowError as error:
        invalid, broken = invalid + 1, True
        complain(Problem(error.line, error.message))
    return Survey(file, tool, rows, invalid, broken)


def write(
    database: Database, found: Survey, *, pending: bool = False, progress: Callable[[int], None] = lambda _: None
) -> Tally:
    """Write the file's valid rows. ``pending``: each still has to confirm."""
    tally = Tally()
    lines = found.file.rows(progress)
    entries = _entries(_columns(lines), lines, tally)
    source = {"file": found.file.path.name, "sha256": found.file.digest}
    while batch := list(islice(entries, BATCH)):
        for outcome in _write(database, batch, source, pending):
            tally.count(outcome)
    return tally


def _write(database: Database, batch: list[Entry], source: dict[str, str], pending: bool) -> list[Outcome]:
    # On PostgreSQL somebody may subscribe between our look and our insert; the second look sees them.
    for _ in range(3):
        with suppress(IntegrityError), database.begin() as connection:
            return write_batch(connection, batch, source=source, pending=pending)
    raise DatabaseError("the same subscribers are being written by another command", help="run the import again")


def _columns(lines: Iterator[tuple[int, list[str]]]) -> Columns:
    line, header = next(lines, (1, []))
    try:
        return Columns.of(header)
    except ColumnError as error:
        raise RowError(line, str(error)) from None


def _entries(columns: Columns, lines: Iterator[tuple[int, list[str]]], tally: Tally) -> Iterator[Entry]:
    for line, row in lines:
        try:
            yield columns.entry(line, row)
        except ValueError:
            tally.rows += 1
            tally.skipped["invalid"] += 1
