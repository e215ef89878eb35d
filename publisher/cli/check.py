"""``publisher check``: every problem, and nothing written."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.progress import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.config import Config
    from publisher.diagnostics import Diagnostic


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="check")(check)


def check(
    context: typer.Context,
    issues: Annotated[
        list[str] | None,
        typer.Argument(metavar="ISSUE", help="Slugs, or paths such as issues/SLUG; all by default."),
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How findings are written.")] = Format.TEXT,
    links: Annotated[bool, typer.Option("--links", help="Ask every link whether it is alive.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what has one right answer; the diff comes first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --fix: write without asking.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show each finding; else many of one kind are one, in text and for GitHub.")
    ] = False,
) -> None:
    """Find every problem; write nothing, unless asked to mend with --fix.

    Exit status 1 when there is an error; warnings alone leave it 0.

    Examples: [bold]publisher check[/], [bold]publisher check 2024-12-29-weekly --format json[/]
    """
    from publisher.checks.fixes import plan_fixes
    from publisher.cli.issues import chosen_slugs
    from publisher.config import read_config
    from publisher.issue import discover
    from publisher.proofing.checking import check_repository

    root: Path = context.obj
    config, findings = read_config(root)
    if config is None:
        _show(findings, root, format, failed=True)
        _summary(findings, 0, 0)
        raise typer.Exit(2)
    slugs = chosen_slugs(config.root, issues)
    with Bar("checking") as bar:
        bar.total(len(slugs if slugs is not None else discover(config.root)))
        checked = check_repository(config, slugs, progress=bar.step)
    if fix and _mend(config.root, checked.diagnostics, yes=yes):
        checked = check_repository(config, slugs)
    found = [*checked.diagnostics]
    if links:
        found += _link_findings(config, checked.slugs)
    _show(found, config.root, format, folded=not everything)
    _summary(found, len(checked.slugs), sum(fix.count for fix in plan_fixes(config.root, found)))
    if any(diagnostic.severity.rank == 0 for diagnostic in found):
        raise typer.Exit(1)


def _link_findings(config: Config, slugs: Sequence[str]) -> list[Diagnostic]:
    """What became of every link of the issues, with a progress bar on a terminal."""
    from publisher.checks.dead_links import check_all_links

    with Bar("asking links") as bar:
        return check_all_links(config, slugs, bar.at)


def _mend(root: Path, findings: Sequence[Diagnostic], *, yes: bool) -> bool:
    """Show what --fix would change, ask, and write it; whether anything was written."""
    import sys

    from publisher.checks.fixes import apply_fix, plan_fixes
    from publisher.cli.console import complain, error_console
    from publisher.errors import UsageError

    fixes = plan_fixes(root, findings)
    if not fixes:
        error_console.print("nothing to mend by itself")
        return False
    for fix in fixes:
        error_console.print(fix.diff(), end="", markup=False)
    count = sum(fix.count for fix in fixes)
    told = f"{count} change{'' if count == 1 else 's'} in {len(fixes)} file{'' if len(fixes) == 1 else 's'}"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{told}: nothing is written without a yes", help="look at the change, then add --yes")
        if not typer.confirm(f"{told}. Write?", err=True):
            return False
    for fix in fixes:
        try:
            if not apply_fix(root, fix):
                complain(f"{fix.path} has changed meanwhile, and is left as it is", "type the command again")
        except OSError as error:
            raise UsageError(f"{fix.path} cannot be written: {error.strerror}", help="make it writable") from error
    error_console.print(f"mended: {told}")
    return True


def _show(
    findings: Sequence[Diagnostic], root: Path, format: Format, *, failed: bool = False, folded: bool = False
) -> None:
    """The result, on standard output; why there is none, to people on standard error."""
    import sys

    if format is Format.JSON:
        from publisher.diagnostics.json import render_json as render
    elif format is Format.GITHUB:
        from publisher.diagnostics.github import render_github

        render = partial(render_github, folded=folded)
    elif format is Format.SARIF:
        from publisher.diagnostics.sarif import render_sarif as render
    else:
        from publisher.cli.console import console, error_console
        from publisher.diagnostics.text import render_text

        stream, terminal = (sys.stderr, error_console) if failed else (sys.stdout, console)
        stream.write(render_text(findings, root, color=terminal.is_terminal and not terminal.no_color, folded=folded))
        return
    sys.stdout.write(render(findings))


def _summary(findings: Sequence[Diagnostic], issues: int, mendable: int) -> None:
    """The counts, on standard error, and what need not be mended by hand."""
    from publisher.cli.console import error_console

    numbers = {name: sum(finding.severity == name for finding in findings) for name in ("error", "warning", "info")}
    counts = [
        f"{number} {name}{'s' if number > 1 and name != 'info' else ''}" for name, number in numbers.items() if number
    ]
    told = ", ".join(counts) or "no problem"
    where = f" in {issues} issue{'' if issues == 1 else 's'}" if issues else ""
    fixes = f"; publisher check --fix mends {mendable} of them" if mendable else ""
    error_console.print(f"{told}{where}{fixes}")
