"""Import a CSV file: read it through once to find what is wrong, then again to write, a batch a transaction.

So a file with a bad line changes nothing, a reader's one-click unsubscription never waits for more than a batch, memory
does not grow with the file, and an import that was cut short is simply run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from publisher.audience.columns import ColumnError, Columns, ImportRow
from publisher.audience.csvfile import CsvFile, RowError
from publisher.audience.merging import RowOutcome, write_batch
from publisher.audience.vocabulary import ImportStatus
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
    columns: Columns | None
    """None where the header cannot be used."""
    rows: int
    invalid: int
    broken: bool
    """The file cannot be read to its end, or has no usable header: it cannot be imported at all."""
    questions: list[str] = field(default_factory=list)
    """What the operator has to say about who may be mailed, before anything is imported."""

    @property
    def tool(self) -> str:
        """Whose export it is; ``csv`` where that is not known."""
        return self.columns.tool if self.columns else "csv"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the header."""
        return self.columns.warnings if self.columns else ()


@dataclass(slots=True)
class Tally:
    """What became of the rows, as an import counts them; they add up to ``rows``."""

    rows: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """By reason: invalid, unsubscribed, suppressed, forgotten, not subscribed."""

    def count(self, outcome: RowOutcome) -> None:
        """Enter the outcome of a row."""
        self.rows += 1
        if outcome is RowOutcome.ADDED:
            self.added += 1
        elif outcome is RowOutcome.UPDATED:
            self.updated += 1
        elif outcome is RowOutcome.UNCHANGED:
            self.unchanged += 1
        else:
            self.skipped[outcome.value] += 1


def survey(
    path: Path,
    *,
    encoding: str | None = None,
    answers: Mapping[str, ImportStatus] | None = None,
    complain: Callable[[Problem], None],
    progress: Callable[[int], None] = lambda _: None,
) -> Survey:
    """Read the whole file, writing nothing; ``complain`` hears of each problem. Raises UsageError: no such file.

    ``answers``: what a value, or a column, says about who may be mailed, where that is not known.
    """
    file = CsvFile.open(path, encoding)
    rows = invalid = 0
    columns, questions = None, list[str]()
    try:
        lines = file.rows(progress)
        columns = _columns(lines, answers)
        for line, row in lines:
            rows += 1
            try:
                columns.check(line, row)
                columns.standings.observe(row)
            except ValueError as error:
                invalid += 1
                complain(Problem(line, str(error)))
        questions = columns.standings.questions(path.stem)
    except RowError as error:
        complain(Problem(error.line, error.message))
        return Survey(file, columns, rows, invalid + 1, broken=True)
    return Survey(file, columns, rows, invalid, broken=False, questions=questions)


def write(
    database: Database, found: Survey, *, pending: bool = False, progress: Callable[[int], None] = lambda _: None
) -> Tally:
    """Write the file's valid rows. ``pending``: each still has to confirm."""
    tally = Tally()
    lines = found.file.rows(progress)
    next(lines)
    assert found.columns, "a file without a usable header is broken"
    assert not found.questions, "nobody is confirmed because a word was not understood"
    entries = _entries(found.columns, lines, tally)
    source = {"file": found.file.path.name, "sha256": found.file.digest}
    while batch := list(islice(entries, BATCH)):
        for outcome in _write(database, batch, source, pending):
            tally.count(outcome)
    return tally


def _write(database: Database, batch: list[ImportRow], source: dict[str, str], pending: bool) -> list[RowOutcome]:
    # On PostgreSQL somebody may subscribe between our look and our insert; the second look sees them.
    for _ in range(3):
        with suppress(IntegrityError), database.begin() as connection:
            return write_batch(connection, batch, source=source, pending=pending)
    raise DatabaseError("the same subscribers are being written by another command", help="run the import again")


def _columns(lines: Iterator[tuple[int, list[str]]], answers: Mapping[str, ImportStatus] | None) -> Columns:
    line, header = next(lines, (1, []))
    try:
        return Columns.of(header, answers)
    except ColumnError as error:
        raise RowError(line, str(error)) from None


def _entries(columns: Columns, lines: Iterator[tuple[int, list[str]]], tally: Tally) -> Iterator[ImportRow]:
    for line, row in lines:
        try:
            yield columns.entry(line, row)
        except ValueError:
            tally.rows += 1
            tally.skipped["invalid"] += 1
