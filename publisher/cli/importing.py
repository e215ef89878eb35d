"""``publisher subscribers import|add``: add subscribers, with evidence of their consent, and ask them to confirm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.frame import Format, config_of, opened
from publisher.cli.output import Bar, echo, emit, print_error, remark
from publisher.cli.subscribers import Person, commands, numbers
from publisher.diagnostics import counted, listed, rendered, say
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.audience.csvfile import RowError
    from publisher.audience.importing import Survey
    from publisher.config import Config
    from publisher.database import Database

Series = Annotated[
    list[str] | None,
    typer.Option("--series", metavar="NAME", help="Start confirmed subscribers on this series now; may be repeated."),
]


@commands.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A file whose header has at least email.")],
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Import the valid rows and skip the others.")
    ] = False,
    pending: Annotated[bool, typer.Option("--pending", help="Ask each person to confirm first.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Encoding, if not UTF-8: gb18030, cp1252…")] = None,
    status: Annotated[
        list[str] | None, typer.Option(metavar="VALUE=MEANING", help="What a status value or column means; see docs.")
    ] = None,
    series: Series = None,
    format: Format = "text",
) -> int:
    """Import subscribers from a CSV file, or from another tool's unchanged export.

    You vouch for their consent: they are confirmed, with file and line as evidence, unless --pending asks each one.
    Anyone who unsubscribed, is suppressed or was erased, here or in the file, stays so. Safe to repeat.
    """
    from publisher.audience import importing
    from publisher.audience.csvfile import RowError

    problems: list[RowError] = []

    def hear(problem: RowError) -> None:
        if format == "text":
            remark(f"{file}:{problem.line}: {rendered(problem.message)}")
        elif len(problems) < MOST_PROBLEMS:
            problems.append(problem)

    config = config_of(context)
    answers = _answers(status or [])
    with Bar(say("Reading"), file) as bar:
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
        with Bar(say("Writing"), file) as bar:
            names = _series(config, database, series)
            tally = importing.write(database, found, pending=pending, series=names, progress=bar.at)
        with database.connect() as connection:
            if database.dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA cache_size=-4096")  # KiB; SQLite's sorter takes as much again
            now = numbers(connection)
        _print_import(format, found, tally, problems, now)
        return _ask(config, database) if pending else 0


def _answers(options: list[str]) -> dict[str, Any]:
    """Parse ``Gone=unsubscribed`` into the value or column and its meaning."""
    from publisher.audience.standing import ImportStatus

    found = {}
    for option in options:
        said, _, meaning = option.rpartition("=")
        if meaning not in set(ImportStatus) or "=" not in option:
            way = say("write VALUE=MEANING; a meaning is {words}", words=listed(ImportStatus))
            raise UsageError(say("--status {option!r} does not say what a value means", option=option), help=way)
        found[said] = ImportStatus(meaning)
    return found


def _series(config: Config, database: Database, named: list[str] | None) -> list[str]:
    """Load the series ``named``. Raises UsageError for one without a ready step."""
    from publisher.audience.series import known_series
    from publisher.delivery.series import ready_series

    with database.connect() as connection:
        known = ready_series(config) | known_series(connection)
    for name in named or ():
        if name not in known:
            none = say("write series/NAME/01-SLUG.md, status: ready")
            there = say("there are {names}", names=listed(sorted(known))) if known else none
            raise UsageError(say("there is no series {name} with a ready step", name=name), help=there)
    return named or []


MOST_PROBLEMS = 1000
"""Maximum number of problems listed in JSON; ``invalid`` counts all."""


def _print_import(
    format: str,
    found: Survey,
    tally: Counter[str] | None,
    problems: list[RowError],
    now: Mapping[str, int] = MappingProxyType({}),
) -> None:
    from publisher.delivery.states import numbered, standing

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
        remark(f"{found.file.path}:{line}: {rendered(warning)}")
    if tally is None and found.questions and not found.broken:
        way = say(
            "say what each means, as --status 'VALUE=unsubscribed' (or confirmed, pending, bounced, complained, "
            "blocked, skip); --status 'COLUMN=confirmed' where a column is not about who may be mailed"
        )
        print_error(say("who may be mailed is not clear; nothing was written"), way)
        return
    if tally is None:
        rows = counted("{wrong:,} of {n:,} row", "{wrong:,} of {n:,} rows", found.rows, wrong=found.invalid)
        what = say("the file") if found.broken else rows
        way = say("correct the file") if found.broken else say("correct them, or import the rest with --skip-invalid")
        print_error(say("{what} cannot be imported; nothing was written", what=what), way)
        return
    if found.tool not in {"csv", "publisher"}:
        remark(say("Read as an export of {tool}.", tool=found.tool.capitalize()))
    if not found.file.encoding.startswith("utf-8"):
        remark(say("Read as {encoding}.", encoding=found.file.encoding))
    rows = counted("{n:,} row", "{n:,} rows", tally.total())
    done, left = numbered(written, standing), numbered(skipped, standing)
    told = say("{rows}: {done}; skipped: {left}", rows=rows, done=done, left=left)
    echo(told if left else say("{rows}: {done}", rows=rows, done=done))
    others = {word: now[word] for word in ("pending", "unsubscribed", "paused", "suppressed") if now[word]}
    more = numbered(others, standing)
    besides, alone = say("{n:,} can be mailed now; besides {others}"), say("{n:,} can be mailed now")
    echo(say(besides if others else alone, n=now["mailable"], others=more))


@commands.command()
def add(
    context: typer.Context,
    address: Person,
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    language: Annotated[str | None, typer.Option(help="A BCP 47 tag, such as zh-CN.")] = None,
    timezone: Annotated[str | None, typer.Option(help="An IANA name, such as Asia/Shanghai.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="A topic to subscribe to; repeatable.")] = None,
    pending: Annotated[bool, typer.Option("--pending", help="Ask them to confirm first.")] = False,
    series: Series = None,
) -> int:
    """Add one person whose consent you vouch for. With --series, an existing subscriber starts on it."""
    from publisher.audience.importing import add as enter

    with opened(context) as (config, database):
        about: dict[str, Any] = {"name": name, "language": language, "timezone": timezone}
        names = _series(config, database, series)
        person = enter(database, address, **about, topics=topic or (), pending=pending, series=names)
        done = say("on the way through {names}", names=listed(names)) if names else say("added")
        echo(say("added, to be confirmed") if person.state == "pending" else done)
        return _ask(config, database) if pending else 0


def _ask(config: Config, database: Database) -> int:
    """Mail a confirmation to pending subscribers who have not been asked; return the exit status."""
    from publisher.web import outbox

    with database.begin() as connection:
        outbox.enter_unasked(connection)
    return deliver(config, database, say("{n:,} asked to confirm"))


def deliver(config: Config, database: Database, done: str) -> int:
    """Mail the waiting confirmations and report their number with the sentence ``done``; return the exit status."""
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
        remark(say(done, n=waiting - left))
    if left:
        advice = say("serve and the next publish send them; nobody is asked twice")
        print_error(counted("{n:,} confirmation mail waits", "{n:,} confirmation mails wait", left), advice)
    return int(left > 0)
