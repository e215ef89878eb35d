"""Findings as SARIF 2.1.0 (OASIS), which code hosts read into their security and quality tabs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from publisher import __version__
from publisher.diagnostics.catalogue import Code, catalogue
from publisher.diagnostics.model import Diagnostic, Severity
from publisher.diagnostics.text import told

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render_sarif(diagnostics: Iterable[Diagnostic], known: Mapping[str, Code] | None = None) -> str:
    """One log with one run: the rules of what was found, by their codes in ``known``, and every finding."""
    found = list(diagnostics)
    names = sorted({diagnostic.code for diagnostic in found})
    known = catalogue() if known is None else known
    driver = {
        "name": "publisher",
        "version": __version__,
        "rules": [_rule(name, known.get(name)) for name in names],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "The newsletter repository."}}},
        "results": [_result(diagnostic, names.index(diagnostic.code)) for diagnostic in found],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _rule(name: str, code: Code | None) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": name}
    if code is not None:
        rule["shortDescription"] = {"text": code.summary}
        rule["help"] = {"text": code.doc, "markdown": code.doc}
        rule["defaultConfiguration"] = {"level": _LEVELS[code.severity]}
    return rule


def _result(diagnostic: Diagnostic, index: int) -> dict[str, Any]:
    span = diagnostic.span
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": told(diagnostic)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(diagnostic.path), "uriBaseId": "ROOT"},
                    "region": {
                        "startLine": span.line,
                        "startColumn": span.column,
                        "endLine": span.end_line,
                        "endColumn": span.end_column,
                    },
                }
            }
        ],
    }
