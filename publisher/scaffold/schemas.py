"""The JSON Schemas that stand in a repository, so that an editor completes and checks YAML while one types."""

from __future__ import annotations

import json

from pydantic import BaseModel

from publisher.config import Config
from publisher.issue.raw import RawIssue, RawItem

FOLDER = "schema"


def schema_files() -> dict[str, bytes]:
    """``schema/issue.json`` and its fellows, by path."""
    models: dict[str, type[BaseModel]] = {"issue": RawIssue, "item": RawItem, "config": Config}
    return {f"{FOLDER}/{name}.json": _written(model.model_json_schema()) for name, model in models.items()}


def _written(schema: dict[str, object]) -> bytes:
    return (json.dumps(schema, ensure_ascii=False, indent=2) + "\n").encode()
