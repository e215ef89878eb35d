"""Key points put into issue.yaml as an editor would: their lines alone change; comments, order and quotes stay."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from publisher.documents import Mapping, parse_yaml
from publisher.documents.text import TextFile
from publisher.errors import UsageError

_AFTER = ("preheader", "publish_at", "authors", "tags", "cover", "intro")  # the keys that usually stand before


def with_key_points(file: TextFile, points: Sequence[str], generated_by: str | None) -> str:
    """The text of issue.yaml with its ``key_points`` replaced, or added where readers meet them.

    Raises :class:`UsageError` where the file is no mapping.
    """
    root, _ = parse_yaml(file)
    if not isinstance(root, Mapping):
        raise UsageError(f"{file.path} is not a mapping", help=f"run publisher check {file.path}")
    lines = file.text.split("\n")
    block = _block(points, generated_by)
    found = root.entry("key_points")
    if found is not None:
        first = found.key.span.line - 1
        last = _end(lines, first)
        return "\n".join([*lines[:first], *block, *lines[last:]])
    known = [entry for entry in root.entries if entry.key.text in _AFTER]
    at = _end(lines, known[-1].key.span.line - 1) if known else len("\n".join(lines).rstrip().split("\n"))
    return "\n".join([*lines[:at], *block, *lines[at:]])


def _end(lines: Sequence[str], first: int) -> int:
    """The index after the last line of the top-level entry at ``first``; blank lines and comments after it stay out."""
    last = first + 1
    for index in range(first + 1, len(lines)):
        line = lines[index]
        if line.strip() and not line.startswith((" ", "\t", "- ", "#")) and line != "-":
            break
        if line.strip() and not line.startswith("#"):
            last = index + 1
    return last


def _block(points: Sequence[str], generated_by: str | None) -> list[str]:
    """The lines of the entry; each point on one line, quoted only where YAML needs it."""
    written = [f"- {_scalar(point)}" for point in points]
    if generated_by is None:
        return ["key_points:", *(f"  {line}" for line in written)]
    return [
        "key_points:",
        "  points:",
        *(f"    {line}" for line in written),
        f"  generated_by: {_scalar(generated_by)}",
    ]


def _scalar(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    dumped: str = yaml.safe_dump(text, allow_unicode=True, width=10**9, default_style=None).strip()
    return dumped.removesuffix("\n...").strip()
