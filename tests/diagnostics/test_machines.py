"""Findings for machines: JSON, workflow commands, SARIF."""

from __future__ import annotations

import json

from jsonschema import Draft7Validator

from publisher.diagnostics import Diagnostic, Severity, Span
from publisher.diagnostics.machines import render_github, render_json, render_sarif

FOUND = [
    Diagnostic(
        "issues/a b/中.md", Span(3, 2, 3, 9), Severity.ERROR, "unknown-key", "50% of, it: no\nsecond", "do, this: 100%"
    ),
    Diagnostic("issues/x/a.md", Span(1, 1, 1, 1), Severity.WARNING, "stray-file", "not part", None),
    Diagnostic("config.yaml", Span(2, 1, 4, 3), Severity.INFO, "made-up", "several lines", None),
]

# What a reader of SARIF 2.1.0 needs of the published schema: the required parts, their types and enumerations.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "properties": {
                                                "shortDescription": {"type": "object", "required": ["text"]},
                                                "help": {"type": "object", "required": ["text"]},
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "message": {"type": "object", "required": ["text"]},
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation", "region"],
                                                "properties": {
                                                    "region": {
                                                        "type": "object",
                                                        "additionalProperties": {"type": "integer", "minimum": 1},
                                                    },
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "properties": {
                                                            "uri": {"type": "string", "pattern": "^[!-~]*$"}
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_json_is_a_list_with_every_promised_key() -> None:
    first = json.loads(render_json(FOUND))[0]
    assert list(first) == ["path", "line", "column", "end_line", "end_column", "severity", "code", "message", "help"]
    assert (first["line"], first["column"], first["end_column"], first["severity"]) == (3, 2, 9, "error")
    assert json.loads(render_json([])) == []


def test_workflow_commands_escape_what_would_end_them() -> None:
    first, second, third = render_github(FOUND).splitlines()
    assert first == (
        "::error file=issues/a b/中.md,line=3,endLine=3,col=2,endColumn=8,title=unknown-key"
        "::50%25 of, it: no%0Asecond%0Ahelp: do, this: 100%25"
    )
    assert second.startswith("::warning file=issues/x/a.md,line=1,endLine=1,col=1,endColumn=1,")
    assert third == "::notice file=config.yaml,line=2,endLine=4,title=made-up::several lines"


def test_sarif_holds_to_its_schema() -> None:
    log = json.loads(render_sarif(FOUND))
    Draft7Validator.check_schema(SARIF)
    assert [error.message for error in Draft7Validator(SARIF).iter_errors(log)] == []
    run = log["runs"][0]
    names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [names[result["ruleIndex"]] for result in run["results"]] == [finding.code for finding in FOUND]
    assert json.loads(render_sarif([]))["runs"][0]["results"] == []
