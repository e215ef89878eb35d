"""docs/benchmarks.md: one document, with a section for each benchmark."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"

INTRODUCTION = """\
# Benchmarks

Measured on generated issues: eight items and about 7.4 kB of Markdown each, every other one Chinese. Seconds depend
on the machine, so compare ratios. No test asserts these values.
"""


def write_section(name: str, title: str, text: str) -> None:
    """Replace the section ``name``, or add it at the end."""
    held = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else INTRODUCTION
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = f"{begin}\n## {title}\n\n{text.strip()}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(held):
        held = f"{held.rstrip()}\n\n{begin}{end}\n"
    held = pattern.sub(lambda _: section, held)
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(held, encoding="utf-8")
