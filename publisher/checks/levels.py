"""``checks.levels`` of config.yaml: how strictly each code is taken."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from publisher.config.load import NAME, read_nodes
from publisher.diagnostics import Diagnostic, Place, Severity, catalogue, define
from publisher.documents import Mapping as MappingNode
from publisher.documents import find

UNKNOWN_LEVEL = define(
    "level-of-unknown-code",
    Severity.ERROR,
    """config.yaml sets the level of a code that does not exist.

## Why it matters

The code that was meant keeps its level, and nobody notices.

## Example

    checks:
      levels: {subject-to-long: off}

Write `subject-too-long`.
""",
    fixed=True,
)
FIXED_LEVEL = define(
    "level-of-fixed-code",
    Severity.ERROR,
    """config.yaml softens a code that cannot be softened.

## Why it matters

Without a headline there is nothing to build, and a link that runs a program is never sent: no level changes that.

## Example

    checks:
      levels: {missing-key: off}
""",
    fixed=True,
)


def with_levels(levels: Mapping[str, str], findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings at the levels that config.yaml asks for; ``off`` drops one. A fixed code keeps its own."""
    known = catalogue()
    for finding in findings:
        level = levels.get(finding.code)
        if level is None or (finding.code in known and known[finding.code].fixed):
            yield finding
        elif level != "off":
            yield replace(finding, severity=Severity(level))


def check_levels(root: Path) -> list[Diagnostic]:
    """What is wrong with ``checks.levels``, at its place in config.yaml."""
    node, _ = read_nodes(root)
    levels = find(node, ("checks", "levels")) if node is not None else None
    if not isinstance(levels, MappingNode):
        return []
    known, found = catalogue(), []
    for entry in levels.entries:
        name, place = entry.key.text, Place(NAME, entry.key.span)
        if name not in known:
            near = difflib.get_close_matches(name, known, 3)
            advice = f"write {' or '.join(near)}" if near else "publisher explain shows every code"
            found.append(UNKNOWN_LEVEL.at(place, f"there is no code {name}", help=advice))
        elif known[name].fixed:
            message = f"{name} prevents building or guards readers: its level cannot be changed"
            found.append(FIXED_LEVEL.at(place, message, help="delete the line"))
    return found
