"""``publisher doctor``: is everything ready to send?"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from publisher.cli.console import console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")] = "text",
    nameserver: Annotated[
        str | None,
        typer.Option("--nameserver", metavar="HOST[:PORT]", help="Ask this DNS server, not the system's."),
    ] = None,
) -> None:
    """Look whether everything is ready to send, and say what to type where it is not.

    Asks SES, DNS, the archive, the readers' service and the database; changes nothing, mails nobody. Exit status: 0
    ready, 1 something is at fault.

    [dim]publisher doctor[/]
    [dim]publisher doctor --format json --nameserver 9.9.9.9[/]
    """
    from publisher.config import load_config
    from publisher.publishing.doctor import Level, examine
    from publisher.publishing.doctor.world import World

    findings = examine(World(load_config(context.obj), nameserver))
    if format == "json":
        import json
        from dataclasses import asdict

        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        _show(findings)
    raise typer.Exit(int(any(finding.level is Level.FAULT for finding in findings)))


def _show(findings: list) -> None:  # type: ignore[type-arg]
    from rich.markup import escape

    marks = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "fault": "[bold red]fault  [/]"}
    for finding in findings:
        mark = marks.get(finding.level, "[dim]skipped[/]")
        console.print(f"{mark}  [bold]{finding.check:<17}[/]  {escape(finding.message)}")
        if finding.help:
            console.print(f"{'':9}{'':17}  [cyan]→[/] {escape(finding.help)}")
