"""Write docs/rules.md, with the page of every code: ``python -m tools.rules [FILE]``."""

from __future__ import annotations

import sys
from pathlib import Path

from publisher.config.names import every_code


def all_pages() -> str:
    """docs/rules.md: every code with its page, by name."""
    codes = every_code()
    parts = [
        "# What publisher finds",
        "",
        "Every finding has a code. `publisher explain CODE` shows its page; this file is all of them, written by",
        "`python -m tools.rules`, and a test holds it true. `checks.levels` in config.yaml sets the level of a",
        "code to `off`, `info`, `warning` or `error`. What prevents building, or guards readers, keeps its level.",
        "",
        "| Code | Severity | |",
        "|---|---|---|",
        *(f"| [{code.name}](#{code.name}) | {code.severity} | {code.summary} |" for code in codes.values()),
        "",
    ]
    return "\n".join(parts) + "\n" + "\n".join(code.explained(2) for code in codes.values())


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rules.md").write_text(all_pages(), encoding="utf-8")
