"""The JSON Schema of config.yaml."""

from __future__ import annotations

from typing import Any

from publisher.config.model import Config


def config_schema() -> dict[str, Any]:
    """Draft 2020-12, with a description of every key."""
    schema = Config.model_json_schema(by_alias=True, mode="validation")
    schema["properties"].pop("root", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "config.yaml"}
