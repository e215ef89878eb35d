"""``publisher subscribers``: who gets the newsletter. Addresses are printed to standard output only, never logged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from publisher.cli import counting
from publisher.cli.console import complain, console, error_console

if TYPE_CHECKING:
    from publisher.audience.importing import Problem, Survey, Tally

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="json is for machines.")]
Person = Annotated[str, typer.Argument(metavar="ADDRESS", help="The subscriber's email address.")]

commands = typer.Typer(no_args_is_help=True, help="Import, export and look after the audience.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    counting.register(commands)
    app.add_typer(commands, name="subscribers")


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
    format: Format = "text",
) -> None:
    """Bring in a CSV file, or the export of another tool as it is.

    You vouch for these people's consent: they are confirmed, with the file and line as evidence, unless --pending asks
    each. Who unsubscribed, is suppressed or was erased stays so, here and in the file. Safe to repeat.
    """
    from publisher.audience import importing
    from publisher.config import load_config
    from publisher.database import open_database

    config = load_config(context.obj)
    problems: list[Problem] = []

    def hear(problem: Problem) -> None:
        if format == "text":
            error_console.print(f"{file}:{problem.line}: {problem.message}", markup=False)
        elif len(problems) < MOST_PROBLEMS:
            problems.append(problem)

    with _progress("Reading", file) as advance:
        answers = _answers(status or [])
        found = importing.survey(file, encoding=encoding, answers=answers, complain=hear, progress=advance)
    for question in found.questions:
        hear(importing.Problem(1, question))
    if found.broken or found.questions or (found.invalid and not skip_invalid):
        _print_import(format, found, None, problems)
        raise typer.Exit(1)
    database = open_database(config)
    with _progress("Writing", file) as advance:
        tally = importing.write(database, found, pending=pending, progress=advance)
    with database.connect() as connection:
        mailable = counting.numbers(connection)["mailable"]
    _print_import(format, found, tally, problems, mailable)
    if pending:
        _ask(config, database)


def _answers(options: list[str]) -> dict[str, Any]:
    """``Gone=unsubscribed`` → the value or column, and what it says."""
    from publisher.audience.vocabulary import Standing
    from publisher.errors import UsageError

    found = {}
    for option in options:
        said, _, meaning = option.rpartition("=")
        if meaning not in set(Standing) or "=" not in option:
            way = f"write VALUE=MEANING; a meaning is {', '.join(Standing)}"
            raise UsageError(f"--status {option!r} does not say what a value means", help=way)
        found[said] = Standing(meaning)
    return found


MOST_PROBLEMS = 1000
"""In JSON; ``invalid`` counts them all."""


def _print_import(
    format: str, found: Survey, tally: Tally | None, problems: list[Problem], mailable: int | None = None
) -> None:
    if format == "json":
        counts = {"rows": found.rows, "added": 0, "updated": 0, "unchanged": 0, "skipped": {}}
        if tally is not None:
            counts |= {"added": tally.added, "updated": tally.updated, "unchanged": tally.unchanged}
            counts |= {"skipped": dict(sorted(tally.skipped.items())), "mailable": mailable}
        about = {"file": found.file.path.name, "encoding": found.file.encoding, "recognised": found.tool}
        listed = [{"line": problem.line, "message": problem.message} for problem in problems]
        _print_json(about | counts | {"invalid": found.invalid, "problems": listed, "warnings": list(found.warnings)})
        return
    for warning in found.warnings:
        error_console.print(f"{found.file.path}:1: {warning}", markup=False)
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
        error_console.print(f"Read as an export of {found.tool.capitalize()}.")
    if not found.file.encoding.startswith("utf-8"):
        error_console.print(f"Read as {found.file.encoding}.")
    skipped = ", ".join(f"{number:,} {reason}" for reason, number in sorted(tally.skipped.items()))
    console.print(
        f"{tally.rows:,} rows: {tally.added:,} added, {tally.updated:,} updated, {tally.unchanged:,} unchanged"
        + (f"; skipped: {skipped}" if skipped else "")
    )
    console.print(f"{mailable:,} can be mailed now")


@commands.command("export")
def export(
    context: typer.Context,
    out: Annotated[Path | None, typer.Argument(metavar="FILE.csv", help="Default: standard output.")] = None,
) -> None:
    """Write every subscriber as CSV, oldest first; safe to open in a spreadsheet."""
    import os
    import tempfile

    from publisher.audience.exporting import export as write
    from publisher.errors import UsageError

    with _database(context).connect() as connection:
        if out is None:
            write(connection, sys.stdout)
            return
        try:
            handle, draft = tempfile.mkstemp(dir=out.absolute().parent, prefix=".export.")  # mode 600: addresses
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                number = write(connection, file)
            Path(draft).replace(out)
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}", help="name a file in a folder") from error
    error_console.print(f"{number:,} subscribers written to {out}", markup=False)


@commands.command("add")
def add(
    context: typer.Context,
    address: Person,
    name: Annotated[str, typer.Option(help="What to call them.")] = "",
    language: Annotated[str | None, typer.Option(help="BCP 47, as zh-CN.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="May be given again.")] = None,
    pending: Annotated[bool, typer.Option("--pending", help="Ask them to confirm first.")] = False,
) -> None:
    """Add one person, whose consent you vouch for."""
    from publisher.audience.administration import add as enter
    from publisher.config import load_config

    checked, database = _address(address), _database(context)
    enter(database, checked, name=name, language=language, topics=topic or (), pending=pending)
    console.print("added, to be confirmed" if pending else "added")
    if pending:
        _ask(load_config(context.obj), database)


@commands.command("remove")
def remove(context: typer.Context, address: Person) -> None:
    """Unsubscribe one person. The record stays, so that no import brings them back."""
    from publisher.audience import store
    from publisher.audience.model import How

    with _database(context).begin() as connection:
        subscriber = _found(connection, address)
        changed = store.unsubscribe(connection, subscriber, How.COMMAND)
    console.print("unsubscribed" if changed else "was unsubscribed already")


@commands.command("show")
def show(context: typer.Context, address: Person, format: Format = "text") -> None:
    """Everything that is stored about one person."""
    from publisher.audience.exporting import record
    from publisher.insights.person import mailings_of

    with _database(context).connect() as connection:
        subscriber = _found(connection, address)
        data = record(connection, subscriber) | {"mailings": mailings_of(connection, subscriber.reference)}
    if format == "json":
        _print_json(data)
        return
    past, mailings = data.pop("history"), data.pop("mailings")
    for key, value in data.items():
        if value not in (None, "", [], {}):
            console.print(f"{key:<14}{_plain(value)}", markup=False)
    console.print("history", markup=False)
    for entry in past:
        console.print(
            f"  {entry['at']}  {entry['change']} by {entry['how']}  {_plain(entry['evidence'])}", markup=False
        )
    if mailings:
        console.print("mailings", markup=False)
    for mailing in mailings:
        console.print(f"  {mailing.pop('issue')}  {_plain(mailing)}", markup=False)


@commands.command("erase")
def erase(
    context: typer.Context,
    address: Person,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget one person: everything goes but a salted hash, which keeps imports from bringing them back."""
    from publisher.audience.forgetting import erase as forget

    checked = _address(address)
    database = _database(context)
    if not yes and sys.stdin.isatty() and not typer.confirm("Forget this person? It cannot be undone"):
        raise typer.Exit(1)
    with database.begin() as connection:
        gone = forget(connection, checked)
    console.print("erased" if gone else "nothing was stored; the address will not be imported")


def _ask(config: Any, database: Any) -> None:
    """Mail a confirmation to the pending who were never asked."""
    from publisher.audience.tokens import Tokens
    from publisher.web import outbox
    from publisher.web.confirmation import Postman

    with database.begin() as connection:
        outbox.enter_unasked(connection)
        waiting = outbox.pending(connection)
    try:
        Postman(config, Tokens.open(config), database).deliver()
    finally:
        with database.connect() as connection:
            left = outbox.pending(connection)
        error_console.print(f"{waiting - left:,} asked to confirm")
    if left:
        complain(f"{left:,} confirmation mails wait", "serve and the next publish send them; nobody is asked twice")
        raise typer.Exit(1)


def _database(context: typer.Context) -> Any:
    from publisher.config import load_config
    from publisher.database import open_database

    return open_database(load_config(context.obj))


def _address(text: str) -> Any:
    from publisher.audience.address import AddressError, read_address
    from publisher.errors import UsageError

    try:
        return read_address(text)
    except AddressError as error:
        raise UsageError(str(error), help="write an address such as reader@example.com") from None


def _found(connection: Any, address: str) -> Any:
    from publisher.audience import store
    from publisher.errors import UsageError

    subscriber = store.find(connection, _address(address))
    if subscriber is None:
        raise UsageError("nobody with this address is stored", help="publisher subscribers export lists everybody")
    return subscriber


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {part}" for key, part in value.items())
    return str(value)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _progress(title: str, file: Path) -> Any:
    """A progress bar over the bytes of a file, on a terminal only; gives a function that takes the bytes so far."""
    from contextlib import contextmanager

    @contextmanager
    def bar() -> Any:
        if not error_console.is_terminal or not file.is_file():
            yield lambda _: None
            return
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=error_console, transient=True) as progress:
            task = progress.add_task(title, total=file.stat().st_size)
            yield lambda done: progress.update(task, completed=done)

    return bar()
