"""``publisher plan``: what publish would do."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.console import console


class Format(StrEnum):
    """How the plan is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan)


def plan(
    context: typer.Context,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="REV", help="Compare with this revision: what would change for readers."),
    ] = None,
    format: Annotated[
        Format, typer.Option("--format", help="markdown is made for a pull request's comment.")
    ] = Format.TEXT,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", metavar="DIR", help="Pictures of what changed: phone, desktop, light, dark."),
    ] = None,
) -> None:
    """Say what publish would do now, and with --base what a change does to each edition.

    Writes nothing and needs no subscriber; numbers of recipients are shown where a database is at hand. Exit status: 0,
    or 1 where a touched issue has errors.

    [bold]Examples[/bold]

      publisher plan
      publisher plan --base origin/main
      publisher plan --base origin/main --format markdown --pictures pictures
    """
    from publisher.config import load_config
    from publisher.publishing.plan import make_plan
    from publisher.publishing.plan.json import render_json
    from publisher.publishing.plan.markdown import render_markdown
    from publisher.publishing.plan.model import How
    from publisher.publishing.plan.text import render_text

    made = make_plan(load_config(context.obj), base=base, pictures=pictures)
    if format is Format.JSON:
        typer.echo(render_json(made), nl=False)
    elif format is Format.MARKDOWN:
        typer.echo(render_markdown(made), nl=False)
    else:
        for line in render_text(made).splitlines():
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            console.print(line, style=style, markup=False, highlight=False)
    raise typer.Exit(int(any(change.how is How.BROKEN for change in made.changes)))
