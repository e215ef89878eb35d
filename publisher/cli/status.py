"""``publisher status``: the account of a mailing, to the last person."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import typer

from publisher.cli.issues import slug_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog="Example: publisher status 2024-12-29-weekly --format json")(status)


def status(
    context: typer.Context,
    issue: Annotated[
        str | None, typer.Argument(metavar="ISSUE", callback=slug_of, help="One issue; else each that there is.")
    ] = None,
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="json is for machines.")] = "text",
) -> None:
    """Show the account: audience = excluded + pending + claimed + submitted + rejected + uncertain, at every moment.

    Exits 1 when a tripwire went off, or when the files of ISSUE cannot be read.
    """
    from publisher.cli.console import complain, error_console
    from publisher.config import load_config
    from publisher.database import open_database
    from publisher.delivery.status import statuses
    from publisher.diagnostics import Severity
    from publisher.diagnostics.text import printable
    from publisher.providers import open_provider

    config = load_config(context.obj)
    database = open_database(config)
    try:
        found = statuses(config, database, issue)
    finally:
        database.close()
    if format == "json":
        print(json.dumps(found.rows[0] if issue else found.rows, ensure_ascii=False, indent=2))
    else:
        _print(found.rows, tells=open_provider(config).tells)
    for reading in found.broken:
        errors = [finding for finding in reading.findings if finding.severity is Severity.ERROR]
        first, more = errors[0], f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        complain(
            printable(f"{reading.slug} cannot be read: {first.path}:{first.span.line}: {first.message}{more}"),
            printable(f"mend it; publisher check {reading.slug} shows all"),
        )
    for trip in found.tripped:
        if trip.stops:
            complain(f"tripwire {trip.name}: {trip.message}", trip.help)
        else:
            error_console.print(f"{trip.name}: {trip.message} ({trip.help})", style="yellow", markup=False)
    if any(trip.stops for trip in found.tripped) or (issue and found.broken):
        raise typer.Exit(1)


def _print(rows: list[dict[str, Any]], *, tells: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    from publisher.cli.console import console
    from publisher.delivery.endings import COUNTS
    from publisher.delivery.states import FEEDBACK, not_known
    from publisher.diagnostics.text import printable

    if not rows:
        console.print("There is no issue yet: publisher new SLUG makes one.")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("issue", no_wrap=True)
    table.add_column("state")
    names = [name for name in (*COUNTS, *FEEDBACK) if any(row[name] for row in rows)] or ["audience"]
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        unknown = not_known(row, tells)
        counts = ("not known" if name in unknown else f"{row[name]:,}" for name in names)
        table.add_row(escape(printable(row["issue"])), row["state"], *counts)
    console.print(table)
    silent = [name for name in FEEDBACK if name not in names and any(name in not_known(row, tells) for row in rows)]
    if silent:
        console.print(f"not known: {', '.join(silent)} (no event has told)")
    for row in rows:
        if row["excluded_by_reason"] and len(rows) == 1:
            reasons = ", ".join(f"{people:,} {reason}" for reason, people in row["excluded_by_reason"].items())
            console.print(f"excluded: {reasons}")
