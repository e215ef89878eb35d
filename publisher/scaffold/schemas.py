"""The JSON Schemas that stand in a repository, so that an editor completes and checks YAML while one types."""

from __future__ import annotations

import json

from publisher.config.schema import config_schema
from publisher.issue.schema import issue_schema, item_schema

FOLDER = "schema"


def schema_files() -> dict[str, bytes]:
    """``schema/issue.json`` and its fellows, by path: what ``publisher schema`` prints."""
    schemas = {"issue": issue_schema(), "item": item_schema(), "config": config_schema()}
    return {
        f"{FOLDER}/{name}.json": (json.dumps(schema, ensure_ascii=False, indent=2) + "\n").encode()
        for name, schema in schemas.items()
    }
