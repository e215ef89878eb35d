"""Output of ``publish``: progress on standard error, the result of each issue on standard output."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from publisher.cli.frame import config_of
from publisher.cli.output import Bar, agreed, echo, emit, print_error, remark, show_findings, warn
from publisher.cli.sending import account_row, print_ending, stop_on_signals
from publisher.config.model import Config
from publisher.delivery.send import Started
from publisher.delivery.sender import Interrupt
from publisher.delivery.status import account_line
from publisher.diagnostics import Sentence, Severity, counted, listed, rendered, say
from publisher.diagnostics.sentences import reason_of
from publisher.library import publish_due
from publisher.providers import open_provider
from publisher.publishing.due import Action
from publisher.publishing.publish import PublishOptions
from publisher.publishing.run import IssueResult, Published, RunObserver, announcement_trouble

QUIET = frozenset({Action.DONE, Action.DRAFT, Action.SETTLED, Action.LATE})
_WAITING = say("waiting for another run of publish ({holder}) to end or to be given up …")


def run(context: typer.Context, options: PublishOptions, *, as_json: bool) -> int:
    """Run publish; return the exit status."""
    config, interrupt = config_of(context), Interrupt()
    with Bar(say("building")) as bar:
        observer = RunObserver(
            building=bar.at, deploying=lambda done, total: bar.at(done, total, say("deploying")),
            waiting=lambda holder: remark(say(_WAITING, holder=holder)),
            late=lambda fault: remark(say("waiting for the page to be live: {fault} …", fault=fault)),
            settling=_settling, confirm_first=lambda slugs: _confirm_first(bar, slugs),
            started=lambda started: _started(bar, started),
            sending=lambda step: bar.at(step.submitted + step.rejected + step.uncertain + step.excluded),
            interrupt=interrupt, note=warn, guard=lambda: stop_on_signals(interrupt),
        )  # fmt: skip
        published = publish_due(config, options, observer)
    _print_findings(config, published)
    if as_json:
        emit(_row(published))
    else:
        _print(config, published)
    return published.exit_status


def _settling(how: str, slugs: Sequence[str]) -> None:
    mailed, not_yet = say("taken as mailed already: {slugs}"), say("taken as not mailed yet: {slugs}")
    remark(say(mailed if how == "mailed" else not_yet, slugs=listed(slugs)))


def _started(bar: Bar, started: Started) -> None:
    bar.begin(say("sending {slug}", slug=started.mailing.slug), started.account.pending)
    if started.quota.note:
        warn(started.quota.note)


def _confirm_first(bar: Bar, slugs: Sequence[str]) -> bool:
    """Ask on a terminal whether a first run shall mail several issues."""
    if not sys.stdin.isatty():
        return False
    bar.stop()
    remark(say("This is the first publish, and {n} issues are due: {slugs}.", n=len(slugs), slugs=listed(slugs)))
    return agreed(say("Mail each of them to every subscriber now?"), yes=False)


def _print_findings(config: Config, published: Published) -> None:
    """Print errors and warnings, folded by kind; a CI job summary lists all warnings."""
    warnings = [found for found in published.diagnostics if found.severity is Severity.WARNING]
    shown = [found for found in published.diagnostics if found.severity is not Severity.INFO]
    show_findings(shown, config.root, folded=True)
    if warnings and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        lines = [f"- `{w.path}:{w.span.line}` {w.code}: {rendered(w.message)}" for w in warnings]
        head = rendered(counted("{n} warning", "{n} warnings", len(warnings)))
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write("\n".join([f"## {head}", "", *lines, ""]))
        except OSError as error:  # the mail is out; the account must still be printed
            warn(say("{path} cannot be written: {reason}", path=summary, reason=reason_of(error)))


def _print(config: Config, published: Published) -> None:
    late = [outcome for outcome in published.outcomes if outcome.decision.kind in {Action.MISSED, Action.EXPIRED}]
    renamed = [outcome for outcome in published.outcomes if outcome.decision.kind is Action.RENAMED]
    folded = [outcome for many in (late, renamed) if len(many) > 3 for outcome in many]
    for outcome in published.outcomes:
        if outcome.decision.kind not in QUIET and outcome not in folded:
            _print_outcome(config, outcome)
    if len(renamed) > 3:
        names = listed(f"{one.decision.slug} (as {one.decision.facts.mailed_as})" for one in renamed)
        back = say("give the folders their old names back; or publisher publish --mailed all mails nobody")
        fault = say("readers have {n} issues by names that are gone from issues/: {names}", n=len(renamed), names=names)
        print_error(fault, back)
    if len(late) > 3:
        slugs = [outcome.decision.slug for outcome in late]
        kinds = {outcome.decision.kind for outcome in late}
        ways = {Action.MISSED: "publisher publish --unmailed SLUG", Action.EXPIRED: "publisher send SLUG"}
        one: str = listed((way for kind, way in ways.items() if kind in kinds), say("{one}, or {other}"))
        if len(kinds) > 1:
            one = say("{ways} (that one, where publish_at is set)", ways=one)
        named: dict[str, str | int] = {"n": len(late), "slugs": listed(slugs)}
        fault = say("{n} issues are older than publish.expires_after and not sent by themselves: {slugs}", **named)
        print_error(fault, say("publisher publish --mailed all, if readers have them; {one} mails one now", one=one))
    for announced in published.announcements:
        print_error(*announcement_trouble(announced))
    decisions = [outcome.decision for outcome in published.outcomes]
    done = [one.facts.mailed for one in decisions if one.kind is Action.DONE and one.facts.mailed]
    nobody = sum(mailed.nobody for mailed in done)
    tried = sum(mailed.in_folder and not mailed.nobody for mailed in done) if config.delivery.leaves else 0
    for kind in (Action.DONE, Action.SETTLED, Action.LATE, Action.DRAFT):
        if count := sum(one.kind is kind for one in decisions) - (nobody + tried if kind is Action.DONE else 0):
            echo(_quiet(kind, count))
    if tried:
        echo(counted(
            "{n:,} issue went only into the folder; publisher send ISSUE --correction mails it",
            "{n:,} issues went only into the folder; publisher send ISSUE --correction mails one", tried,
        ))  # fmt: skip
    if nobody:
        echo(counted(
            "{n:,} issue went to nobody; publisher send ISSUE mails it",
            "{n:,} issues went to nobody; publisher send ISSUE mails one", nobody,
        ))  # fmt: skip
    if published.blocked:
        message = say("the archive was not deployed: {why}", why=published.blocked)
        print_error(message, say("correct the errors; publisher check shows them"))
        return
    _print_archive(published)


def _quiet(kind: Action, n: int) -> Sentence:
    """Return the line that stands for all outcomes of a kind which needs none of its own."""
    late = counted("{n:,} issue whose family went out without it", "{n:,} issues whose family went out without it", n)
    return {
        Action.DONE: counted("{n:,} issue mailed earlier", "{n:,} issues mailed earlier", n),
        Action.SETTLED: counted("{n:,} issue mailed elsewhere", "{n:,} issues mailed elsewhere", n),
        Action.LATE: late,
        Action.DRAFT: counted("{n:,} issue in draft", "{n:,} issues in draft", n),
    }[kind]


def _print_outcome(config: Config, outcome: IssueResult) -> None:
    decision, sent, provider = outcome.decision, outcome.sent, open_provider(config)
    if sent is None:
        line = say("{slug}: {told}", slug=decision.slug, told=outcome.trouble or decision.says)
        if outcome.exit_status:
            print_error(line, outcome.help or decision.help)
        else:
            echo(line)
        return
    echo(account_line(decision.slug, sent.account))
    print_ending(sent, provider, echo)
    if sent.account.submitted and (folder := provider.written(decision.slug)):
        _aside(say("messages: {folder}", folder=f"{_short(folder)}{os.sep}"))


def _print_archive(published: Published) -> None:
    deployed = published.deployed
    written, removed = (len(deployed.written), len(deployed.removed)) if deployed else (0, 0)
    did: str = say("up to date")
    if written or removed:
        counts = [say("files {n} written", n=written), *([say("{n} removed", n=removed)] if removed else [])]
        did = listed(counts)
    echo(counted("archive: {n:,} issue, {did}", "archive: {n:,} issues, {did}", published.issues, did=did))
    where = published.archive
    shown = where if where.startswith("s3:") else _short(Path(where) / "index.html")
    _aside(say("look at: {where}", where=shown))
    _aside(say("built:   {where}", where=_short(published.site / "index.html")))


def _aside(text: str) -> None:
    echo(f"  {rendered(text)}", "dim")


def _short(path: Path) -> str:
    """The path relative to the current folder, if that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _row(published: Published) -> dict[str, Any]:
    files = published.deployed
    written, removed = (files.written, files.removed) if files else ((), ())
    about = {"where": published.archive, "issues": published.issues}
    return {
        "exit_status": published.exit_status,
        "blocked": published.blocked,
        "archive": {**about, "written": [*written], "removed": [*removed]},
        **({"announcements": left} if (left := [one.as_object() for one in published.announcements]) else {}),
        "issues": [_issue_row(outcome) for outcome in published.outcomes],
    }


def _issue_row(outcome: IssueResult) -> dict[str, Any]:
    decision, sent = outcome.decision, outcome.sent
    return decision.as_object() | {
        "why": rendered(outcome.trouble or decision.why),
        "help": rendered(told) if (told := outcome.help or decision.help) else None,
        "account": account_row(sent) if sent else None,
    }
