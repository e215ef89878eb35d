"""``checks.levels`` of config.yaml: how strictly each code is taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from publisher.diagnostics import Diagnostic, Severity, catalogue


def with_levels(levels: Mapping[str, str], findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings at the levels that config.yaml asks for; ``off`` drops one. A fixed code keeps its own."""
    known = catalogue()
    for finding in findings:
        level = levels.get(finding.code)
        if level is None or (finding.code in known and known[finding.code].fixed):
            yield finding
        elif level != "off":
            yield replace(finding, severity=Severity(level))
