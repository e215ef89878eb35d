"""``publisher reconcile``: settle the uncertain from events; only the flag ever sends to one again."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from publisher.cli.console import console, error_console
from publisher.cli.issues import slug_of

if TYPE_CHECKING:
    from publisher.config import Config
    from publisher.database import Database
    from publisher.feedback.reconcile import Doubtful


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reconcile", epilog="Example: publisher reconcile 2024-12-29-weekly --release-uncertain")(reconcile)


def reconcile(
    context: typer.Context,
    issue: Annotated[
        str | None, typer.Argument(metavar="ISSUE", callback=slug_of, help="One issue; else all of them.")
    ] = None,
    release_uncertain: Annotated[
        bool,
        typer.Option(
            "--release-uncertain", help="Let the next send mail to the uncertain again, at the risk of a copy."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    pull: Annotated[
        bool, typer.Option("--pull/--no-pull", help="First read the queue of events, if there is one.")
    ] = True,
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="json is for machines.")] = "text",
) -> None:
    """Settle recipients of unknown outcome from events that have come in since.

    What no event settles stays uncertain, and nothing is sent to it, until --release-uncertain makes it pending.
    Exits 0 when nothing is uncertain any more, 1 when something still is, 2 when it could not run.
    """
    from publisher.cli.events import drain_any_queue
    from publisher.cli.issues import chosen_slugs
    from publisher.config import load_config
    from publisher.database import open_database
    from publisher.feedback.apply import Applier
    from publisher.feedback.reconcile import doubtful

    config: Config = load_config(context.obj)
    database = open_database(config)
    applier = Applier(database, config)
    if pull:
        drain_any_queue(applier, config)
    applier.settle_waiting()
    found = [one for one in doubtful(database, issue) if issue or one.recipients]
    if issue and not found:
        chosen_slugs(context.obj, [issue])  # a typing mistake is told from an issue that nothing has left of
    _warn_of_young(found)
    released: dict[str, int] = {}
    if format == "text":
        _show(found, applier.applied.changed, release=release_uncertain)
    if release_uncertain and any(one.recipients for one in found):
        released = _release(database, found, yes)
    left = sum(len(one.recipients) for one in found) - sum(released.values())
    if format == "json":
        _print_json(found, applier.applied.changed, released)
    raise typer.Exit(1 if left else 0)


def _show(found: list[Doubtful], settled: int, *, release: bool) -> None:
    """Who is uncertain; with ``release``, exactly who might get a second copy."""
    if settled:
        console.print(f"{settled} recipients changed by events")
    for one in found:
        slug, count = one.mailing.slug, len(one.recipients)
        if not count:
            console.print(f"{slug}: nothing is uncertain", markup=False)
            continue
        console.print(f"{slug}: {count} uncertain", markup=False)
        if release:
            console.print("These might get a second copy (recipient, subscriber, since, why):")
            for who in one.recipients:
                since = who.since.isoformat(timespec="seconds") if who.since else "?"
                console.print(f"  {who.recipient}  {who.reference}  {since}  {who.reason}", markup=False)
        else:
            console.print(
                f"  publisher reconcile {slug} --release-uncertain lets send mail to them again", markup=False
            )
    if not found:
        console.print("nothing is uncertain")


def _warn_of_young(found: list[Doubtful]) -> None:
    for one in found:
        if one.young:
            error_console.print("[bold yellow]warning:[/] ", end="")
            error_console.print(
                f"{one.mailing.slug}: {one.young} of {len(one.recipients)} uncertain recipients are younger than an "
                "hour; their events may still come",
                markup=False,
            )


def _release(database: Database, found: list[Doubtful], yes: bool) -> dict[str, int]:
    from publisher.errors import UsageError
    from publisher.feedback.reconcile import release

    count = sum(len(one.recipients) for one in found)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                f"{count} recipients might get a second copy, and nobody is here to be asked",
                help="add --yes once you have decided",
            )
        if not typer.confirm(f"Let the next send mail to these {count} again?", err=True):
            return {}
    released = {one.mailing.slug: release(database, one.mailing) for one in found if one.recipients}
    for slug, number in released.items():
        error_console.print(f"{slug}: {number} released; publisher send {slug} mails to them", markup=False)
    return released


def _print_json(found: list[Doubtful], settled: int, released: dict[str, int]) -> None:
    issues = [
        {
            "issue": one.mailing.slug,
            "uncertain": len(one.recipients) - released.get(one.mailing.slug, 0),
            "young": one.young,
            "released": released.get(one.mailing.slug, 0),
            "recipients": [who.recipient for who in one.recipients],
        }
        for one in found
    ]
    sys.stdout.write(json.dumps({"settled": settled, "issues": issues}, ensure_ascii=False, indent=2) + "\n")
