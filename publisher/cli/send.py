"""``publisher send``: mail an issue, or carry on where it stopped."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from publisher.cli.frame import Issue, Yes, app, examples


@app.command(epilog=examples("publisher send 2024-12-29-weekly --dry-run"))
def send(
    context: typer.Context,
    issue: Issue,
    more: Annotated[list[str] | None, typer.Argument(metavar="ADDR", help="More addresses for --test.")] = None,
    test: Annotated[
        list[str] | None, typer.Option("--test", metavar="ADDR…", help="Send a marked test to ADDR, and nothing else.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count who would get it; write and send nothing.")] = False,
    spread: Annotated[
        str | None, typer.Option("--spread", metavar="TIME", help="Spread what is left over TIME, such as 90m or 2h.")
    ] = None,
    correction: Annotated[
        bool, typer.Option("--correction", help="Mail a changed edition again to everybody, on purpose.")
    ] = False,
    despite_tripwires: Annotated[
        bool, typer.Option("--despite-tripwires", help="Go on although a tripwire says a reader has two copies.")
    ] = False,
    without_archive: Annotated[
        bool, typer.Option("--without-archive", help="Do not ask the archive whether it was mailed, nor tell it.")
    ] = False,
    yes: Yes = False,
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="json: one object a line.")] = "text",
) -> int:
    """Mail an issue to its audience, or carry on where it stopped. A second call sends nothing twice.

    Exits 0 when everybody is submitted or excluded; 1 when some are rejected, uncertain or left for later; 2 when it
    could not run. Ctrl-C finishes the calls in flight and records them; a second Ctrl-C does not wait.
    """
    from publisher.cli import sending

    if more and not test:
        raise typer.BadParameter("addresses are given with --test", param_hint="ADDR")
    wish = sending.SendRequest(
        issue,
        (*(test or ()), *(more or ())),
        dry_run=dry_run,
        spread=None if spread is None else _seconds(spread),
        without_archive=without_archive,
        correction=correction,
        despite_tripwires=despite_tripwires,
        yes=yes,
        json=format == "json",
    )
    return sending.run(context, wish)


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(text: str) -> float:
    """``90m`` → 5400.0."""
    number, unit = text[:-1], text[-1:]
    try:
        seconds = float(number) * _UNITS[unit]
    except (KeyError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 7 * 86400:
        raise typer.BadParameter("write a number and s, m, h or d, such as 2h", param_hint="--spread")
    return seconds
