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
    import json
    import sys

    if kind is Kind.CONFIG:
        from publisher.config.schema import config_schema as make
    elif kind is Kind.ITEM:
        from publisher.issue.schema import item_schema as make
    else:
        from publisher.issue.schema import issue_schema as make
    sys.stdout.write(json.dumps(make(), ensure_ascii=False, indent=2) + "\n")
