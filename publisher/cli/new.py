"""``publisher new``: an issue to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.console import console


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        epilog="Example:  publisher new 2025-01-05-weekly",
    )
    def new(
        context: typer.Context,
        slug: Annotated[str, typer.Argument(help="a-z, 0-9 and hyphens, usually beginning with the date.")],
    ) -> None:
        """Make a draft issue to fill in: issues/SLUG/issue.yaml and a first item."""
        from publisher.authoring.issue import make_issue
        from publisher.config import load_config

        root: Path = context.obj
        made = make_issue(load_config(root), slug)
        console.print(f"Made a draft for {made.date.isoformat()}:\n")
        for name in made.files:
            console.print(f"  {(root / name).as_posix()}", markup=False)
        console.print(
            f"\nFill it in, with publisher preview {slug} beside you; status: ready lets it out.", markup=False
        )
