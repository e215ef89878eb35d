"""``publisher backup``, ``restore``, ``move``, ``archive-mailings``: the data as one file, elsewhere, or folded."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.frame import Format, app, config_of, examples, moment_back, opened
from publisher.cli.output import echo, emit, remark, warn
from publisher.diagnostics import counted, listed, say
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.config import Config
    from publisher.database import Database
    from publisher.delivery.mailings import Mailing


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
    if made.gone is None:
        warn(say("the replaced database cannot be read: who has left it since then would be mailed again"))
    elif made.gone:
        echo(counted(
            "{n:,} person who has left since then stays out", "{n:,} people who have left since then stay out",
            made.gone,
        ))  # fmt: skip
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


LEAST = timedelta(days=90)
"""Events of a mailing may arrive for weeks, and a month's edition reads the mailings of two months."""


@app.command(epilog=examples(
    "publisher archive-mailings --older-than 12m --yes", "publisher archive-mailings --undo 2023-12-29-weekly",
))  # fmt: skip
def archive_mailings(
    context: typer.Context,
    older_than: Annotated[
        str, typer.Option(metavar="SPAN", help="How long ago they ended: 12m, 2y; at least 90d.")
    ] = "12m",
    undo: Annotated[
        str | None, typer.Option(metavar="ISSUE", help="Restore this issue's recipients, byte for byte.")
    ] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Permanently delete recipients of mailings folded a year ago or earlier.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes/--dry-run", help="Do it; by default, only count.")] = False,
    format: Format = "text",
) -> None:
    """Fold old mailings: pack their recipients; keep their accounts and reports. Sends no mail.

    Reversible with --undo until --drop, which spares mailings folded less than a year ago.
    """
    from publisher.delivery import folding

    if undo and (drop or yes):
        raise UsageError(say("use --undo on its own"), help=f"publisher archive-mailings --undo {undo}")
    before = moment_back("--older-than", older_than)
    if before > datetime.now(UTC) - LEAST:
        advice = say("events of a mailing come for weeks; write 90d or more, such as 12m")
        raise UsageError(say("--older-than: {span} is too short", span=older_than), help=advice)
    with opened(context) as (config, database):
        if undo:
            restored = folding.unfold(database, undo)
            told: dict[str, Any] = {"issue": undo, "restored": restored}
            line = counted("{slug}: {n:,} recipient is back", "{slug}: {n:,} recipients are back", restored, slug=undo)
        else:
            done = _drop(database, act=yes) if drop else _fold(database, config, before, act=yes)
            people = sum(one.audience for one in done)
            rows = [{"issue": one.slug, "sequence": one.sequence, "recipients": one.audience} for one in done]
            told = {"dropped" if drop else "folded": rows, "recipients": people, "done": yes}
            for one in done if format == "text" else ():
                echo(counted("{slug}: {n:,} recipient", "{slug}: {n:,} recipients", one.audience, slug=one.slug))
            mailings = counted("{n:,} mailing", "{n:,} mailings", len(done))
            whom = counted("{n:,} recipient", "{n:,} recipients", people)
            was = say("{mailings} with {whom} dropped"), say("{mailings} with {whom} folded")
            would = say("{mailings} with {whom} would be dropped"), say("{mailings} with {whom} would be folded")
            line = say((was if yes else would)[not drop], mailings=mailings, whom=whom)
        if format == "json":
            emit(told)
        else:
            echo(line)
        if not (undo or yes):
            remark(say("nothing was done: --yes does it"))


def _fold(database: Database, config: Config, before: datetime, *, act: bool) -> list[Mailing]:
    from publisher.delivery.folding import foldable
    from publisher.insights.store import fold_mailing

    with database.connect() as connection:
        found = foldable(connection, before)
    now = datetime.now(UTC)
    return [one for one in found if not act or fold_mailing(database, config, one, before, now)]


def _drop(database: Database, *, act: bool) -> list[Mailing]:
    from publisher.delivery import folding

    with database.begin() if act else database.connect() as connection:
        found = folding.droppable(connection, moment_back("--drop", "1y"))
        for one in found if act else ():
            folding.drop(connection, one.id)
    return found
