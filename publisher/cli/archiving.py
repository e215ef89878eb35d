"""``publisher archive-mailings``: fold old mailings into their accounts, and unfold them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.frame import Format, app, examples, moment_back, opened
from publisher.cli.output import echo, emit, remark
from publisher.diagnostics import counted, say
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.config import Config
    from publisher.database import Database
    from publisher.delivery.mailings import Mailing

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
