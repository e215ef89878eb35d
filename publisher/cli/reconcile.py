"""``publisher reconcile``: settle the uncertain from events; only the flag ever sends to one again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.frame import Format, OneIssue, Yes, app, chosen_slug, emit, examples, opened, say, tell, warn

if TYPE_CHECKING:
    from publisher.database import Database
    from publisher.feedback.reconcile import Doubtful


@app.command(epilog=examples("publisher reconcile 2024-12-29-weekly --release-uncertain"))
def reconcile(
    context: typer.Context,
    issue: OneIssue = None,
    release_uncertain: Annotated[
        bool,
        typer.Option(
            "--release-uncertain", help="Let the next send mail to the uncertain again, at the risk of a copy."
        ),
    ] = False,
    yes: Yes = False,
    pull: Annotated[
        bool, typer.Option("--pull/--no-pull", help="First read the queue of events, if there is one.")
    ] = True,
    format: Format = "text",
) -> int:
    """Settle recipients of unknown outcome from events that have come in since.

    What no event settles stays uncertain, and nothing is sent to it, until --release-uncertain makes it pending.
    Exits 0 when nothing is uncertain any more, 1 when something still is, 2 when it could not run.
    """
    from publisher.cli.events import drain_queue
    from publisher.feedback.apply import Applier
    from publisher.feedback.reconcile import doubtful

    with opened(context) as (config, database):
        applier = Applier(database, config)
        if pull:
            drain_queue(applier, config)
        applier.settle_waiting()
        settled = applier.applied.changed
        found = [one for one in doubtful(database, issue) if issue or one.recipients]
        if issue and not found:
            chosen_slug(context.obj, issue)  # a typing mistake is told from an issue that nothing has left of
        for one in found:
            if one.young:
                warn(
                    f"{one.mailing.slug}: {one.young} of {len(one.recipients)} uncertain recipients are younger than "
                    "an hour; their events may still come"
                )
        if format == "text":
            _show(found, settled, release=release_uncertain)
        released: dict[str, int] = {}
        if release_uncertain and any(one.recipients for one in found):
            released = _release(database, found, yes)
    if format == "json":
        emit({"settled": settled, "issues": [_row(one, released.get(one.mailing.slug, 0)) for one in found]})
    return int(sum(len(one.recipients) for one in found) > sum(released.values()))


def _show(found: list[Doubtful], settled: int, *, release: bool) -> None:
    """Who is uncertain; with ``release``, exactly who might get a second copy."""
    if settled:
        say(f"{settled} recipients changed by events")
    for one in found:
        slug, count = one.mailing.slug, len(one.recipients)
        say(f"{slug}: {count} uncertain" if count else f"{slug}: nothing is uncertain")
        if release and count:
            say("These might get a second copy (recipient, subscriber, since, why):")
            for who in one.recipients:
                since = who.since.isoformat(timespec="seconds") if who.since else "?"
                say(f"  {who.recipient}  {who.reference}  {since}  {who.reason}")
        elif count:
            say(f"  publisher reconcile {slug} --release-uncertain lets send mail to them again")
    if not found:
        say("nothing is uncertain")


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
        tell(f"{slug}: {number} released; publisher send {slug} mails to them")
    return released


def _row(one: Doubtful, released: int) -> dict[str, object]:
    return {
        "issue": one.mailing.slug,
        "uncertain": len(one.recipients) - released,
        "young": one.young,
        "released": released,
        "recipients": [who.recipient for who in one.recipients],
    }
