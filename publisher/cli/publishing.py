"""What ``publish`` shows: progress on standard error, what became of each issue on standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from publisher.cli.frame import (
    Bar,
    complain,
    config_of,
    console,
    counted,
    emit,
    error_console,
    say,
    show_findings,
    tell,
    warn,
)
from publisher.cli.sending import account_row, stop_on_signals
from publisher.config.model import Config
from publisher.delivery.send import Started
from publisher.delivery.sender import Interrupt
from publisher.delivery.status import account_line, explain
from publisher.diagnostics import Severity, rendered
from publisher.library import publish_due
from publisher.providers import open_provider
from publisher.publishing.due import Action
from publisher.publishing.publish import PublishOptions
from publisher.publishing.run import IssueResult, Published, RunObserver, announcement_trouble

QUIET = frozenset({Action.DONE, Action.DRAFT, Action.SETTLED, Action.LATE})


def run(context: typer.Context, options: PublishOptions, *, as_json: bool) -> int:
    """Do it; the exit status."""
    config, interrupt = config_of(context), Interrupt()
    with Bar("building") as bar:
        observer = RunObserver(
            building=bar.at,
            deploying=lambda done, total: bar.at(done, total, "deploying"),
            waiting=lambda holder: tell(f"waiting for another run of publish ({holder}) to end or to be given up …"),
            settling=_settling,
            confirm_first=lambda slugs: _confirm_first(bar, slugs),
            started=lambda started: _started(bar, started),
            sending=lambda step: bar.at(step.submitted + step.rejected + step.uncertain + step.excluded),
            interrupt=interrupt,
            note=warn,
            guard=lambda: stop_on_signals(interrupt),
        )
        published = publish_due(config, options, observer)
    _print_findings(config, published)
    if as_json:
        emit(_row(published))
    else:
        _print(config, published)
    return published.exit_status


def _settling(how: str, slugs: Sequence[str]) -> None:
    said = "mailed already" if how == "mailed" else "not mailed yet"
    tell(f"taken as {said}: {', '.join(slugs)}")


def _started(bar: Bar, started: Started) -> None:
    bar.begin(f"sending {started.mailing.slug}", started.account.pending)
    if started.quota.note:
        warn(started.quota.note)


def _confirm_first(bar: Bar, slugs: Sequence[str]) -> bool:
    """Ask on a terminal whether a first run is to mail several issues."""
    if not sys.stdin.isatty():
        return False
    bar.stop()
    tell(f"This is the first publish, and {len(slugs)} issues are due: {', '.join(slugs)}.")
    error_console.print("Mail each of them to every subscriber now? [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _print_findings(config: Config, published: Published) -> None:
    """Errors and warnings, many of one kind as one. A job's summary has all warnings."""
    warnings = [found for found in published.diagnostics if found.severity is Severity.WARNING]
    shown = [found for found in published.diagnostics if found.severity is not Severity.INFO]
    show_findings(shown, config.root, folded=True)
    if warnings and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        lines = [f"- `{w.path}:{w.span.line}` {w.code}: {rendered(w.message)}" for w in warnings]
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write("\n".join([f"## {len(warnings)} warnings", "", *lines, ""]))


def _print(config: Config, published: Published) -> None:
    late = [outcome for outcome in published.outcomes if outcome.decision.kind in {Action.MISSED, Action.EXPIRED}]
    renamed = [outcome for outcome in published.outcomes if outcome.decision.kind is Action.RENAMED]
    folded = [outcome for many in (late, renamed) if len(many) > 3 for outcome in many]
    for outcome in published.outcomes:
        if outcome.decision.kind not in QUIET and outcome not in folded:
            _print_outcome(config, outcome)
    if len(renamed) > 3:
        names = ", ".join(f"{one.decision.slug} (as {one.decision.facts.mailed_as})" for one in renamed)
        back = "give the folders their old names back; or publisher publish --mailed all mails nobody"
        complain(f"readers have {len(renamed)} issues by names that are gone from issues/: {names}", back)
    if len(late) > 3:
        slugs = [outcome.decision.slug for outcome in late]
        kinds = {outcome.decision.kind for outcome in late}
        ways = {Action.MISSED: "publisher publish --unmailed SLUG", Action.EXPIRED: "publisher send SLUG"}
        one = ", or ".join(way for kind, way in ways.items() if kind in kinds)
        which = " (that one, where publish_at is set)" if len(kinds) > 1 else ""
        complain(
            f"{len(late)} issues are older than publish.expires_after and not sent by themselves: {', '.join(slugs)}",
            f"publisher publish --mailed all, if readers have them; {one}{which} mails one now",
        )
    for announced in published.announcements:
        complain(*announcement_trouble(announced))
    for kind, words in (
        (Action.DONE, "mailed earlier"),
        (Action.SETTLED, "mailed elsewhere"),
        (Action.LATE, "whose family was mailed without it"),
        (Action.DRAFT, "in draft"),
    ):
        if count := sum(outcome.decision.kind is kind for outcome in published.outcomes):
            say(f"{counted(count, 'issue')} {words}")
    if published.blocked:
        complain(f"the archive was not deployed: {published.blocked}", "correct the errors; publisher check shows them")
        return
    _print_archive(published)


def _print_outcome(config: Config, outcome: IssueResult) -> None:
    decision, sent, provider = outcome.decision, outcome.sent, open_provider(config)
    if sent is None:
        line = f"{decision.slug}: {outcome.trouble or decision.says}"
        if outcome.exit_status:
            complain(line, outcome.help or decision.help)
        else:
            say(line)
        return
    say(account_line(decision.slug, sent.account))
    for tripped in sent.tripped:
        complain(f"tripwire {tripped.name}: {tripped.message}", tripped.help)
    message, action = explain(sent, provider)
    if message and sent.exit_status == 0:
        say(message)
    elif message:
        complain(message, action)
    if folder := provider.written(decision.slug):
        _aside(f"messages: {_short(folder)}{os.sep}")


def _print_archive(published: Published) -> None:
    deployed = published.deployed
    written, removed = (len(deployed.written), len(deployed.removed)) if deployed else (0, 0)
    did = f"{written} written" + (f", {removed} removed" if removed else "") if written or removed else "up to date"
    say(f"archive: {counted(published.issues, 'issue')}, {'files ' if written or removed else ''}{did}")
    where = published.archive
    _aside(f"look at: {where if where.startswith('s3:') else _short(Path(where) / 'index.html')}")
    _aside(f"built:   {_short(published.site / 'index.html')}")


def _aside(text: str) -> None:
    console.print(f"  {text}", style="dim", markup=False)


def _short(path: Path) -> str:
    """Relative to where the command was typed, if that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _row(published: Published) -> dict[str, Any]:
    deployed = published.deployed
    return {
        "exit_status": published.exit_status,
        "blocked": published.blocked,
        "archive": {
            "where": published.archive,
            "issues": published.issues,
            "written": list(deployed.written) if deployed else [],
            "removed": list(deployed.removed) if deployed else [],
        },
        **({"announcements": left} if (left := [one.as_object() for one in published.announcements]) else {}),
        "issues": [_issue_row(outcome) for outcome in published.outcomes],
    }


def _issue_row(outcome: IssueResult) -> dict[str, Any]:
    decision, sent = outcome.decision, outcome.sent
    return decision.as_object() | {
        "why": outcome.trouble or decision.why,
        "help": outcome.help or decision.help,
        "account": account_row(sent) if sent else None,
    }
