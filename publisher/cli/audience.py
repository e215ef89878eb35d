"""``publisher audience``: statistics of the subscribers; ``ask``: ask inactive ones if they still read. No address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.frame import Format, app, examples, moment_back, opened
from publisher.cli.output import echo, emit, plain, remark, table, write_page
from publisher.diagnostics import counted, say

if TYPE_CHECKING:
    from publisher.insights.audience import AudienceReport


commands = typer.Typer()
app.add_typer(commands, name="audience", invoke_without_command=True)


@commands.callback(epilog=examples("publisher audience --html dist/reports/audience.html"))
def audience(
    context: typer.Context,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with charts to FILE instead.")] = None,
    format: Format = "text",
) -> None:
    """Show audience statistics: growth, consent, topics, languages, domains, losses by cause; no addresses."""
    if context.invoked_subcommand:
        return

    from publisher.insights.audience import audience as read

    with opened(context) as (config, database), database.connect() as connection:
        found = read(connection, config, datetime.now(UTC))
    if html is not None:
        from publisher.insights.page import render_audience

        write_page(html, render_audience(found, config), "--html")
    elif format == "json":
        told = plain(found)
        emit(told.pop("states") | told | {"lost": found.lost})
    else:
        _print(found)


@commands.command(epilog=examples("publisher audience ask --not-heard-since 12m --yes"))
def ask(
    context: typer.Context,
    not_heard_since: Annotated[str, typer.Option(metavar="SPAN", help="How long they have been inactive: 12m, 1y.")],
    remind_after: Annotated[
        str, typer.Option(metavar="SPAN", help="Silence before each reminder, and after the last.")
    ] = "2w",
    yes: Annotated[bool, typer.Option("--yes/--dry-run", help="Do it; by default, only count.")] = False,
    format: Format = "text",
) -> int:
    """Ask long-inactive subscribers whether they still read; remind them twice; then suppress them.

    Run it weekly: each subscriber gets the next step once, when it is due. Anyone who answers stays; anyone who is
    silent after the second reminder is suppressed as silent.
    """
    from publisher.cli.importing import deliver
    from publisher.web.outbox import ask as step

    since, waited = moment_back("--not-heard-since", not_heard_since), moment_back("--remind-after", remind_after)
    with opened(context, mails=yes) as (config, database):
        with database.begin() if yes else database.connect() as connection:
            found = step(connection, since, waited, act=yes)
        if format == "json":
            emit({"not_heard_since": since.isoformat(), **asdict(found), "done": yes})
        else:
            would = say("{asked:,} would be asked, {reminded:,} reminded, {let_go:,} let go")
            was = say("{asked:,} asked, {reminded:,} reminded, {let_go:,} let go")
            echo(say(was if yes else would, **asdict(found)))
        if not yes:
            remark(say("nothing was done: --yes does it"))
            return 0
        return deliver(config, database, say("questions mailed: {n:,}"))


def _print(found: AudienceReport) -> None:
    from publisher.delivery.states import numbered, standing, word
    from publisher.insights.audience import CAUSES

    echo(counted(
        "{n:,} reader ({states})", "{n:,} readers ({states})", found.readers, states=numbered(found.states, standing),
    ))  # fmt: skip
    causes = [cause for cause in CAUSES if found.lost[cause]]
    months = [(m.month, m.joined, *(m.lost[cause] for cause in causes), m.readers) for m in found.months]
    _counts((say("month"), say("joined"), *map(word, causes), say("readers")), months)
    ways = ((word(each.entered), word(each.consented), each.readers) for each in found.consent)
    then = say("{entered}, then {agreed}")
    consent = [(one if one == other else say(then, entered=one, agreed=other), n) for one, other, n in ways]
    _counts((say("consent"), say("readers")), consent)
    shown = (say("topic"), found.topics), (say("language"), found.languages), (say("domain"), found.domains)
    for name, shares in shown:
        _counts((name, say("readers")), [(share.name or say("all others"), share.readers) for share in shares])
    issues = [(each.issue, each.audience, each.unsubscribed, each.bounce, each.complaint) for each in found.issues]
    _counts((say("issue"), *map(word, ("audience", "unsubscribed", "bounce", "complaint"))), issues)


def _counts(heads: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    if rows:
        echo("")
        table(heads, rows, range(1, len(heads)))
