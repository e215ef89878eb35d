"""``publisher report``: the delivery report of an issue as one page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", epilog="Example: publisher report 2024-12-29-weekly --out report.html")(report)


def report(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue's folder name.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Else standard output; on a terminal dist/reports/ISSUE.html."),
    ] = None,
) -> None:
    """Write the delivery report: one self-contained HTML page with charts and tables, and no address in it."""
    from publisher.cli.console import console
    from publisher.cli.issues import chosen_slugs
    from publisher.config import load_config
    from publisher.database import open_database
    from publisher.errors import UsageError
    from publisher.insights.page import render_report
    from publisher.insights.store import report as read_report

    config = load_config(context.obj)
    database = open_database(config)
    found = read_report(database, config, issue)
    if found is None:
        (issue,) = chosen_slugs(context.obj, [issue]) or [issue]
        found = read_report(database, config, issue)
    if found is None:
        raise UsageError(f"{issue} has not been sent: there is nothing to report", help=f"publisher send {issue}")
    page = render_report(found, config)
    if out == Path("-") or (out is None and not console.is_terminal):
        sys.stdout.write(page)
        return
    target = out or config.root / "dist" / "reports" / f"{found.issue}.html"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_text(page, encoding="utf-8")
        part.replace(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}", help="name another file with --out") from None
    console.print(str(target), markup=False)
