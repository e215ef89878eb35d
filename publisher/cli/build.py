"""``publisher build``: emails and archive."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.console import console
from publisher.cli.progress import Bar

if TYPE_CHECKING:
    from publisher.diagnostics import Diagnostic
    from publisher.site.model import BuildResult


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("build", no_args_is_help=False)(build)


def build(
    context: typer.Context,
    issues: Annotated[
        list[str] | None, typer.Argument(metavar="ISSUE", help="Issues whose emails to write; all by default.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to build, below the root.")] = Path("dist"),
    drafts: Annotated[bool, typer.Option("--drafts", help="Build drafts too.")] = False,
    format: Annotated[Format, typer.Option("--format", help="How findings are written.")] = Format.TEXT,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Use what an earlier build rendered.")] = True,
) -> None:
    """Build emails and the archive: DIR/email/ISSUE/… and DIR/site/….

    Every problem is reported. An issue with an error is not built, and what an earlier build made of it is removed; the
    others are built, and the status is 1.

    [bold]Examples[/bold]

      publisher build                         all ready issues
      publisher build 2024-12-29-ai-weekly    one email, and the whole archive
      publisher build --drafts --out /tmp/look
    """
    from publisher.cli.issues import chosen_slugs
    from publisher.config import load_config
    from publisher.errors import ConfigError
    from publisher.site.build import build as run

    try:
        config = load_config(context.obj)
    except ConfigError as error:
        if format is Format.JSON:
            _print_json(error.diagnostics)
        raise
    slugs = chosen_slugs(config.root, issues)
    with Bar("building") as bar:
        result = run(config, slugs or (), config.root / out, drafts, use_cache=cache, progress=bar)
    if format is Format.JSON:
        _print_json(result.diagnostics)
    else:
        _print_text(config.root, result)
    raise typer.Exit(0 if result.ok else 1)


def _print_json(diagnostics: Iterable[Diagnostic]) -> None:
    from publisher.diagnostics.json import render_json

    sys.stdout.write(render_json(diagnostics))


def _print_text(root: Path, result: BuildResult) -> None:
    from publisher.diagnostics.text import render_text

    if result.diagnostics:
        text = render_text(result.diagnostics, root, color=console.is_terminal and not console.no_color, folded=True)
        sys.stdout.write(text + "\n")
    sys.stdout.write(_summary(result))


def _summary(result: BuildResult) -> str:
    from publisher.diagnostics.text import printable

    pages, mails = len(result.editions), len(result.emails)
    lines = [
        f"{result.out / 'site'}: {pages} issue{'' if pages == 1 else 's'}",
        f"{result.out / 'email'}: {mails} email{'' if mails == 1 else 's'}",
    ]
    if result.broken:
        lines.append(f"not built, for their errors: {printable(', '.join(result.broken))}")
    if result.drafts:
        lines.append(f"not built, being drafts (--drafts builds them): {', '.join(result.drafts)}")
    return "\n".join(lines) + "\n"
