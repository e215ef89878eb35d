"""``publisher move``: the whole newsletter into another database."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("move", epilog="Example: publisher move postgresql://publisher@db.internal/newsletter")(move)


def move(
    context: typer.Context,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="An empty database: sqlite:///… or postgresql://….", envvar="MOVE_URL")
    ],
) -> None:
    """Move subscribers, suppressions and ledger into another database; links of mail already sent go on working.

    The old SQLite file is renamed to NAME.moved. Exits 2, with nothing moved, where the new one is not empty or a
    sender is at work.
    """
    import os

    from publisher.cli.console import console
    from publisher.config import load_config
    from publisher.publishing.move import move as carry

    moved = carry(load_config(context.obj), url)
    rows = moved.rows
    where = "PUBLISHER_DATABASE_URL" if os.environ.get("PUBLISHER_DATABASE_URL") else "database in config.yaml"
    where = "PUBLISHER_DATABASE_URL" if moved.to.startswith("postgresql") else where
    names = ("subscribers", "suppressions", "mailings", "recipients")
    lines = [
        f"moved to {moved.to}: {', '.join(f'{rows[name]:,} {name}' for name in names)}",
        f"next: set {where} to it, wherever publisher runs",
    ]
    if moved.kept:
        lines.append(f"the old database is {moved.kept}; delete it once all is well")
    if moved.keys:
        lines.append(f"{moved.keys} signing keys were put beside it")
    elif not os.environ.get("PUBLISHER_SECRET_KEYS"):
        lines.append("other machines need PUBLISHER_SECRET_KEYS: the text of .publisher/secret.key")
    console.print("\n".join(lines), markup=False, soft_wrap=True)
