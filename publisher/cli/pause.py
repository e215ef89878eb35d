"""``publisher pause``, ``resume`` and ``cancel``: an operator's word about a mailing. A sender at work heeds it."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.issues import slug_of

Issue = Annotated[str, typer.Argument(metavar="ISSUE", callback=slug_of, help="The issue's folder name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause", epilog="Example: publisher pause 2024-12-29-weekly")(pause)
    app.command("resume", epilog="Example: publisher resume 2024-12-29-weekly")(resume)
    app.command("cancel", epilog="Example: publisher cancel 2024-12-29-weekly --yes")(cancel)


def pause(context: typer.Context, issue: Issue) -> None:
    """Stop a mailing after the calls in flight, until publisher resume."""
    _set(context, issue, "paused", "is paused", f"publisher resume {issue}, then publisher send {issue}, carries on")


def resume(context: typer.Context, issue: Issue) -> None:
    """Let a paused mailing go on; publisher send then carries it on."""
    _set(context, issue, "going", "may go on", f"publisher send {issue} carries on")


def cancel(
    context: typer.Context,
    issue: Issue,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """End a mailing for good: who is still pending does not get this edition.

    A later publisher send freezes a new mailing of the issue as it is then, to those whom no earlier one reached.
    """
    import sys

    if not yes and sys.stdin.isatty():
        typer.confirm(f"Cancel {issue} for good?", abort=True, err=True)
    _set(context, issue, "cancelled", "is cancelled", f"publisher send {issue} would mail only those not reached yet")


def _set(context: typer.Context, issue: str, wanted: str, words: str, next_step: str) -> None:
    from publisher.cli.console import console, error_console
    from publisher.config import load_config
    from publisher.database import open_database
    from publisher.delivery.mailings import set_operator

    database = open_database(load_config(context.obj))
    try:
        account = set_operator(database, issue, wanted)
    finally:
        database.close()
    console.print(f"{issue} {words}: {account.pending:,} pending, {account.submitted:,} submitted", markup=False)
    error_console.print(next_step, markup=False)
