"""``publisher backup`` and ``restore``: the whole newsletter's data as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup", epilog="Example: publisher backup /safe/newsletter-2035-03-09.backup")(backup)
    app.command("restore", epilog="Example: publisher restore /safe/newsletter-2035-03-09.backup")(restore)


def backup(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")]
) -> None:
    """Copy subscribers, suppressions, ledger and signing keys into FILE, at any time, also while mail is sent.

    FILE is readable by you alone; nothing is overwritten. PostgreSQL has pg_dump (docs/backup.md).
    """
    from publisher.audience.backup import back_up
    from publisher.cli.console import console
    from publisher.config import load_config

    made = back_up(load_config(context.obj), file)
    console.print(
        f"{file}: {made.subscribers:,} subscribers, {made.mailings:,} mailings, {made.keys} signing keys; checked",
        markup=False,
    )


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that publisher backup wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a database that is not empty.")] = False,
) -> None:
    """Put the data of a backup in the place of the database.

    What was mailed since is not in it: send and publish stop at those issues and say how to settle them.
    """
    from publisher.audience.backup import restore as put_back
    from publisher.cli.console import console
    from publisher.config import load_config

    made = put_back(load_config(context.obj), file, force=force)
    console.print(
        f"restored as of {made.made_at.isoformat(sep=' ', timespec='minutes')}: {made.subscribers:,} subscribers, "
        f"{made.mailings:,} mailings, {made.keys} signing keys",
        markup=False,
    )
