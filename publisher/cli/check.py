"""``publisher check``, ``explain`` and ``schema``: all findings, their explanations, and the schemas of the files."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from publisher.cli.frame import CacheFolder, app, chosen_slugs, examples, slug_in
from publisher.cli.output import Bar, agreed, console, print_error, remark, show_findings, write
from publisher.diagnostics import Diagnostic, blocking, listed, rendered, say
from publisher.errors import ConfigError, UsageError, refusal

if TYPE_CHECKING:
    from publisher.config import Config

Written = Literal["text", "json", "github", "sarif"]


@app.command(epilog=examples("publisher check", "publisher check 2024-12-29-weekly --format json"))
def check(
    context: typer.Context,
    issues: Annotated[
        list[str] | None, typer.Argument(metavar="ISSUE", help="Slugs, or paths such as issues/SLUG; by default, all.")
    ] = None,
    format: Annotated[Written, typer.Option(help="The output format of findings.")] = "text",
    links: Annotated[bool, typer.Option("--links", help="Visit every link, and report dead and moved ones.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Fix what has only one correction; shows the diff first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --fix: write without asking.")] = False,
    cache: CacheFolder = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show each finding, instead of grouping many of one kind (text and GitHub).")
    ] = False,
) -> int:
    """Check issues and report every problem. Writes nothing, except with --fix.

    Exit status 1 if there is an error; warnings alone leave it 0.
    """
    from publisher.diagnostics.text import summed_up
    from publisher.proofing.checking import check_repository, remembered

    root, config = context.obj.resolve(), None
    slugs = [slug_in(root, name) for name in issues] if issues else None
    checked = None if fix or links or format == "sarif" else remembered(root, slugs, cache=cache)
    if checked is None:
        from publisher.config import load_config
        from publisher.issue.folder import discover

        try:
            config = load_config(root)
            slugs = chosen_slugs(root, issues)
            with Bar(say("checking")) as bar:
                bar.total(len(discover(root)))
                checked = check_repository(config, slugs, cache=cache, progress=bar.step)
            if fix and _mend(root, checked.diagnostics, yes=yes):
                checked = check_repository(config, slugs, cache=cache)
        except ConfigError as error:  # some faults are found on first use
            _show(error.diagnostics, root, format, None, sys.stderr)
            remark(summed_up(error.diagnostics, 0, 0))
            return 2
    found = [*checked.diagnostics]
    if links and config:
        from publisher.checks.links.checker import check_all_links

        with Bar(say("asking links")) as bar:
            found += check_all_links(config, checked.slugs, bar.at)
    _show(found, root, format, config, sys.stdout, folded=not everything)
    remark(summed_up(found, len(checked.slugs), _mendable(root, found)))
    return int(blocking(found))


def _mendable(root: Path, findings: Sequence[Diagnostic]) -> int:
    if not findings:
        return 0
    from publisher.checks.fixes import plan_fixes

    return sum(fix.count for fix in plan_fixes(root, findings))


def _mend(root: Path, findings: Sequence[Diagnostic], *, yes: bool) -> bool:
    """Show the changes of --fix, ask, and write them; return whether anything was written."""
    from publisher.checks.fixes import ASKED, MENDED, NOTHING, apply_fix, changes, plan_fixes

    fixes = plan_fixes(root, findings)
    if not fixes:
        remark(rendered(NOTHING))
        return False
    for fix in fixes:
        write(fix.diff(), sys.stderr)
    told = changes(fixes)
    unwritten = say("{told}: nothing is written without a yes", told=told)
    unasked = UsageError(unwritten, help=say("look at the change, then add --yes"))
    if not agreed(rendered(say(ASKED, told=told)), yes, unasked):
        return False
    for fix in fixes:
        with refusal(say("{path} cannot be written", path=fix.path), say("make it writable")):
            if not apply_fix(root, fix):
                changed = say("{path} has changed meanwhile, and is left as it is", path=fix.path)
                print_error(changed, say("type the command again"))
    remark(rendered(say(MENDED, told=told)))
    return True


def _show(
    findings: Sequence[Diagnostic],
    root: Path,
    format: Written,
    config: Config | None,
    stream: TextIO,
    *,
    folded: bool = False,
) -> None:
    """Print the result to standard output; text for people goes to ``stream``."""
    if format == "text":
        show_findings(findings, root, stream, folded=folded)
        return
    from publisher.diagnostics import machines

    if format == "json":
        sys.stdout.write(machines.render_json(findings))
    elif format == "github":
        sys.stdout.write(machines.render_github(findings, folded=folded))
    else:
        from publisher.checks.registry import codes

        sys.stdout.write(machines.render_sarif(findings, codes(config)))


@app.command(epilog=examples("publisher explain unknown-key"))
def explain(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code of a finding, as shown by check.")],
) -> None:
    """Explain a finding: what it means, why it matters, and an example."""
    text = explained(context.obj, code)
    if sys.stdout.isatty():
        from rich.markdown import Markdown

        console().print(Markdown(text))
    else:
        sys.stdout.write(text)


def explained(root: Path, code: str) -> str:
    """The explanation of a finding's code as Markdown. Raises UsageError."""
    from publisher.checks.registry import codes
    from publisher.config import read_config

    known = codes(read_config(root)[0])
    name = code.strip().strip("[]").lower()
    if name not in known:
        near = difflib.get_close_matches(name, known, 5, 0.4) or sorted(known)[:5]
        advice = say("use one of {near}", near=listed(near))
        raise UsageError(say("there is no code {code}", code=code), help=advice)
    return known[name].explained()


@app.command(epilog=examples("publisher schema issue > schema/issue.json"))
def schema(
    kind: Annotated[
        Literal["issue", "item", "config"], typer.Argument(metavar="issue|item|config", help="The kind of file.")
    ],
) -> None:
    """Print the JSON Schema of issue.yaml, of an item or of config.yaml.

    To use it, begin issue.yaml with: [bold]# yaml-language-server: $schema=../../schema/issue.json[/]
    """
    from publisher.authoring.bundled import schema_text

    sys.stdout.write(schema_text(kind))
