"""What ``publish`` shows: progress on standard error, what became of each issue on standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from publisher.cli.console import complain, console, error_console
from publisher.cli.sending import stop_on_signals
from publisher.config import load_config
from publisher.config.model import Config
from publisher.config.placeholders import refuse_placeholders
from publisher.database import Database, open_database
from publisher.delivery.endings import account_line, explain, status_row
from publisher.delivery.send import Started
from publisher.delivery.sender import Interrupt
from publisher.delivery.sender import Progress as Sending
from publisher.delivery.states import mailing_state
from publisher.delivery.tripwires import Tripped, alert
from publisher.errors import PublisherError
from publisher.providers import open_provider
from publisher.publishing.due import Kind
from publisher.publishing.outcome import Outcome, Published, Watch
from publisher.publishing.publish import Wishes, publish

POST_SECONDS = 300.0
"""How long a run of publish goes on with confirmation mail."""
QUIET = frozenset({Kind.DONE, Kind.DRAFT, Kind.SETTLED})


def run(root: Path, wishes: Wishes, *, as_json: bool) -> int:
    """Do it; the exit status."""
    config = load_config(root)
    refuse_placeholders(config)
    database = open_database(config)
    interrupt = Interrupt()
    try:
        with _Bars() as bars:
            watch = Watch(
                building=bars,
                deploying=bars.deploying,
                waiting=_waiting,
                settling=_settling,
                confirm_first=lambda slugs: _confirm_first(bars, slugs),
                started=bars.started,
                sending=bars.sending,
                interrupt=interrupt,
                guard=lambda: stop_on_signals(interrupt),
            )
            published = publish(config, database, wishes, watch)
        _post(config, database)
    finally:
        database.close()
    _print_findings(config, published)
    _alert(config, published)
    if as_json:
        print(json.dumps(_row(published), ensure_ascii=False, indent=2))
    else:
        _print(config, published)
    return published.exit_status


def _post(config: Config, database: Database) -> None:
    """Send the confirmation mails that wait; serve sends most of them at once."""
    from publisher.web.confirmation import post

    try:
        post(config, database, POST_SECONDS)
    except PublisherError as error:
        error_console.print(f"[yellow]warning:[/] confirmation mail waits: {escape(error.message)}")


def _alert(config: Config, published: Published) -> None:
    """Tell ``alerts.webhook`` what needs somebody. What a mailing tripped over, its sender has told already."""
    tripped = [
        Tripped(
            "overdue" if outcome.decision.kind is Kind.EXPIRED else outcome.decision.kind.value,
            outcome.decision.slug,
            f"{outcome.decision.slug}: {outcome.trouble or outcome.decision.says}",
            outcome.help or outcome.decision.help or "publisher publish",
            stops=False,
        )
        for outcome in published.outcomes
        if outcome.sent is None and outcome.exit_status
    ]
    if note := alert(config, tripped):
        error_console.print(f"[yellow]warning:[/] {escape(note)}")


def _waiting(holder: str) -> None:
    error_console.print(f"waiting for another run of publish ({escape(holder)}) to end or to be given up …")


def _settling(how: str, slugs: Sequence[str]) -> None:
    said = "mailed already" if how == "mailed" else "not mailed yet"
    error_console.print(f"taken as {said}: {escape(', '.join(slugs))}")


def _confirm_first(bars: _Bars, slugs: Sequence[str]) -> bool:
    """Ask on a terminal whether a first run is to mail several issues."""
    if not sys.stdin.isatty():
        return False
    bars.stop()
    error_console.print(f"This is the first publish, and {len(slugs)} issues are due: {escape(', '.join(slugs))}.")
    error_console.print("Mail each of them to every subscriber now? [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _print_findings(config: Config, published: Published) -> None:
    """Errors and warnings, many of one kind as one. A job's summary has all warnings."""
    from publisher.diagnostics import Severity
    from publisher.diagnostics.text import render_text

    warnings = [found for found in published.diagnostics if found.severity is Severity.WARNING]
    if shown := [found for found in published.diagnostics if found.severity is not Severity.INFO]:
        error_console.print(render_text(shown, config.root, folded=True), end="", markup=False, highlight=False)
    if warnings and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        lines = [f"- `{w.path}:{w.span.line}` {w.code}: {w.message}" for w in warnings]
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write("\n".join([f"## {len(warnings)} warnings", "", *lines, ""]))


def _print(config: Config, published: Published) -> None:
    late = [outcome for outcome in published.outcomes if outcome.decision.kind in {Kind.MISSED, Kind.EXPIRED}]
    for outcome in published.outcomes:
        if outcome.decision.kind not in QUIET and (outcome not in late or len(late) <= 3):
            _print_outcome(config, outcome)
    if len(late) > 3:
        slugs = [outcome.decision.slug for outcome in late]
        kinds = {outcome.decision.kind for outcome in late}
        ways = {Kind.MISSED: "publisher publish --unmailed SLUG", Kind.EXPIRED: "publisher send SLUG"}
        one = ", or ".join(way for kind, way in ways.items() if kind in kinds)
        which = " (that one, where publish_at is set)" if len(kinds) > 1 else ""
        complain(
            f"{len(late)} issues are older than publish.expires_after and not sent by themselves: {', '.join(slugs)}",
            f"publisher publish --mailed all, if readers have them; {one}{which} mails one now",
        )
    for kind, words in ((Kind.DONE, "mailed earlier"), (Kind.SETTLED, "mailed elsewhere"), (Kind.DRAFT, "in draft")):
        if count := sum(outcome.decision.kind is kind for outcome in published.outcomes):
            console.print(f"{count} issue{'' if count == 1 else 's'} {words}")
    if published.blocked:
        complain(f"the archive was not deployed: {published.blocked}", "correct the errors; publisher check shows them")
        return
    _print_archive(published)


def _print_outcome(config: Config, outcome: Outcome) -> None:
    decision, sent, provider = outcome.decision, outcome.sent, open_provider(config)
    if sent is None:
        line = f"{decision.slug}: {outcome.trouble or decision.says}"
        if outcome.exit_status:
            complain(line, outcome.help or decision.help)
        else:
            console.print(escape(line))
        return
    console.print(escape(account_line(decision.slug, sent.account)))
    for tripped in sent.tripped:
        complain(f"tripwire {tripped.name}: {tripped.message}", tripped.help)
    message, action = explain(sent, provider)
    if message:
        complain(message, action)
    if folder := provider.written(decision.slug):
        console.print(f"  messages: {escape(_short(folder))}{os.sep}", style="dim")


def _print_archive(published: Published) -> None:
    deployed = published.deployed
    written, removed = (len(deployed.written), len(deployed.removed)) if deployed else (0, 0)
    did = f"{written} written" + (f", {removed} removed" if removed else "") if written or removed else "up to date"
    pages = f"{published.issues} issue{'' if published.issues == 1 else 's'}"
    console.print(f"archive: {pages}, files {did}" if written or removed else f"archive: {pages}, {did}")
    where = published.archive
    if not where.startswith("s3:"):
        where = _short(Path(where) / "index.html")
    console.print(f"  look at: {escape(where)}", style="dim")
    console.print(f"  built:   {escape(_short(published.site / 'index.html'))}", style="dim")


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
        "issues": [_issue_row(outcome) for outcome in published.outcomes],
    }


def _issue_row(outcome: Outcome) -> dict[str, Any]:
    decision, sent = outcome.decision, outcome.sent
    row: dict[str, Any] = {
        "issue": decision.slug,
        "decision": decision.kind.value,
        "why": outcome.trouble or decision.why,
        "help": outcome.help or decision.help,
        "at": decision.at.isoformat() if decision.at else None,
        "account": None,
    }
    if sent:
        state = mailing_state(sent.account, sent.mailing.operator)
        row["account"] = status_row(sent.mailing.slug, sent.mailing, sent.account, state)
    return row


class _Bars:
    """One progress bar after the other on standard error, on a terminal only."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=error_console,
            transient=True,
            disable=not error_console.is_terminal,
        )
        self._build = self._progress.add_task("building", total=None)
        self._deploy = self._progress.add_task("deploying", total=None, visible=False)
        self._send = self._progress.add_task("sending", total=None, visible=False)

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the terminal to somebody else."""
        self._progress.stop()

    def total(self, issues: int) -> None:
        """So many issues are to be prepared."""
        self._progress.update(self._build, total=issues)

    def step(self) -> None:
        """One is."""
        self._progress.advance(self._build)

    def deploying(self, done: int, total: int) -> None:
        """So many files are up."""
        self._progress.update(self._deploy, completed=done, total=total, visible=True)

    def started(self, started: Started) -> None:
        """A mailing begins or goes on."""
        name = f"sending {started.mailing.slug}"
        self._progress.update(self._send, description=name, completed=0, total=started.account.pending, visible=True)
        for note in (started.quota.note,) if started.quota.note else ():
            error_console.print(f"[yellow]warning:[/] {escape(note)}")

    def sending(self, step: Sending) -> None:
        """How far it is."""
        done = step.submitted + step.rejected + step.uncertain + step.excluded
        self._progress.update(self._send, completed=done)
