"""``publisher doctor``: is everything ready to send?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from publisher.cli.frame import Format, app, config_of, console, emit, examples

_MARKS = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "fault": "[bold red]fault  [/]"}


@app.command(epilog=examples("publisher doctor", "publisher doctor --format json --nameserver 9.9.9.9"))
def doctor(
    context: typer.Context,
    format: Format = "text",
    nameserver: Annotated[
        str | None,
        typer.Option("--nameserver", metavar="HOST[:PORT]", help="Ask this DNS server, not the system's."),
    ] = None,
) -> int:
    """Look whether everything is ready to send, and say what to type where it is not.

    Asks SES, DNS, the archive, the readers' service and the database; changes nothing, mails nobody. Exit status: 0
    ready, 1 something is at fault.
    """
    from publisher.publishing.doctor import Level, examine
    from publisher.publishing.doctor.probes import Probes

    findings = examine(Probes(config_of(context), nameserver))
    if format == "json":
        emit([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = _MARKS.get(finding.level, "[dim]skipped[/]")
            console.print(f"{mark}  [bold]{finding.check:<17}[/]  {escape(finding.message)}")
            if finding.help:
                console.print(f"{'':9}{'':17}  [cyan]→[/] {escape(finding.help)}")
    return int(any(finding.level is Level.FAULT for finding in findings))
