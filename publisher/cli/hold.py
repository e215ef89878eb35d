"""``publisher hold``: the veto."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.console import console
from publisher.cli.issues import slug_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("hold")(hold)


def hold(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", callback=slug_of, help="The issue's folder name.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Shown by plan and publish.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Let publish mail it again.")] = False,
) -> None:
    """Keep publish from mailing an issue, until --release.

    Of a mailing that has begun nothing is called back; publisher pause and cancel stop a sender at work.

    [bold]Examples[/bold]

      publisher hold 2024-12-29-weekly --why "the lead is not confirmed"
      publisher hold 2024-12-29-weekly --release
    """
    from publisher.config import load_config
    from publisher.database import open_database
    from publisher.publishing.hold import hold as put
    from publisher.publishing.hold import release as let_go

    config = load_config(context.obj)
    database = open_database(config)
    try:
        says = let_go(config, database, issue) if release else put(config, database, issue, why)
    finally:
        database.close()
    console.print(says, markup=False)
