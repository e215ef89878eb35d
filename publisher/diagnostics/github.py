"""Findings as workflow commands: GitHub shows each beside its line of a pull request.

The escapes are those of ``@actions/core`` (``packages/core/src/command.ts``): ``%``, CR and LF in data; ``:`` and ``,``
as well in properties.
"""

from __future__ import annotations

from collections.abc import Iterable

from publisher.diagnostics.folding import Shown, fold
from publisher.diagnostics.model import Diagnostic, Severity
from publisher.diagnostics.text import printable, told

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render_github(diagnostics: Iterable[Diagnostic], *, folded: bool = False) -> str:
    """One command a line; with ``folded`` many findings of one kind are one. GitHub shows ten of a job's anyway."""
    shown = fold(diagnostics) if folded else map(Shown, diagnostics)
    return "".join(f"{_command(one)}\n" for one in shown)


def _command(shown: Shown) -> str:
    diagnostic, span = shown.finding, shown.finding.span
    properties: dict[str, object] = {"file": diagnostic.path, "line": span.line}
    if span.end_line == span.line:
        # GitHub takes columns only where a finding stays within one line; its end column is inclusive.
        properties |= {"endLine": span.line, "col": span.column, "endColumn": max(span.end_column - 1, span.column)}
    else:
        properties |= {"endLine": span.end_line}
    properties["title"] = diagnostic.code
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    text = told(diagnostic)
    text += f"\n{shown.rest}" if shown.more else ""
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
