"""``publisher subscribers import|add``: who comes in, by whose word, and the mail that asks them to confirm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.frame import Format, config_of, opened
from publisher.cli.output import Bar, complain, emit, number_of, put, tell
from publisher.cli.subscribers import Person, commands, numbers
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.audience.csvfile import RowError
    from publisher.audience.importing import Survey
    from publisher.config import Config
    from publisher.database import Database

Series = Annotated[
    list[str] | None, typer.Option("--series", metavar="NAME", help="Start the confirmed on it now; may be repeated.")
]


@commands.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A header row with at least email.")],
    skip_invalid: Annotated[bool, typer.Option("--skip-invalid", help="Import the valid rows all the same.")] = False,
    pending: Annotated[bool, typer.Option("--pending", help="Ask each person to confirm first.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Of a file that is not UTF-8: gb18030, cp1252…")] = None,
    status: Annotated[
        list[str] | None, typer.Option(metavar="VALUE=MEANING", help="What a value, or a column, says; see the docs.")
    ] = None,
    series: Series = None,
    format: Format = "text",
) -> int:
    """Bring in a CSV file, or the export of another tool as it is.

    You vouch for these people's consent: they are confirmed, with the file and line as evidence, unless --pending asks
    each. Who unsubscribed, is suppressed or was erased stays so, here and in the file. Safe to repeat.
    """
    from publisher.audience import importing
    from publisher.audience.csvfile import RowError

    problems: list[RowError] = []

    def hear(problem: RowError) -> None:
        if format == "text":
            tell(f"{file}:{problem.line}: {problem.message}")
        elif len(problems) < MOST_PROBLEMS:
            problems.append(problem)

    config = config_of(context)
    answers = _answers(status or [])
    with Bar("Reading", file) as bar:
        declared = config.audience.attributes
        found = importing.survey(
            file, encoding=encoding, answers=answers, declared=declared, complain=hear, progress=bar.at
        )
    for question in found.questions:
        hear(RowError(1, question))
    if found.broken or found.questions or (found.invalid and not skip_invalid):
        _print_import(format, found, None, problems)
        return 1
    with opened(context, config) as (_, database):
        with Bar("Writing", file) as bar:
            names = _series(config, database, series)
            tally = importing.write(database, found, pending=pending, series=names, progress=bar.at)
        with database.connect() as connection:
            if database.dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA cache_size=-4096")  # KiB; the sorting of all takes as much again
            now = numbers(connection)
        _print_import(format, found, tally, problems, now)
        return _ask(config, database) if pending else 0


def _answers(options: list[str]) -> dict[str, Any]:
    """``Gone=unsubscribed`` → the value or column, and what it says."""
    from publisher.audience.standing import ImportStatus

    found = {}
    for option in options:
        said, _, meaning = option.rpartition("=")
        if meaning not in set(ImportStatus) or "=" not in option:
            way = f"write VALUE=MEANING; a meaning is {', '.join(ImportStatus)}"
            raise UsageError(f"--status {option!r} does not say what a value means", help=way)
        found[said] = ImportStatus(meaning)
    return found


def _series(config: Config, database: Database, named: list[str] | None) -> list[str]:
    """The series ``named``. Raises UsageError for one without a ready step."""
    from publisher.audience.series import known_series
    from publisher.delivery.series import ready_series

    with database.connect() as connection:
        known = ready_series(config) | known_series(connection)
    for name in named or ():
        if name not in known:
            there = f"there are {', '.join(sorted(known))}" if known else "write series/NAME/01-SLUG.md, status: ready"
            raise UsageError(f"there is no series {name} with a ready step", help=there)
    return named or []


MOST_PROBLEMS = 1000
"""In JSON; ``invalid`` counts them all."""


def _print_import(
    format: str,
    found: Survey,
    tally: Counter[str] | None,
    problems: list[RowError],
    now: Mapping[str, int] = MappingProxyType({}),
) -> None:
    written = {word: tally[word] if tally else 0 for word in ("added", "updated", "unchanged")}
    skipped = {word: number for word, number in sorted((tally or {}).items()) if word not in written}
    if format == "json":
        counts = {"rows": found.rows, **written, "skipped": skipped}
        if tally is not None:
            counts |= {"mailable": now["mailable"]}
        about = {"file": found.file.path.name, "encoding": found.file.encoding, "recognised": found.tool}
        warnings = [text if line == 1 else f"line {line}: {text}" for line, text in found.warnings]
        listed = [{"line": problem.line, "message": problem.message} for problem in problems]
        emit(about | counts | {"invalid": found.invalid, "problems": listed, "warnings": warnings})
        return
    for line, warning in found.warnings:
        tell(f"{found.file.path}:{line}: {warning}")
    if tally is None and found.questions and not found.broken:
        way = "say what each means, as --status 'VALUE=unsubscribed' (or confirmed, pending, bounced, complained, "
        way += "blocked, skip); --status 'COLUMN=confirmed' where a column is not about who may be mailed"
        complain("who may be mailed is not clear; nothing was written", way)
        return
    if tally is None:
        what = "the file" if found.broken else f"{found.invalid:,} of {found.rows:,} rows"
        way = "correct the file" if found.broken else "correct them, or import the rest with --skip-invalid"
        complain(f"{what} cannot be imported; nothing was written", way)
        return
    if found.tool not in {"csv", "publisher"}:
        tell(f"Read as an export of {found.tool.capitalize()}.")
    if not found.file.encoding.startswith("utf-8"):
        tell(f"Read as {found.file.encoding}.")
    done, left = (", ".join(f"{number:,} {word}" for word, number in some.items()) for some in (written, skipped))
    put(f"{number_of(tally.total(), 'row')}: {done}" + (f"; skipped: {left}" if left else ""))
    others = [f"{now[word]:,} {word}" for word in ("pending", "unsubscribed", "paused", "suppressed") if now[word]]
    put(f"{now['mailable']:,} can be mailed now" + (f"; besides {', '.join(others)}" if others else ""))


@commands.command()
def add(
    context: typer.Context,
    address: Person,
    name: Annotated[str, typer.Option(help="What to call them.")] = "",
    language: Annotated[str | None, typer.Option(help="BCP 47, as zh-CN.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name, as Asia/Shanghai.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="May be given again.")] = None,
    pending: Annotated[bool, typer.Option("--pending", help="Ask them to confirm first.")] = False,
    series: Series = None,
) -> int:
    """Add one person, whose consent you vouch for. With --series, one who is there already starts on it."""
    from publisher.audience.importing import add as enter

    with opened(context) as (config, database):
        about: dict[str, Any] = {"name": name, "language": language, "timezone": timezone}
        names = _series(config, database, series)
        person = enter(database, address, **about, topics=topic or (), pending=pending, series=names)
        done = f"on the way through {', '.join(names)}" if names else "added"
        put("added, to be confirmed" if person.state == "pending" else done)
        return _ask(config, database) if pending else 0


def _ask(config: Config, database: Database) -> int:
    """Mail a confirmation to the pending who were never asked; the exit status."""
    from publisher.web import outbox

    with database.begin() as connection:
        outbox.enter_unasked(connection)
    return deliver(config, database, "asked to confirm")


def deliver(config: Config, database: Database, done: str) -> int:
    """Mail what waits in the outbox of confirmations, and say how many are ``done``; the exit status."""
    from publisher.audience.tokens import Tokens
    from publisher.web import outbox
    from publisher.web.confirmation import ConfirmationMailer

    with database.connect() as connection:
        waiting = outbox.pending(connection)
    mailer = ConfirmationMailer(config, Tokens.open(config), database)
    try:
        mailer.deliver()
    finally:
        mailer.stop()
        with database.connect() as connection:
            left = outbox.pending(connection)
        tell(f"{waiting - left:,} {done}")
    if left:
        complain(f"{left:,} confirmation mails wait", "serve and the next publish send them; nobody is asked twice")
    return int(left > 0)
