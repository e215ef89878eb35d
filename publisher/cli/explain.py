"""``publisher explain``: the page of a code."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="explain")(explain)


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code of a finding, as check shows it.")],
) -> None:
    """What a finding means, why it matters, and an example.

    Example: [bold]publisher explain unknown-key[/]
    """
    import sys

    from publisher.cli.console import console
    from publisher.cli.pages import page
    from publisher.config.declared import every_code

    codes = every_code()
    name = code.strip().strip("[]").lower()
    if name not in codes:
        import difflib

        from publisher.errors import UsageError

        near = difflib.get_close_matches(name, codes, 5, 0.4) or sorted(codes)[:5]
        raise UsageError(f"there is no code {code}", help=f"use one of {', '.join(near)}")
    text = page(codes[name])
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(text))
    else:
        sys.stdout.write(text)
