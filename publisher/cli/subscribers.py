"""``publisher subscribers``: who gets the newsletter. Addresses are printed to standard output only, never logged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.frame import Bar, Format, Yes, agreed, app, complain, config_of, emit, opened, say, tell

if TYPE_CHECKING:
    from collections import Counter

    from sqlalchemy import Connection

    from publisher.audience.address import Address
    from publisher.audience.csvfile import RowError
    from publisher.audience.importing import Survey
    from publisher.audience.model import Subscriber
    from publisher.config import Config
    from publisher.database import Database


def _address(text: str) -> Any:
    from publisher.audience.address import AddressError, read_address
    from publisher.errors import UsageError

    try:
        return read_address(text)
    except AddressError as error:
        raise UsageError(str(error), help="write an address such as reader@example.com") from None


if TYPE_CHECKING:
    Person = Address
else:  # an argument of the command line, which the callback has made an Address
    Person = Annotated[str, typer.Argument(metavar="ADDRESS", callback=_address, help="An email address.")]

Series = Annotated[
    list[str] | None, typer.Option("--series", metavar="NAME", help="Start the confirmed on it now; may be repeated.")
]
commands = typer.Typer(no_args_is_help=True, help="Import, export and look after the audience.")
app.add_typer(commands, name="subscribers")


@commands.command("list")
def list_(context: typer.Context, format: Format = "text") -> None:
    """Every subscriber's address, a line each, oldest first."""
    from publisher.audience.store import everybody

    with opened(context) as (_, database), database.connect() as connection:
        found = everybody(connection)
        if format == "text":
            sys.stdout.writelines(f"{person.address}\n" for person in found)
            return
        rows = [
            {
                "email": person.address,
                "state": person.state.value,
                "name": person.name,
                "language": person.language,
                "topics": list(person.topics),
                "attributes": dict(person.attributes),
            }
            for person in found
        ]
    emit(rows)


@commands.command()
def count(
    context: typer.Context,
    segment: Annotated[
        str | None, typer.Option(metavar="EXPR", help='As audience: topic:weekly and city = "Rome".')
    ] = None,
    format: Format = "text",
) -> None:
    """How many can be mailed: the confirmed, not suppressed and not paused, each mailbox once."""
    from publisher.audience.segments import segment_clause
    from publisher.config.segments import SegmentError
    from publisher.errors import UsageError

    with opened(context) as (config, database), database.connect() as connection:
        try:
            chosen = segment_clause(segment, config.newsletter.language) if segment is not None else None
        except SegmentError as error:
            raise UsageError(f"--segment: {error}", help=error.help) from None
        found = _numbers(connection, chosen)
    if format == "text":
        print(found["mailable"])
    else:
        emit(found)


def _numbers(connection: Connection, chosen: Any = None) -> dict[str, int]:
    """Subscribers by state, the paused and the suppressed (in their state as well), and the mailable."""
    from publisher.audience import store
    from publisher.delivery import freeze

    return store.counts(connection, chosen) | {"mailable": freeze.preview(connection, "", chosen)[0]}


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
            mailable = _numbers(connection)["mailable"]
        _print_import(format, found, tally, problems, mailable)
        return _ask(config, database) if pending else 0


def _answers(options: list[str]) -> dict[str, Any]:
    """``Gone=unsubscribed`` → the value or column, and what it says."""
    from publisher.audience.standing import ImportStatus
    from publisher.errors import UsageError

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
    from publisher.errors import UsageError

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
    format: str, found: Survey, tally: Counter[str] | None, problems: list[RowError], mailable: int | None = None
) -> None:
    written = {word: tally[word] if tally else 0 for word in ("added", "updated", "unchanged")}
    skipped = {word: number for word, number in sorted((tally or {}).items()) if word not in written}
    if format == "json":
        counts = {"rows": found.rows, **written, "skipped": skipped}
        if tally is not None:
            counts |= {"mailable": mailable}
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
    say(f"{tally.total():,} rows: {done}" + (f"; skipped: {left}" if left else ""))
    say(f"{mailable:,} can be mailed now")


@commands.command()
def export(
    context: typer.Context,
    out: Annotated[Path | None, typer.Argument(metavar="FILE.csv", help="Default: standard output.")] = None,
) -> None:
    """Write every subscriber as CSV, oldest first; safe to open in a spreadsheet."""
    from io import TextIOWrapper

    from publisher.audience.own import export as write
    from publisher.documents.atomic import replacing
    from publisher.errors import UsageError

    with opened(context) as (_, database), database.connect() as connection:
        if out is None:
            write(connection, sys.stdout)
            return
        try:
            with replacing(out.absolute()) as file, TextIOWrapper(file, "utf-8", newline="") as text:
                number = write(connection, text)
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}", help="name a file in a folder") from error
    tell(f"{number:,} subscribers written to {out}")


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
        enter(database, address, **about, topics=topic or (), pending=pending, series=names)
        done = f"on the way through {', '.join(names)}" if names else "added"
        say("added, to be confirmed" if pending else done)
        return _ask(config, database) if pending else 0


@commands.command()
def remove(context: typer.Context, address: Person) -> None:
    """Unsubscribe one person. The record stays, so that no import brings them back."""
    from publisher.audience import store
    from publisher.audience.model import ConsentSource

    with opened(context) as (_, database), database.begin() as connection:
        subscriber = _found(connection, address)
        changed = store.unsubscribe(connection, subscriber, ConsentSource.COMMAND)
    say("unsubscribed" if changed else "was unsubscribed already")


@commands.command()
def show(context: typer.Context, address: Person, format: Format = "text") -> None:
    """Everything that is stored about one person."""
    from publisher.audience.own import record
    from publisher.insights.store import mailings_of

    with opened(context) as (_, database), database.connect() as connection:
        subscriber = _found(connection, address)
        data = record(connection, subscriber) | {"mailings": mailings_of(connection, subscriber.reference)}
    if format == "json":
        emit(data)
        return
    past, mailings = data.pop("history"), data.pop("mailings")
    for key, value in data.items():
        if value not in (None, "", [], {}):
            say(f"{key:<14}{_plain(value)}")
    say("history")
    for entry in past:
        say(f"  {entry['at']}  {entry['change']} by {entry['how']}  {_plain(entry['evidence'])}")
    if mailings:
        say("mailings")
    for mailing in mailings:
        say(f"  {mailing.pop('issue')}  {_plain(mailing)}")


@commands.command()
def erase(context: typer.Context, address: Person, yes: Yes = False) -> int:
    """Forget one person: everything goes but a salted hash, which keeps imports from bringing them back."""
    from publisher.audience.suppressions import erase as forget

    with opened(context) as (_, database):
        if not agreed("Forget this person? It cannot be undone", yes):
            return 1
        with database.begin() as connection:
            gone = forget(connection, address)
    say("erased" if gone else "nothing was stored; the address will not be imported")
    return 0


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


def _found(connection: Connection, address: Person) -> Subscriber:
    from publisher.audience import store
    from publisher.errors import UsageError

    subscriber = store.find(connection, address)
    if subscriber is None:
        raise UsageError("nobody with this address is stored", help="publisher subscribers export lists everybody")
    return subscriber


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(part)}" for key, part in value.items())
    return str(value)
