"""``publisher backup``, ``restore`` and ``move``: the newsletter's data as one file, or in another database."""

import os
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.frame import app, config_of, examples
from publisher.cli.output import number_of, put


@app.command(epilog=examples("publisher backup /safe/newsletter-2035-03-09.backup"))
def backup(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")]
) -> None:
    """Copy subscribers, suppressions, ledger and signing keys into FILE, at any time, also while mail is sent.

    FILE is readable by you alone; nothing is overwritten. PostgreSQL has pg_dump (docs/backup.md).
    """
    from publisher.audience.backup import back_up

    made = back_up(config_of(context), file)
    kept = (made.subscribers, "subscriber"), (made.mailings, "mailing"), (made.keys, "signing key")
    put(f"{file}: {', '.join(number_of(*one) for one in kept)}; checked")


@app.command(epilog=examples("publisher restore /safe/newsletter-2035-03-09.backup"))
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that publisher backup wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a database that is not empty.")] = False,
) -> None:
    """Put the data of a backup in the place of the database.

    What was mailed since is not in it: send and publish stop at those issues and say how to settle them. Exits 2, with
    nothing done, where a sender is at work.
    """
    from publisher.audience.backup import restore as put_back
    from publisher.publishing.move import nobody_at_work

    made = put_back(config_of(context), file, force=force, guard=nobody_at_work)
    put(
        f"restored as of {made.made_at.isoformat(sep=' ', timespec='minutes')}: "
        f"{number_of(made.subscribers, 'subscriber')}, {number_of(made.mailings, 'mailing')}, "
        f"{number_of(made.keys, 'signing key')}"
    )
    if made.waited:
        put(f"{made.waited:,} confirmations and announcements that waited then may have left since: none is repeated")


@app.command(epilog=examples("publisher move postgresql://publisher@db.internal/newsletter"))
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
    from publisher.publishing.move import move as carry

    moved = carry(config_of(context), url)
    by_variable = os.environ.get("PUBLISHER_DATABASE_URL") or moved.to.startswith("postgresql")
    where = "PUBLISHER_DATABASE_URL" if by_variable else "database in config.yaml"
    names = ("subscriber", "suppression", "mailing", "recipient")
    put(f"moved to {moved.to}: {', '.join(number_of(moved.rows[f'{name}s'], name) for name in names)}")
    put(f"next: set {where} to it, wherever publisher runs, and start serve and worker anew")
    if moved.kept:
        put(f"the old database is {moved.kept}; delete it once all is well")
    if moved.keys:
        put(f"{number_of(moved.keys, 'signing key')} {'was' if moved.keys == 1 else 'were'} put beside it")
    elif not os.environ.get("PUBLISHER_SECRET_KEYS"):
        put("other machines need PUBLISHER_SECRET_KEYS: the text of .publisher/secret.key")
