"""Add subscribers: a single one, or those of a CSV file.

A file is read once to find its faults and once more to write it, one transaction per batch. So a file with a bad line
changes nothing, a one-click unsubscription never waits for more than a batch, memory does not grow with the file, and
an interrupted import can simply be run again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from publisher.audience import store
from publisher.audience.address import Address
from publisher.audience.columns import NO_EMAIL, ColumnError, Columns, ImportRow, language_tag, time_zone
from publisher.audience.csvfile import CsvFile, RowError
from publisher.audience.merging import RowOutcome, write_batch
from publisher.audience.model import ConsentSource, ConsentState, Subscriber
from publisher.audience.series import enrol
from publisher.audience.standing import ImportStatus
from publisher.audience.suppressions import erased_among, suppression
from publisher.config.audience import AttributeConfig
from publisher.config.values import composed
from publisher.database import Database
from publisher.database.failures import despite_conflicts
from publisher.diagnostics import message_of, say
from publisher.errors import UsageError

BATCH = 4_000
"""Rows per transaction: other writers wait a tenth of a second for one."""
_BY_FORM = say("they can subscribe by the form themselves")


@dataclass(frozen=True, slots=True)
class Survey:
    """Findings about a file before anything is written; no message quotes an address."""

    file: CsvFile
    columns: Columns | None
    """None if the header cannot be used."""
    rows: int
    invalid: int
    broken: bool
    """The file cannot be read to its end or has no usable header, and cannot be imported."""
    questions: list[str] = field(default_factory=list)
    """Questions about who may be mailed that the operator must answer before the import."""

    @property
    def tool(self) -> str:
        """The tool that exported the file; ``csv`` if it is not recognised."""
        return self.columns.tool if self.columns else "csv"

    @property
    def warnings(self) -> tuple[tuple[int, str], ...]:
        """Warnings about the file, each with its line number."""
        return self.columns.warnings if self.columns else ()


def survey(
    path: Path,
    *,
    encoding: str | None = None,
    answers: Mapping[str, ImportStatus] | None = None,
    declared: Mapping[str, AttributeConfig] | None = None,
    complain: Callable[[RowError], None],
    progress: Callable[[int], None] = lambda _: None,
) -> Survey:
    """Read the file without writing; ``complain`` is called with each problem. Raises UsageError: no such file.

    ``answers``: the status that a value or a column stands for. ``declared``: attributes whose values are checked.
    """
    file = CsvFile.open(path, encoding)
    rows = invalid = 0
    columns, questions = None, list[str]()
    try:
        lines = file.rows(progress)
        columns = _columns(lines, answers, declared)
        for line, row in lines:
            rows += 1
            try:
                columns.survey(line, row)
            except ValueError as error:
                invalid += 1
                complain(RowError(line, message_of(error)))
        questions = columns.standings.questions(path.stem)
    except RowError as error:
        complain(error)
        return Survey(file, columns, rows, invalid + 1, broken=True)
    return Survey(file, columns, rows, invalid, broken=False, questions=questions)


def write(
    database: Database,
    found: Survey,
    *,
    pending: bool = False,
    series: Collection[str] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Counter[str]:
    """Write the valid rows; return how many had each :class:`RowOutcome`, and how many were ``invalid``.

    ``pending``: all still have to confirm. Those who are confirmed afterwards are enrolled in ``series``.
    """
    tally = Counter[str]()
    lines = found.file.rows(progress)
    next(lines)
    assert found.columns, "a file without a usable header is broken"
    assert not found.questions, "nobody is confirmed because a word was not understood"
    entries = _entries(found.columns, lines, tally)
    source = {"file": found.file.path.name, "sha256": found.file.digest}
    with ThreadPoolExecutor(1) as reader:
        batch = list(islice(entries, BATCH))
        while batch:
            # Read ahead only while the database writes, which releases the GIL; earlier, both would compete for it.
            following = cache(lambda: reader.submit(lambda: list(islice(entries, BATCH))))
            tally.update(_write(database, batch, source=source, pending=pending, series=series, busy=following))
            batch = following().result()
    return tally


def _write(database: Database, batch: list[ImportRow], **options: Any) -> list[RowOutcome]:
    def attempt() -> list[RowOutcome]:
        with database.begin() as connection:
            return write_batch(connection, batch, **options)

    # On PostgreSQL a row may be inserted between our SELECT and our INSERT; a second try sees it.
    return despite_conflicts(attempt, tries=6)


def _columns(
    lines: Iterator[tuple[int, list[str]]],
    answers: Mapping[str, ImportStatus] | None,
    declared: Mapping[str, AttributeConfig] | None,
) -> Columns:
    line, header = next(lines, (1, []))
    try:
        return Columns.of(header, answers, declared)
    except ColumnError as error:
        _, row = next(lines, (0, []))
        told, names = message_of(error), [name for name, cell in zip(header, row, strict=False) if "@" in cell]
        if told == NO_EMAIL and any("." in cell.partition("@")[2] for cell in header):
            told = say("the first line holds an address, not the names of the columns: write email above it")
        elif len(names) == 1 and told == NO_EMAIL:
            told = say("the header has no column email; call {name!r} that, which holds addresses", name=names[0])
        raise RowError(line, told) from None


def _entries(columns: Columns, lines: Iterator[tuple[int, list[str]]], tally: Counter[str]) -> Iterator[ImportRow]:
    for line, row in lines:
        try:
            yield columns.entry(line, row)
        except ValueError:
            tally["invalid"] += 1


def add(
    database: Database,
    address: Address,
    *,
    name: str = "",
    language: str | None = None,
    timezone: str | None = None,
    topics: Iterable[str] = (),
    pending: bool = False,
    series: Collection[str] = (),
) -> Subscriber:
    """Add a subscriber and enrol them in ``series``; an existing one is confirmed, unless ``pending``, and enrolled.

    Raises UsageError if that changes nothing, and if the person unsubscribed, is suppressed or was erased.
    """
    tag = zone = None
    if timezone and (zone := time_zone(timezone)) is None:
        advice = say("write an IANA name, such as Asia/Shanghai or UTC")
        raise UsageError(say("there is no time zone {timezone!r}", timezone=timezone), help=advice)
    if language and (tag := language_tag(language)) is None:
        raise UsageError(say("the language is not a BCP 47 tag"), help=say("write zh-CN, en or ja"))

    def attempt() -> Subscriber:
        with database.begin() as connection:
            if held := suppression(connection, address.mailbox_key):
                message = say("the address is suppressed ({reason})", reason=say(held.reason.value))
                raise UsageError(message, help=say("publisher suppressions remove takes it back"))
            if erased_among(connection, [address.mailbox_key]):
                raise UsageError(say("this person asked to be forgotten"), help=_BY_FORM)
            if known := store.find(connection, address):
                if known.state is ConsentState.UNSUBSCRIBED:
                    raise UsageError(say("this person has unsubscribed"), help=_BY_FORM)
                same = known.address_key == address.address_key
                vouched = same and not pending and store.confirm(connection, known, ConsentSource.COMMAND)
                if vouched or (series and known.state is ConsentState.CONFIRMED):
                    enrol(connection, [known.id], series, store.now())
                    return replace(known, state=ConsentState.CONFIRMED)
                if same:
                    advice = say("publisher subscribers show ADDRESS tells more")
                    raise UsageError(say("this person is a subscriber already"), help=advice)
            state = ConsentState.PENDING if pending else ConsentState.CONFIRMED
            added = store.add(
                connection, address, how=ConsentSource.COMMAND, state=state,
                name=name.strip(), language=tag, timezone=zone,
                topics=[word for topic in topics if (word := composed(topic).strip())],
            )  # fmt: skip
            enrol(connection, [added.id], series, store.now())
            return added

    return despite_conflicts(attempt)
