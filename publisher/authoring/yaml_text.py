"""YAML as text: values to write, and entries added to what an editor wrote, whose comments and order stay."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from publisher.documents import Mapping, Scalar, TextFile, is_null, parse_yaml
from publisher.documents import Sequence as Listed


def end_of_entry(lines: Sequence[str], first: int) -> int:
    """The index after the last line of the top-level entry at ``first``; blank lines and comments after it stay out."""
    last = first + 1
    for index in range(first + 1, len(lines)):
        line = lines[index]
        if line.strip() and not line.startswith((" ", "\t", "- ", "#")) and line != "-":
            break
        if line.strip() and not line.startswith("#"):
            last = index + 1
    return last


def scalar(text: str) -> str:
    """The text on one line, quoted only where YAML needs it."""
    text = re.sub(r"\s+", " ", text).strip()
    dumped: str = yaml.safe_dump(text, allow_unicode=True, width=10**9, default_style=None).strip()
    return dumped.removesuffix("\n...").strip()


def key_points_block(points: Sequence[str], generated_by: str | None) -> list[str]:
    """The lines of the entry; each point on one line, quoted only where YAML needs it."""
    written = [f"- {scalar(point)}" for point in points]
    if generated_by is None:
        return ["key_points:", *(f"  {line}" for line in written)]
    return [
        "key_points:",
        "  points:",
        *(f"    {line}" for line in written),
        f"  generated_by: {scalar(generated_by)}",
    ]


def with_item(file: TextFile, name: str) -> str | None:
    """The text of issue.yaml with a file at the end of its ``items:``; unchanged where it has no list.

    None where the list is written in a way that no line can be added to.
    """
    root, _ = parse_yaml(file)
    entry = root.entry("items") if isinstance(root, Mapping) else None
    if entry is None or is_null(entry.value):
        return file.text
    lines, first = file.text.split("\n"), entry.key.span.line - 1
    last = end_of_entry(lines, first)
    dash = next((line for line in lines[first + 1 : last] if re.match(r"\s*-(\s|$)", line)), None)
    if isinstance(entry.value, Listed) and dash is not None:
        indent = dash[: len(dash) - len(dash.lstrip())]
        after = "\n".join([*lines[:last], f"{indent}- {scalar(name)}", *lines[last:]])
    else:
        end = entry.value.span
        at = sum(len(line) + 1 for line in lines[: end.end_line - 1]) + end.end_column - 2
        if file.text[at : at + 1] != "]":
            return None
        before = file.text[:at].rstrip()
        comma = "" if before.endswith("[") else " " if before.endswith(",") else ", "
        after = f"{before}{comma}{scalar(name)}{file.text[len(before) :]}"
    return after if _listed(after, file.path) == [*_listed(file.text, file.path), name] else None


def _listed(text: str, path: str) -> list[str | None]:
    """The files that ``items:`` names; None for an item that is written out."""
    root, _ = parse_yaml(TextFile(path, text))
    found = root.get("items") if isinstance(root, Mapping) else None
    items = found.items if isinstance(found, Listed) else ()
    return [item.text if isinstance(item, Scalar) else None for item in items]
