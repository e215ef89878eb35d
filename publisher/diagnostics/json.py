"""Findings for machines: the stable list of ``check --format json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from publisher.diagnostics.model import Diagnostic
from publisher.diagnostics.sentences import rendered


def as_object(diagnostic: Diagnostic) -> dict[str, Any]:
    """One finding as plain data. Lines and columns count from 1; the end is exclusive."""
    span = diagnostic.span
    return {
        "path": diagnostic.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "message": rendered(diagnostic.message),
        "help": None if diagnostic.help is None else rendered(diagnostic.help),
    }


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A JSON array, one finding an element, with a newline at its end."""
    return json.dumps([as_object(diagnostic) for diagnostic in diagnostics], ensure_ascii=False, indent=2) + "\n"
