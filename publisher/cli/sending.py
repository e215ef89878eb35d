"""What ``send`` shows while it works: progress on standard error, the account on standard output."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import typer
from rich.markup import escape

from publisher.cli.frame import Bar, complain, config_of, counted, error_console, opened, say, show_findings, tell, warn
from publisher.config.model import Config
from publisher.config.placeholders import unready
from publisher.database import Database
from publisher.delivery import mailings, tripwires
from publisher.delivery.freeze import segment_of
from publisher.delivery.send import DryRun, Options, Sent, Started, send_test
from publisher.delivery.send import dry_run as count
from publisher.delivery.sender import Interrupt
from publisher.delivery.sender import SendProgress as Step
from publisher.delivery.states import mailing_state
from publisher.delivery.status import account_line, explain, readings, ready_issues, status_row
from publisher.diagnostics import Severity
from publisher.edition.model import Edition
from publisher.errors import DeployError
from publisher.proofing.proof import proofread, refuse_unknown
from publisher.providers import open_provider
from publisher.publishing.witness import Witness, mail, refuse_forgetful


@dataclass(frozen=True, slots=True)
class SendRequest:
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


def run(context: typer.Context, wish: SendRequest) -> int:
    """Do it; the exit status."""
    config = config_of(context)
    refuse_unknown(config, wish.issue)
    proof = proofread(config, wish.issue)
    show_findings((d for d in proof.findings if d.severity is not Severity.INFO), folded=True)
    if proof.edition is None:
        complain(f"{wish.issue} has errors", f"publisher check {wish.issue}")
        return 1
    if proof.draft and not wish.addresses:
        complain(f"{wish.issue} is a draft", "write status: ready in its issue.yaml")
        return 1
    if wish.addresses:
        for one in unready(config):
            warn(f"{one.message}; send without --test refuses")
        return _test(config, proof.edition, wish)
    with opened(context, config, mails=not wish.dry_run) as (_, database):
        return _mail(config, database, proof.edition, wish)


def _mail(config: Config, database: Database, edition: Edition, wish: SendRequest) -> int:
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
    view = _JsonLines() if wish.json else _SendBar(wish.issue)
    with stop_on_signals(interrupt), view:
        options = replace(options, started=view.started, progress=view.progress)
        sent = mail(witness, config, database, edition, options)
    _print_account(config, wish, sent)
    _report_overdue(config, database, wish)
    return sent.exit_status


def _ask_witness(config: Config, database: Database, wish: SendRequest) -> Witness | None:
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


def _test(config: Config, edition: Edition, wish: SendRequest) -> int:
    failed = send_test(config, edition, list(wish.addresses))
    for number, code in failed:
        complain(f"the test to address {number} of {len(wish.addresses)} was not submitted: {code}")
    done = len(wish.addresses) - len(failed)
    if wish.json:
        _line(event="test", issue=wish.issue, submitted=done, failed=len(failed))
    else:
        say(f"{counted(done, 'test message')} of {wish.issue} submitted")
    return 1 if failed else 0


def _confirms_early(early: datetime, wish: SendRequest) -> bool:
    warn(f"{wish.issue} is due only {early.isoformat(timespec='minutes')}; publisher publish would wait")
    return wish.yes or not sys.stdin.isatty() or typer.confirm("Send it now?", err=True)


def _print_dry_run(wish: SendRequest, found: DryRun) -> None:
    if wish.json:
        _line(
            event="dry-run",
            issue=wish.issue,
            recipients=found.recipients,
            excluded_by_reason=found.excluded_by_reason,
            ongoing=found.ongoing is not None,
        )
        return
    left = "are left to be mailed" if found.ongoing else "would be mailed"
    say(f"{found.recipients:,} recipients {left}; nothing was sent or written")
    for reason, people in found.excluded_by_reason.items():
        say(f"  excluded, {reason}: {people:,}")


def _print_account(config: Config, wish: SendRequest, sent: Sent) -> None:
    for tripped in sent.tripped:
        complain(f"tripwire {tripped.name}: {tripped.message}", tripped.help)
    for note in sent.notes:
        warn(note)
    message, action = explain(sent, open_provider(config))
    if wish.json:
        _line(event="end", ending=sent.ending.value, code=sent.code, **account_row(sent))
    else:
        say(account_line(sent.mailing.slug, sent.account))
    if message and sent.exit_status == 0:
        tell(message)
    elif message:
        complain(message, action)


def account_row(sent: Sent) -> dict[str, Any]:
    """The account as the JSON of ``status`` has it."""
    mailing = sent.mailing
    return status_row(mailing.slug, mailing, sent.account, mailing_state(sent.account, mailing.operator))


def _line(**row: Any) -> None:
    """One JSON object a line on standard output."""
    print(json.dumps(row), flush=True)


def _report_overdue(config: Config, database: Database, wish: SendRequest) -> None:
    with database.connect() as connection:
        frozen = {mailing.slug for mailing in mailings.every_newest(connection)}
    late = tripwires.overdue(ready_issues(readings(config, without=frozen)), {*frozen, wish.issue}, config)
    for tripped in late[:5]:
        error_console.print(f"[yellow]overdue:[/] {escape(tripped.message)} ({escape(tripped.help)})")
    if len(late) > 5:
        error_console.print(f"[yellow]overdue:[/] {len(late) - 5} more")
    if note := tripwires.alert(config, late):
        warn(note)


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


class _JsonLines(nullcontext[None]):
    """How far it is, as JSON lines."""

    def started(self, started: Started) -> None:
        _line(
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
        counts = ("submitted", "rejected", "uncertain", "throttled", "in_flight")
        _line(event="progress", **{name: getattr(step, name) for name in counts})


class _SendBar(Bar):
    """A progress bar on standard error, with the account so far."""

    def __init__(self, issue: str) -> None:
        super().__init__("Sending")
        self._issue = issue
        self._stopping = False

    def started(self, started: Started) -> None:
        account = started.account
        verb = "frozen for" if started.frozen else "carries on:"
        people = counted(account.pending, "recipient")
        tell(f"{self._issue} {verb} {people}, {account.excluded:,} excluded ({started.transport})")
        for note in _notes(started):
            warn(note)
        self.begin("Sending", account.pending)

    def progress(self, step: Step) -> None:
        done = step.submitted + step.rejected + step.uncertain + step.excluded
        self.at(
            done, notes=[f"{n:,} {w}" for n, w in ((step.rejected, "rejected"), (step.uncertain, "uncertain")) if n]
        )
        if step.ending is not None and step.in_flight and not self._stopping:
            self._stopping = True
            error_console.print("stopping: waiting for the calls in flight (once more to stop at once)")


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
