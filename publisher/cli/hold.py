"""``publisher hold``, ``pause``, ``resume`` and ``cancel``: an operator's word about an issue, or about its mailing."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from publisher.cli.frame import Issue, Yes, app, examples, opened, say, tell


@app.command(
    epilog=examples(
        'publisher hold 2024-12-29-weekly --why "the lead is not confirmed"',
        "publisher hold 2024-12-29-weekly --release",
    )
)
def hold(
    context: typer.Context,
    issue: Issue,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Shown by plan and publish.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Let publish mail it again.")] = False,
) -> None:
    """Keep publish from mailing an issue, until --release.

    Of a mailing that has begun nothing is called back; publisher pause and cancel stop a sender at work.
    """
    from publisher.publishing.hold import hold as put
    from publisher.publishing.hold import release as let_go

    with opened(context) as (config, database):
        say(let_go(config, database, issue) if release else put(config, database, issue, why))


@app.command(epilog=examples("publisher pause 2024-12-29-weekly"))
def pause(context: typer.Context, issue: Issue) -> None:
    """Stop a mailing after the calls in flight, until publisher resume."""
    _set(context, issue, "paused", "is paused", f"publisher resume {issue}, then publisher send {issue}, carries on")


@app.command(epilog=examples("publisher resume 2024-12-29-weekly"))
def resume(context: typer.Context, issue: Issue) -> None:
    """Let a paused mailing go on; publisher send then carries it on."""
    _set(context, issue, "going", "may go on", f"publisher send {issue} carries on")


@app.command(epilog=examples("publisher cancel 2024-12-29-weekly --yes"))
def cancel(context: typer.Context, issue: Issue, yes: Yes = False) -> None:
    """End a mailing for good: who is still pending does not get this edition.

    A later publisher send freezes a new mailing of the issue as it is then, to those whom no earlier one reached.
    """
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Cancel {issue} for good?", abort=True, err=True)
    _set(context, issue, "cancelled", "is cancelled", f"publisher send {issue} would mail only those not reached yet")


def _set(context: typer.Context, issue: str, wanted: str, words: str, next_step: str) -> None:
    from publisher.delivery.mailings import set_operator

    with opened(context) as (_, database):
        account = set_operator(database, issue, wanted)
    say(f"{issue} {words}: {account.pending:,} pending, {account.submitted:,} submitted")
    tell(next_step)
