"""``publisher events``: feedback from a file of a provider's events, or from its queue."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from publisher.cli.console import console, error_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from publisher.config import Config
    from publisher.database import Database
    from publisher.delivery.tripwires import Tripped
    from publisher.feedback.apply import Applied

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="json is for machines.")]

commands = typer.Typer(no_args_is_help=True, help="Take in feedback: deliveries, bounces, complaints.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="events")


@commands.command("apply", epilog="Example: publisher events apply events.jsonl")
def apply(
    context: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="A file of events, an mbox, a Maildir, a message; - reads stdin.")
    ],
    format: Format = "text",
) -> None:
    """Apply a provider's events (JSON, raw or wrapped by SNS), or bounce and complaint reports as mail. Safe to repeat.

    Exits 1 when a line or a message is no event, or a tripwire went off; every other is applied all the same.
    """
    from publisher.audience.tokens import Tokens
    from publisher.errors import UsageError
    from publisher.feedback.apply import Applier
    from publisher.feedback.intake import apply_path, apply_stream

    config, database = _open(context)
    applier = Applier(database, config)

    def tokens() -> Tokens:
        return Tokens.open(config)

    try:
        with _bar(path) as progress:
            if path == "-":
                apply_stream(applier, sys.stdin.buffer, tokens)
            else:
                apply_path(applier, Path(path), tokens, progress)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}",
            help="name a file of events or a mailbox, or - to read stdin",
        ) from None
    _finish(config, database, applier.applied, format, path if path != "-" else "standard input")


@commands.command("pull", epilog="Example: publisher events pull --follow")
def pull(
    context: typer.Context,
    queue: Annotated[
        str | None, typer.Option("--queue", metavar="URL", help="Instead of delivery.ses.events_queue.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more until stopped with Ctrl-C.")] = False,
    format: Format = "text",
) -> None:
    """Take in what lies in the SQS queue. An event is deleted there only after our own commit."""
    from publisher.feedback.apply import Applier

    config, database = _open(context)
    applier = Applier(database, config)
    try:
        drain_queue(applier, config, queue, follow=follow)
    except KeyboardInterrupt:
        error_console.print("stopped; what was not committed is still in the queue")
    _finish(config, database, applier.applied, format, "the queue")


def drain_queue(applier: Any, config: Config, url: str | None = None, *, follow: bool = False) -> None:
    """Pull until the queue is empty, or for ever. Raises UsageError without a queue, ServiceError."""
    from publisher.errors import UsageError

    if not drain_any_queue(applier, config, url, follow=follow):
        raise UsageError("there is no queue to read", help="set delivery.ses.events_queue, or give --queue URL")


def drain_any_queue(applier: Any, config: Config, url: str | None = None, *, follow: bool = False) -> bool:
    """As :func:`drain_queue`; False where no provider has a queue. Raises ServiceError."""
    from publisher.feedback.intake import take_in
    from publisher.providers import first

    pull = first(config, lambda provider: provider.queue(url))
    if pull is None:
        return False
    for _ in pull(lambda bodies: take_in(applier, bodies), follow):
        pass
    applier.settle_waiting()
    return True


def _open(context: typer.Context) -> tuple[Config, Database]:
    from publisher.config import load_config
    from publisher.database import open_database

    config = load_config(context.obj)
    return config, open_database(config)


@contextmanager
def _bar(path: str) -> Iterator[Callable[[int], None]]:
    """What to tell how many bytes of a file were read: a bar on a terminal."""
    if not error_console.is_terminal or not Path(path).is_file():
        yield lambda _bytes: None
        return
    from rich.progress import Progress

    with Progress(console=error_console, transient=True) as bar:
        task = bar.add_task("Applying", total=Path(path).stat().st_size)
        yield lambda read: bar.advance(task, read)


def _finish(config: Config, database: Database, applied: Applied, format: str, source: str) -> None:
    """Say what was done, call the alarm where there is one, and exit."""
    from publisher.delivery.tripwires import alert
    from publisher.feedback.alarms import tripped_by

    tripped = tripped_by(database, applied)
    note = alert(config, tripped)
    for where, why in applied.malformed:
        error_console.print(f"{source}: {where}: {why}", markup=False)
    if format == "json":
        sys.stdout.write(json.dumps(_as_json(applied, tripped), ensure_ascii=False, indent=2) + "\n")
    else:
        _print(applied)
    for trip in tripped:
        error_console.print(f"[bold red]{trip.name}:[/] ", end="")
        error_console.print(f"{trip.message}\n  {trip.help}", markup=False)
    if note:
        error_console.print(note, markup=False)
    if applied.faults or any(trip.stops for trip in tripped):
        raise typer.Exit(1)


def _as_json(applied: Applied, tripped: list[Tripped]) -> dict[str, Any]:
    return {
        "events": dict(sorted(applied.events.items())),
        "changed": applied.changed,
        "waiting": applied.waiting,
        "suppressed": dict(sorted((applied.suppressed).items())),
        "unknown": dict(sorted(applied.unknown.items())),
        "replies": applied.replies,
        "malformed": applied.faults,
        "faults": [{"where": where, "reason": why} for where, why in applied.malformed],
        "tripwires": [{"name": t.name, "issue": t.issue, "message": t.message} for t in tripped],
    }


def _print(applied: Applied) -> None:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(applied.events.items())) or "no events"
    console.print(f"{kinds}; {applied.changed} recipients changed", markup=False)
    for reason, count in sorted(applied.suppressed.items()):
        if count:
            console.print(f"suppressed: {count} ({reason})", markup=False)
    if applied.waiting:
        console.print(f"{applied.waiting} fit no recipient yet; they are kept and tried again", markup=False)
    for name, count in sorted(applied.unknown.items()):
        console.print(f"unknown kind, kept: {name} ({count})", markup=False)
    if applied.replies:
        console.print(f"{applied.replies} automatic replies, which say nothing of our mail")
    if applied.faults > len(applied.malformed):
        console.print(f"{applied.faults} are no events; the first {len(applied.malformed)} are named above")
