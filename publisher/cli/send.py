"""``publisher send``, ``hold``, ``pause``, ``resume``, ``cancel``: mail an issue, and control a mailing."""

from datetime import timedelta
from typing import Annotated, Literal

import typer

from publisher.cli.frame import Issue, Yes, app, examples, opened
from publisher.cli.output import agreed, echo, ignore_closed_output, remark
from publisher.diagnostics import say
from publisher.errors import UsageError


@app.command(epilog=examples("publisher send 2024-12-29-weekly --dry-run"))
def send(
    context: typer.Context,
    issue: Issue,
    more: Annotated[list[str] | None, typer.Argument(metavar="ADDR", help="More addresses for --test.")] = None,
    test: Annotated[
        list[str] | None, typer.Option(metavar="ADDR…", help="Send only a test, marked as such, to ADDR.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count who would get it; write and send nothing.")] = False,
    spread: Annotated[
        str | None, typer.Option(metavar="TIME", help="Spread the remaining mail over TIME, such as 90m or 2h.")
    ] = None,
    correction: Annotated[
        bool, typer.Option("--correction", help="Deliberately mail a changed edition to everybody again.")
    ] = False,
    alone: Annotated[
        bool, typer.Option("--alone", help="Send this issue to everybody, without its translations.")
    ] = False,
    late: Annotated[
        bool, typer.Option("--late", help="Send it after its translations, to readers who got none of them.")
    ] = False,
    despite_tripwires: Annotated[
        bool, typer.Option("--despite-tripwires", help="Continue even if a tripwire says that a reader has two copies.")
    ] = False,
    without_archive: Annotated[
        bool, typer.Option("--without-archive", help="Do not read or record in the archive whether it was mailed.")
    ] = False,
    yes: Yes = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="json is one object per line.")] = "text",
) -> int:
    """Mail an issue to its audience, or continue where it stopped. Running it again sends nothing twice.

    Exits 0 if every recipient is submitted or excluded; 1 if some are rejected, uncertain or left for later; 2 if it
    could not run. Ctrl-C finishes the calls in flight and records them; a second Ctrl-C does not wait.
    """
    from publisher.cli import sending
    from publisher.delivery.send import Options

    if more and not test:
        raise UsageError(say("addresses are given with --test"), help=say("write --test ADDR"))
    ignore_closed_output()
    left = timedelta(seconds=_seconds(spread) if spread is not None else 0)
    options = Options(spread=left, correction=correction, despite_tripwires=despite_tripwires)
    command = sending.Sending(
        context, issue, options, alone=alone, late=late, without_archive=without_archive, yes=yes, json=format == "json"
    )
    return command.run([*(test or ()), *(more or ())], dry_run=dry_run)


def _seconds(text: str) -> float:
    """Parse ``90m`` into 5400.0."""
    number, unit = text[:-1], text[-1:]
    try:
        seconds = float(number) * {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}[unit]
    except (KeyError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 7 * 86400:
        advice = say("write a number and s, m, h or d, such as 2h")
        raise UsageError(say("the value of {name} is not one that it can have", name="--spread"), help=advice)
    return seconds


@app.command(epilog=examples(
    'publisher hold 2024-12-29-weekly --why "the lead is not confirmed"',
    "publisher hold 2024-12-29-weekly --release",
))  # fmt: skip
def hold(
    context: typer.Context,
    issue: Issue,
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, shown by plan and publish.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Release the hold.")] = False,
) -> None:
    """Keep publish from mailing an issue, until --release.

    Mail already sent is not recalled; to stop a running mailing, use publisher pause or cancel.
    """
    from publisher.publishing.store import hold as hold_back
    from publisher.publishing.store import release as let_go

    with opened(context) as (config, database):
        echo(let_go(config, database, issue) if release else hold_back(config, database, issue, why))


@app.command(epilog=examples("publisher pause 2024-12-29-weekly"))
def pause(context: typer.Context, issue: Issue) -> None:
    """Pause a mailing after the calls in flight, until publisher resume."""
    told = _set(context, issue, "paused")
    echo(say("{slug} is paused: {counts}", slug=issue, counts=told))
    remark(say("publisher resume {slug}, then publisher send {slug}, carries on", slug=issue))


@app.command(epilog=examples("publisher resume 2024-12-29-weekly"))
def resume(context: typer.Context, issue: Issue) -> None:
    """Resume a paused mailing; publisher send then continues it."""
    told = _set(context, issue, "going")
    echo(say("{slug} may go on: {counts}", slug=issue, counts=told))
    remark(say("publisher send {slug} carries on", slug=issue))


@app.command(epilog=examples("publisher cancel 2024-12-29-weekly --yes"))
def cancel(context: typer.Context, issue: Issue, yes: Yes = False) -> int:
    """End a mailing permanently: pending recipients do not get this edition.

    A later publisher send freezes a new mailing of the issue as it is then, for readers whom no earlier one reached.
    """
    told = _set(context, issue, "cancelled", say("Cancel {slug} for good?", slug=issue), yes)
    if told is None:
        return 1
    echo(say("{slug} is cancelled: {counts}", slug=issue, counts=told))
    step = issue.startswith("series/")
    only = say("publisher send {slug} would mail only those not reached yet", slug=issue)
    remark(say("who was left does not get this step any more") if step else only)
    return 0


def _set(context: typer.Context, issue: str, wanted: str, question: str = "", yes: bool = True) -> str | None:
    """Record the operator's decision on a mailing; return its account. None if the confirmation was declined."""
    from publisher.delivery.mailings import newest, set_operator
    from publisher.delivery.states import numbered

    with opened(context) as (_, database):
        with database.connect() as connection:
            asked = newest(connection, issue)
        if not agreed(question, yes):
            return None
        account = set_operator(database, issue, wanted, asked)
    return numbered({"pending": account.pending, "submitted": account.submitted})
