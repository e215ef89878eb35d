"""The pages of the catalogue: one code's, and the whole of docs/rules.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.diagnostics.sentences import language

if TYPE_CHECKING:
    from publisher.diagnostics import Code


def page(code: Code, level: int = 1) -> str:
    """The page of one code, as Markdown, its title a heading of ``level``."""
    lines = [f"{'#' * level} {code.name}", "", f"{_severity(code)}", ""]
    deeper = "#" * (level - 1)
    lines.extend(f"{deeper}{line}" if line.startswith("## ") else line for line in code.doc.splitlines())
    return "\n".join(lines) + "\n"


def _severity(code: Code) -> str:
    if language.get() == "zh":
        change = "不受 `checks.levels` 影响" if code.fixed else "可以用 config.yaml 的 `checks.levels` 改"
        return f"级别：{code.severity}，{change}。"
    if code.fixed:
        return f"Severity: {code.severity}, whatever `checks.levels` says."
    return f"Severity: {code.severity}; `checks.levels` in config.yaml can change it."


def all_pages() -> str:
    """docs/rules.md: every code with its page, by name."""
    from publisher.config.names import every_code

    codes = every_code()
    parts = [
        "# What publisher finds",
        "",
        "Every finding has a code. `publisher explain CODE` shows its page; this file is all of them, written by",
        "`python -m publisher.cli.pages`, and a test holds it true. `checks.levels` in config.yaml sets the level of a",
        "code to `off`, `info`, `warning` or `error`. What prevents building, or guards readers, keeps its level.",
        "",
        "| Code | Severity | |",
        "|---|---|---|",
        *(f"| [{code.name}](#{code.name}) | {code.severity} | {code.summary} |" for code in codes.values()),
        "",
    ]
    return "\n".join(parts) + "\n" + "\n".join(page(code, 2) for code in codes.values())


if __name__ == "__main__":
    import sys
    from pathlib import Path

    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rules.md").write_text(all_pages(), encoding="utf-8")
