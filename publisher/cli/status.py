"""``publisher status`` and ``report``: the account of a mailing, to the last person; the same as a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from publisher.cli.frame import (
    Format,
    OneIssue,
    app,
    chosen_slug,
    complain,
    console,
    emit,
    error_console,
    examples,
    opened,
    say,
    write_page,
)


@app.command(epilog=examples("publisher status 2024-12-29-weekly --format json"))
def status(context: typer.Context, issue: OneIssue = None, format: Format = "text") -> int:
    """Show the account: audience = excluded + pending + claimed + submitted + rejected + uncertain, at every moment.

    Exits 1 when a tripwire went off, or when the files of ISSUE cannot be read.
    """
    from publisher.delivery.status import statuses
    from publisher.diagnostics import Severity, rendered
    from publisher.diagnostics.text import printable
    from publisher.insights.receivers import answers_to
    from publisher.providers import open_provider

    with opened(context) as (config, database):
        found = statuses(config, database, issue)
        if issue and (said := answers_to(database, issue)):
            found.rows[0]["receivers"] = [one._asdict() for one in said]
    if format == "json":
        emit(found.rows[0] if issue else found.rows)
    else:
        _print(found.rows, tells=open_provider(config).tells)
    for reading in found.broken:
        errors = [finding for finding in reading.findings if finding.severity is Severity.ERROR]
        first, more = errors[0], f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        told = f"{reading.slug} cannot be read: {first.path}:{first.span.line}: {rendered(first.message)}{more}"
        complain(printable(told), printable(f"mend it; publisher check {reading.slug} shows all"))
    for trip in found.tripped:
        if trip.stops:
            complain(f"tripwire {trip.name}: {trip.message}", trip.help)
        else:
            error_console.print(f"{trip.name}: {trip.message} ({trip.help})", style="yellow", markup=False)
    return int(any(trip.stops for trip in found.tripped) or bool(issue and found.broken))


def _print(rows: list[dict[str, Any]], *, tells: bool) -> None:
    from rich.table import Table

    from publisher.delivery.states import FEEDBACK, not_known
    from publisher.delivery.status import COUNTS
    from publisher.diagnostics.text import printable

    if not rows:
        say("There is no issue yet: publisher new SLUG makes one.")
        return
    table = Table("issue", "state", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
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
        say(f"not known: {', '.join(silent)} (no event has told)")
    for one in (
        each for row in rows for each in row.get("announcements", ()) if len(rows) == 1 or each["state"] != "posted"
    ):
        say(
            f"announcement of {one['issue']} on {one['channel']}: {one['state']}"
            + f" ({one['reason']})" * bool(one["reason"])
        )
    if said := [one for row in rows for one in row.get("receivers", ())]:
        _print_answers(said)
    if len(rows) == 1 and (excluded := rows[0]["excluded_by_reason"]):
        say(f"excluded: {', '.join(f'{people:,} {reason}' for reason, people in excluded.items())}")


def _print_answers(answers: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from publisher.diagnostics.text import printable

    table = Table("receiver", "outcome", "recipients", "reason → what helps", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for one in answers:
        reason = printable(
            f"{one['reason'] or 'in words that nobody here knows'}{' → ' * bool(one['cure'])}{one['cure']}"
        )
        table.add_row(one["receiver"] or "others", one["did"], f"{one['recipients']:,}", escape(reason))
    console.print(table)


@app.command(epilog=examples("publisher report 2024-12-29-weekly --out report.html"))
def report(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue's folder name.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Else standard output; on a terminal dist/reports/ISSUE.html."),
    ] = None,
) -> None:
    """Write the delivery report: one self-contained HTML page with charts and tables, and no address in it."""
    from publisher.errors import UsageError
    from publisher.insights.page import render_report
    from publisher.insights.store import report as read_report

    with opened(context) as (config, database):
        found = read_report(database, config, issue)
        if found is None:
            issue = chosen_slug(context.obj, issue)
            found = read_report(database, config, issue)
    if found is None:
        raise UsageError(f"{issue} has not been sent: there is nothing to report", help=f"publisher send {issue}")
    page = render_report(found, config)
    if out == Path("-") or (out is None and not console.is_terminal):
        sys.stdout.write(page)
        return
    write_page(out or config.root / "dist" / "reports" / f"{found.issue}.html", page, "--out")
