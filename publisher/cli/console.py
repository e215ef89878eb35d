"""Where words go: results to standard output, everything else to standard error."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

console = Console(soft_wrap=True, highlight=False)
error_console = Console(stderr=True, soft_wrap=True, highlight=False)


_CONTROLS = dict.fromkeys((*range(10), *range(11, 32), *range(127, 160)), "\ufffd")


def complain(message: str, help: str | None = None) -> None:
    """Say what failed, in one line, and what to do about it, in another."""
    error_console.print(f"[bold red]error:[/] {escape(message.translate(_CONTROLS))}")
    if help:
        error_console.print(f"[cyan]help:[/] {escape(help.translate(_CONTROLS))}")
