"""``publisher subscribers list`` and ``count``: who there is, and how many can be mailed."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Literal

import typer

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="json is for machines.")]


def register(commands: typer.Typer) -> None:
    """Add the commands to those of ``subscribers``."""
    commands.command("list")(list_)
    commands.command("count")(count)


def list_(context: typer.Context, format: Format = "text") -> None:
    """Every subscriber's address, a line each, oldest first."""
    from publisher.audience.store import everybody
    from publisher.config import load_config
    from publisher.database import open_database

    with open_database(load_config(context.obj)).connect() as connection:
        found = everybody(connection)
        if format == "text":
            sys.stdout.writelines(f"{person.address}\n" for person in found)
            return
        rows = [
            {
                "email": person.address,
                "state": person.state.value,
                "name": person.name,
                "language": person.language,
                "topics": list(person.topics),
                "attributes": dict(person.attributes),
            }
            for person in found
        ]
    sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")


def count(
    context: typer.Context,
    segment: Annotated[
        str | None, typer.Option(metavar="EXPR", help='As audience: topic:weekly and city = "Rome".')
    ] = None,
    format: Format = "text",
) -> None:
    """How many can be mailed: the confirmed whose mailbox is not suppressed, each mailbox once."""
    from publisher.audience.segments import segment_clause
    from publisher.config import load_config
    from publisher.config.segments import SegmentError
    from publisher.database import open_database
    from publisher.errors import UsageError

    config = load_config(context.obj)
    try:
        chosen = segment_clause(segment, config.newsletter.language) if segment is not None else None
    except SegmentError as error:
        raise UsageError(f"--segment: {error}", help=error.help) from None
    with open_database(config).connect() as connection:
        found = numbers(connection, chosen)
    text = str(found["mailable"]) if format == "text" else json.dumps(found, indent=2)
    sys.stdout.write(text + "\n")


def numbers(connection: Any, chosen: Any = None) -> dict[str, int]:
    """Subscribers by state, those whose mailbox is suppressed (in their state as well), and the mailable."""
    from publisher.audience import store
    from publisher.delivery import freeze

    found = store.counts(connection, chosen)
    held = {name: getattr(found, name) for name in ("confirmed", "pending", "unsubscribed", "suppressed")}
    return held | {"mailable": freeze.preview(connection, "", chosen).get(None, 0)}
