"""``publisher verify``: does this message or page come from this repository?"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from publisher.cli.console import complain, console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="EML|URL", help="A saved message, or a page of the archive.")],
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")] = "text",
) -> None:
    """Rebuild the edition that a message or page claims to be, from its commit, and compare.

    Exit status: 0 it matches to the byte; 1 it does not, or its commit is not known here; 2 nothing to look at.

    [bold]Examples[/bold]

      publisher verify outbox/2024-12-29-weekly/4f2a91c0-1.eml
      publisher verify https://news.example.com/issues/2024-12-29-weekly/
    """
    from publisher.config import load_config
    from publisher.publishing.verify import Verdict
    from publisher.publishing.verify import verify as look

    found = look(load_config(context.obj), what)
    if format == "json":
        import json
        from dataclasses import asdict

        typer.echo(json.dumps(asdict(found), ensure_ascii=False, indent=2))
    elif found.verdict is Verdict.MATCH:
        console.print(f"[green]{found.verdict}[/]: {found.message}", highlight=False)
        console.print(f"  {found.rebuilt}", highlight=False)
    else:
        complain(f"{found.verdict}: {found.message}", found.help)
    raise typer.Exit(0 if found.verdict is Verdict.MATCH else 1)
