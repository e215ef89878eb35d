"""The JSON Schemas of issue.yaml and of an item, from the models that validate them."""

from __future__ import annotations

from typing import Any

from publisher.issue.raw import Raw, RawIssue, RawItem


def issue_schema() -> dict[str, Any]:
    """Draft 2020-12: issue.yaml."""
    return _schema(RawIssue, "issue.yaml")


def item_schema() -> dict[str, Any]:
    """Draft 2020-12: an item as YAML. As Markdown, ``body`` and ``commentary`` may stand below the front matter."""
    return _schema(RawItem, "An item")


def _schema(model: type[Raw], title: str) -> dict[str, Any]:
    schema = model.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_tidy(schema), "title": title}


def _tidy(node: Any) -> Any:
    """Without null, which the format has no use for, and without the titles that pydantic makes up."""
    if isinstance(node, list):
        return [_tidy(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _tidy(value) for key, value in node.items() if not (key == "default" and value is None)}
    if isinstance(kept.get("title"), str):
        del kept["title"]
    options = kept.get("anyOf")
    if isinstance(options, list):
        options = [option for option in options if option != {"type": "null"}]
        kept["anyOf"] = options
        if len(options) == 1 and isinstance(options[0], dict):
            del kept["anyOf"]
            kept |= options[0]
    return kept
