"""What ``send`` shows while it works: progress on standard error, the account on standard output."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from publisher.cli.console import complain, console, error_console
from publisher.config import load_config
from publisher.config.model import Config
from publisher.config.placeholders import refuse_placeholders, unready
from publisher.database import Database, open_database
from publisher.delivery import mailings, tripwires
from publisher.delivery.endings import account_line, explain
from publisher.delivery.freeze import segment_of
from publisher.delivery.send import DryRun, Options, Sent, Started, send_test
from publisher.delivery.send import dry_run as count
from publisher.delivery.sender import Interrupt
from publisher.delivery.sender import Progress as Step
from publisher.edition.model import Edition
from publisher.errors import DeployError
from publisher.proofing import Proof, proofread, refuse_unknown
from publisher.providers import open_provider
from publisher.publishing.witness import Witness, mail, refuse_forgetful


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed. ``spread`` is in seconds."""

    issue: str
    addresses: tuple[str, ...] = ()
    dry_run: bool = False
    spread: float | None = None
    without_archive: bool = False
    correction: bool = False
    despite_tripwires: bool = False
    yes: bool = False
    json: bool = False


def run(root: Path, wish: Wish) -> int:
    """Do it; the exit status."""
    config = load_config(root)
    refuse_unknown(config, wish.issue)
    proof = proofread(config, wish.issue)
    _show_findings(proof)
    if proof.edition is None:
        complain(f"{wish.issue} has errors", f"publisher check {wish.issue}")
        return 1
    if proof.draft and not wish.addresses:
        complain(f"{wish.issue} is a draft", "write status: ready in its issue.yaml")
        return 1
    if wish.addresses:
        for one in unready(config):
            error_console.print(f"[yellow]warning:[/] {escape(one.message)}; send without --test refuses")
        return _test(config, proof.edition, wish)
    if not wish.dry_run:
        refuse_placeholders(config)
    database = open_database(config)
    try:
        return _mail(config, database, proof.edition, wish)
    finally:
        database.close()


def _mail(config: Config, database: Database, edition: Edition, wish: Wish) -> int:
    witness = _ask_witness(config, database, wish)
    interrupt = Interrupt()
    options = Options(
        spread=timedelta(seconds=wish.spread) if wish.spread else None,
        correction=wish.correction,
        despite_tripwires=wish.despite_tripwires,
        segment=segment_of(config, edition),
        interrupt=interrupt,
    )
    if wish.dry_run:
        _print_dry_run(wish, count(database, edition, options))
        return 0
    early = edition.publish_at
    if early and early > datetime.now(UTC) and not _confirms_early(early, wish):
        complain(f"{wish.issue} is due {early.isoformat(timespec='minutes')}; nothing was sent")
        return 1
    view = _Lines() if wish.json else _Bar(wish.issue)
    with stop_on_signals(interrupt), view:
        options = replace(options, started=view.started, progress=view.progress)
        sent = mail(witness, config, database, edition, options)
    _print_account(config, wish, sent)
    _report_overdue(config, database, wish)
    return sent.exit_status


def _ask_witness(config: Config, database: Database, wish: Wish) -> Witness | None:
    """The archive, which knows nothing that the ledger does not; None where it is not to be asked."""
    if wish.without_archive:
        return None
    try:
        witness = Witness.open(config)
        refuse_forgetful(witness, database, wish.issue, correction=wish.correction)
    except DeployError as error:
        message = f"the archive cannot be asked whether {wish.issue} was mailed: {error.message}"
        raise DeployError(message, help=f"{error.help or 'mend that'}; or send --without-archive") from error
    return witness


def _test(config: Config, edition: Edition, wish: Wish) -> int:
    failed = send_test(config, edition, list(wish.addresses))
    for number, code in failed:
        complain(f"the test to address {number} of {len(wish.addresses)} was not submitted: {code}")
    done = len(wish.addresses) - len(failed)
    if wish.json:
        print(json.dumps({"event": "test", "issue": wish.issue, "submitted": done, "failed": len(failed)}))
    else:
        console.print(f"{done} test message{'s' if done != 1 else ''} of {escape(wish.issue)} submitted")
    return 1 if failed else 0


def _confirms_early(at: datetime, wish: Wish) -> bool:
    error_console.print(
        f"[yellow]warning:[/] {escape(wish.issue)} is due only {at.isoformat(timespec='minutes')}; "
        "publisher publish would wait"
    )
    if wish.yes or not sys.stdin.isatty():
        return True
    import typer

    return typer.confirm("Send it now?", err=True)


def _show_findings(proof: Proof) -> None:
    from publisher.diagnostics import Severity
    from publisher.diagnostics.text import render_text

    shown = [d for d in proof.findings if d.severity is not Severity.INFO]
    if shown:
        error_console.print(render_text(shown, folded=True), end="", markup=False, highlight=False)


def _print_dry_run(wish: Wish, found: DryRun) -> None:
    if wish.json:
        row = {
            "event": "dry-run",
            "issue": wish.issue,
            "recipients": found.recipients,
            "excluded_by_reason": found.excluded_by_reason,
            "ongoing": found.ongoing is not None,
        }
        print(json.dumps(row))
        return
    left = "are left to be mailed" if found.ongoing else "would be mailed"
    console.print(f"{found.recipients:,} recipients {left}; nothing was sent or written")
    for reason, people in found.excluded_by_reason.items():
        console.print(f"  excluded, {reason}: {people:,}")


def _print_account(config: Config, wish: Wish, sent: Sent) -> None:
    for tripped in sent.tripped:
        complain(f"tripwire {tripped.name}: {tripped.message}", tripped.help)
    for note in sent.notes:
        error_console.print(f"[yellow]warning:[/] {escape(note)}")
    message, action = explain(sent, open_provider(config))
    if wish.json:
        print(json.dumps({"event": "end", "ending": sent.ending.value, "code": sent.code} | as_row(sent.mailing, sent)))
    else:
        console.print(escape(account_line(sent.mailing.slug, sent.account)))
    if message:
        if sent.exit_status == 0:
            error_console.print(escape(message))
        else:
            complain(message, action)


def as_row(mailing: mailings.Mailing, sent: Sent) -> dict[str, Any]:
    """The account as the JSON of ``status`` has it."""
    from publisher.delivery.endings import status_row
    from publisher.delivery.states import mailing_state

    return status_row(mailing.slug, mailing, sent.account, mailing_state(sent.account, mailing.operator))


def _report_overdue(config: Config, database: Database, wish: Wish) -> None:
    from publisher.delivery.status import readings, ready_issues

    with database.connect() as connection:
        frozen = {mailing.slug for mailing in mailings.every_newest(connection)}
    late = tripwires.overdue(ready_issues(readings(config, without=frozen)), {*frozen, wish.issue}, config)
    for tripped in late[:5]:
        error_console.print(f"[yellow]overdue:[/] {escape(tripped.message)} ({escape(tripped.help)})")
    if len(late) > 5:
        error_console.print(f"[yellow]overdue:[/] {len(late) - 5} more")
    if note := tripwires.alert(config, late):
        error_console.print(f"[yellow]warning:[/] {escape(note)}")


@contextmanager
def stop_on_signals(interrupt: Interrupt) -> Iterator[None]:
    """SIGINT and SIGTERM ask for an orderly end; a second one for an immediate one."""

    def ask(_number: int, _frame: object) -> None:
        interrupt.request()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Lines:
    """One JSON object a line on standard output."""

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def started(self, started: Started) -> None:
        self._say(
            event="start",
            issue=started.mailing.slug,
            digest=started.mailing.digest,
            audience=started.account.audience,
            pending=started.account.pending,
            frozen=started.frozen,
            recovered=started.recovered,
            transport=started.transport,
        )

    def progress(self, step: Step) -> None:
        self._say(
            event="progress",
            submitted=step.submitted,
            rejected=step.rejected,
            uncertain=step.uncertain,
            throttled=step.throttled,
            in_flight=step.in_flight,
        )

    @staticmethod
    def _say(**row: Any) -> None:
        print(json.dumps(row), flush=True)


class _Bar:
    """A progress bar on standard error, with rate, time left and the account so far."""

    def __init__(self, issue: str) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[account]}"),
            console=error_console,
            disable=not error_console.is_terminal,
        )
        self._issue = issue
        self._task: Any = None
        self._stopping = False

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def started(self, started: Started) -> None:
        account = started.account
        verb = "frozen for" if started.frozen else "carries on:"
        people = f"{account.pending:,} recipient{'' if account.pending == 1 else 's'}"
        words = f"{self._issue} {verb} {people}, {account.excluded:,} excluded ({started.transport})"
        error_console.print(escape(words))
        for note in _notes(started):
            error_console.print(f"[yellow]warning:[/] {escape(note)}")
        self._task = self._bar.add_task("Sending", total=account.pending, rate="", account="")

    def progress(self, step: Step) -> None:
        if self._task is None:
            return
        done = step.submitted + step.rejected + step.uncertain + step.excluded
        odd = [f"{n:,} {w}" for n, w in ((step.rejected, "rejected"), (step.uncertain, "uncertain")) if n]
        self._bar.update(self._task, completed=done, account=", ".join(odd), rate=self._rate())
        if step.ending is not None and step.in_flight and not self._stopping:
            self._stopping = True
            error_console.print("stopping: waiting for the calls in flight (once more to stop at once)")

    def _rate(self) -> str:
        task = self._bar.tasks[0]
        return f"{task.speed:,.0f}/s" if task.speed else ""


def _notes(started: Started) -> Sequence[str]:
    notes = [started.quota.note] if started.quota.note else []
    if started.recovered:
        notes.append(
            f"an earlier run died: {started.recovered:,} recipients are uncertain until events settle them "
            f"(publisher reconcile {started.mailing.slug})"
        )
    left = started.quota.left_today
    if left is not None and left < started.account.pending:
        notes.append(f"today's quota has room for {left:,} of {started.account.pending:,}; send again when it has more")
    return notes
