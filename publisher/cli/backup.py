"""``publisher backup``, ``restore`` and ``move``: the newsletter's data as one file, or into another database."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from publisher.cli.frame import app, config_of, examples
from publisher.cli.output import echo
from publisher.diagnostics import counted, listed, say


@app.command(epilog=examples("publisher backup /safe/newsletter-2035-03-09.backup"))
def backup(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")]
) -> None:
    """Back up subscribers, suppressions, ledger and signing keys to FILE, even while mail is sent.

    Only you can read FILE; nothing is overwritten. For PostgreSQL use pg_dump (docs/backup.md).
    """
    from publisher.audience.backup import back_up

    made = back_up(config_of(context), file)
    echo(say("{file}: {kept}; checked", file=file, kept=_told(asdict(made))))


@app.command(epilog=examples("publisher restore /safe/newsletter-2035-03-09.backup"))
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file written by publisher backup.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a database that is not empty.")] = False,
) -> None:
    """Replace the database with the data of a backup.

    Mail sent since then is not in it: send and publish stop at those issues and say how to settle them. Exits 2,
    without changing anything, if a sender is running.
    """
    from publisher.audience.backup import restore as put_back
    from publisher.publishing.move import no_sender_at_work

    made = put_back(config_of(context), file, force=force, guard=no_sender_at_work)
    at = made.made_at.isoformat(sep=" ", timespec="minutes")
    echo(say("restored as of {at}: {kept}", at=at, kept=_told(asdict(made))))
    if made.waited:
        echo(counted(
            "{n:,} confirmation or announcement that waited then may have left since: it is not repeated",
            "{n:,} confirmations and announcements that waited then may have left since: none is repeated", made.waited,
        ))  # fmt: skip


def _told(rows: Mapping[str, Any]) -> str:
    n = Counter(rows)
    every = {
        "subscribers": counted("{n:,} subscriber", "{n:,} subscribers", n["subscribers"]),
        "suppressions": counted("{n:,} suppression", "{n:,} suppressions", n["suppressions"]),
        "mailings": counted("{n:,} mailing", "{n:,} mailings", n["mailings"]),
        "recipients": counted("{n:,} recipient", "{n:,} recipients", n["recipients"]),
        "keys": counted("{n:,} signing key", "{n:,} signing keys", n["keys"]),
    }
    return listed(told for name, told in every.items() if name in rows)


@app.command(epilog=examples("publisher move postgresql://publisher@db.internal/newsletter"))
def move(
    context: typer.Context,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="An empty database: sqlite:///… or postgresql://….", envvar="MOVE_URL")
    ],
) -> None:
    """Move subscribers, suppressions and ledger to another database. Links in mail already sent keep working.

    The old SQLite file is renamed to NAME.moved. Exits 2, without moving anything, if the new database is not empty or
    a sender is running.
    """
    from publisher.publishing.move import move as carry

    moved = carry(config_of(context), url)
    by_variable = os.environ.get("PUBLISHER_DATABASE_URL") or moved.to.startswith("postgresql")
    where = "PUBLISHER_DATABASE_URL" if by_variable else say("database in config.yaml")
    echo(say("moved to {to}: {rows}", to=moved.to, rows=_told(moved.rows)))
    echo(say("next: set {where} to it, wherever publisher runs, and start serve and worker anew", where=where))
    if moved.kept:
        echo(say("the old database is {kept}; delete it once all is well", kept=moved.kept))
    if moved.keys:
        echo(counted("{n:,} signing key was put beside it", "{n:,} signing keys were put beside it", moved.keys))
    elif not os.environ.get("PUBLISHER_SECRET_KEYS"):
        echo(say("other machines need PUBLISHER_SECRET_KEYS: the text of .publisher/secret.key"))
