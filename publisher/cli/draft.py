"""``publisher draft key-points``: a first draft for an editor to mend."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.console import console, error_console


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Draft parts of an issue; an editor reads, mends and commits.", no_args_is_help=True)
    group.command("key-points")(key_points)
    app.add_typer(group, name="draft")


def key_points(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(help="The issue's slug.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=12, help="How many points.")] = 5,
    replace: Annotated[bool, typer.Option("--replace", help="Draft anew where there are points already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change, write nothing.")] = False,
) -> None:
    """Draft the key points of an issue into its issue.yaml.

    Asks the model that llm.url and llm.model in config.yaml name (the key comes from PUBLISHER_LLM_API_KEY); with none
    configured, picks the sentences that say most, offline. The numbers of the draft are held against the items at once.

    [dim]Example:[/] publisher draft key-points 2024-12-29-ai-weekly -n 4
    """
    from publisher.authoring.draft import draft_key_points
    from publisher.cli.issues import chosen_slugs
    from publisher.config import load_config
    from publisher.diagnostics.text import render_text

    root: Path = context.obj
    config = load_config(root)
    slug = (chosen_slugs(config.root, [issue]) or [issue])[0]
    draft = draft_key_points(config, slug, count=count, replace=replace)
    before, after = draft.before.splitlines(), draft.after.splitlines()
    change = difflib.unified_diff(before, after, draft.path, draft.path, lineterm="")
    for line in list(change)[2:]:
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else "dim"
        console.print(line, style=style, markup=False)
    if dry_run:
        return
    draft.write(config)
    error_console.print(f"{draft.path}: {len(draft.points)} points by {draft.generated_by}; read and mend them")
    if doubts := draft.doubts(config, slug):
        error_console.print(render_text(doubts, config.root), end="", markup=False, highlight=False)
