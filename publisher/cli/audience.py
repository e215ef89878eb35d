"""``publisher audience``: who reads, at a glance. No address is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from publisher.cli.frame import Format, app, console, emit, examples, opened, plain, say, write_page

if TYPE_CHECKING:
    from publisher.insights.audience import AudienceReport


@app.command(epilog=examples("publisher audience --html dist/reports/audience.html"))
def audience(
    context: typer.Context,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts there instead.")
    ] = None,
    format: Format = "text",
) -> None:
    """The audience at a glance: growth, consent, topics, languages, domains, and losses by cause; no address."""
    from datetime import UTC, datetime

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


def _print(found: AudienceReport) -> None:
    from publisher.insights.audience import CAUSES

    states = ", ".join(f"{number:,} {state}" for state, number in found.states.items())
    say(f"{found.readers:,} readers ({states})")
    causes = [cause for cause in CAUSES if found.lost[cause]]
    _table(
        "month",
        ("joined", *causes, "readers"),
        [(m.month, m.joined, *(m.lost[cause] for cause in causes), m.readers) for m in found.months],
    )
    _table(
        "consent",
        ("readers",),
        [
            (each.entered if each.entered == each.consented else f"{each.entered}, then {each.consented}", each.readers)
            for each in found.consent
        ],
    )
    for name, shares in (("topic", found.topics), ("language", found.languages), ("domain", found.domains)):
        _table(name, ("readers",), [(share.name or "all others", share.readers) for share in shares])
    _table(
        "issue",
        ("audience", "unsubscribed", "bounce", "complaint"),
        [(each.issue, each.audience, each.unsubscribed, each.bounce, each.complaint) for each in found.issues],
    )


def _table(name: str, numbers: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    from rich.table import Table

    from publisher.diagnostics.text import printable

    if not rows:
        return
    table = Table(name, box=None, pad_edge=False)
    for word in numbers:
        table.add_column(word, justify="right")
    for first, *counts in rows:
        table.add_row(escape(printable(first)), *(f"{count:,}" for count in counts))
    say("")
    console.print(table)
