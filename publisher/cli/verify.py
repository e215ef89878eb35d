"""``publisher verify``: does this message or page come from this repository?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from publisher.cli.frame import Format, app, complain, config_of, console, emit, examples


@app.command(
    epilog=examples(
        "publisher verify outbox/2024-12-29-weekly/4f2a91c0-1.eml",
        "publisher verify https://news.example.com/issues/2024-12-29-weekly/",
    )
)
def verify(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="EML|URL", help="A saved message, or a page of the archive.")],
    format: Format = "text",
) -> int:
    """Rebuild the edition that a message or page claims to be, from its commit, and compare.

    Exit status: 0 it matches to the byte; 1 it does not, or its commit is not known here; 2 nothing to look at.
    """
    from publisher.publishing.verify import VerifyResult
    from publisher.publishing.verify import verify as look

    found = look(config_of(context), what)
    if format == "json":
        emit(asdict(found))
    elif found.verdict is VerifyResult.MATCH:
        console.print(f"[green]{found.verdict}[/]: {found.message}")
        console.print(f"  {found.rebuilt}")
    else:
        complain(f"{found.verdict}: {found.message}", found.help)
    return 0 if found.verdict is VerifyResult.MATCH else 1
