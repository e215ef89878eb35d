"""``publisher schema``: the JSON Schemas that editors complete and check with."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Kind(StrEnum):
    """Which file the schema describes."""

    ISSUE = "issue"
    ITEM = "item"
    CONFIG = "config"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="schema")(schema)


def schema(kind: Annotated[Kind, typer.Argument(metavar="issue|item|config", help="Which file.")]) -> None:
    """Print the JSON Schema of issue.yaml, of an item or of config.yaml.

    Example: [bold]publisher schema issue > schema/issue.json[/], and as the first line of issue.yaml
    [bold]# yaml-language-server: $schema=../../schema/issue.json[/]
    """
    import sys

    from publisher.authoring.bundled import schema_text

    sys.stdout.write(schema_text(kind))
