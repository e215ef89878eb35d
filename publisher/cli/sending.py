"""``publisher send``: checks before a mailing, the mailing itself, and its report."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import typer

from publisher.audience.address import AddressError, read_address
from publisher.cli.frame import config_of, opened
from publisher.cli.output import agreed, echo, print_error, remark, show_findings, warn
from publisher.cli.send_progress import JsonLines, SendBar, json_line
from publisher.config.load import unready
from publisher.database import Database
from publisher.delivery import mailings, tripwires
from publisher.delivery.candidates import FamilyRule
from publisher.delivery.freeze import addressed, family_of, is_mailed
from publisher.delivery.send import DryRun, Options, Sent, send_test
from publisher.delivery.send import dry_run as count
from publisher.delivery.sender import Interrupt
from publisher.delivery.states import Operator, mailing_state, word
from publisher.delivery.status import account_line, explain, readings, status_row
from publisher.diagnostics import Severity, counted, message_of, say
from publisher.edition.model import Edition
from publisher.errors import DeployError, UsageError
from publisher.issue.translations import translations_of
from publisher.proofing.proof import Proof, proofread, refuse_unknown
from publisher.providers import Provider, open_provider
from publisher.publishing.history import content_of, refuse_other_newsletter, refuse_renamed
from publisher.publishing.store import note, publication, set_aside
from publisher.publishing.witness import Witness, mail, refuse_unknown_mail

_OVERDUE = say("overdue: ")


@dataclass
class Sending:
    """One call of ``publisher send ISSUE``. ``json``: JSON lines on standard output."""

    context: typer.Context
    issue: str
    options: Options
    alone: bool
    late: bool
    without_archive: bool
    yes: bool
    json: bool

    def __post_init__(self) -> None:
        self.config = config_of(self.context)

    def run(self, addresses: Sequence[str], *, dry_run: bool) -> int:
        """Mail the issue, or send a test to ``addresses``; return the exit status."""
        refuse_unknown(self.config, self.issue)
        proof = proofread(self.config, self.issue)
        show_findings((d for d in proof.findings if d.severity is not Severity.INFO), folded=True)
        if proof.edition is None:
            print_error(say("{slug} has errors", slug=self.issue), f"publisher check {self.issue}")
            return 1
        if addresses or dry_run:
            for one in unready(self.config).values():
                told = say("{message}; send without --test refuses", message=one.message)
                warn(told if addresses else say("{message}; send refuses", message=one.message))
        if addresses:
            return self._test(proof.edition, addresses, dry_run)
        if proof.draft:
            print_error(say("{slug} is a draft", slug=self.issue), say("write status: ready in its issue.yaml"))
            return 1
        early = proof.edition.publish_at
        if early and early > datetime.now(UTC) and not dry_run:
            at = early.isoformat(timespec="minutes")
            warn(say("{slug} is due only {at}; publisher publish would wait", slug=self.issue, at=at))
            if not agreed(say("Send it now?"), self.yes):
                print_error(say("{slug} is due {at}; nothing was sent", slug=self.issue, at=at))
                return 1
        translations = translations_of(self.config)
        single = self.alone or self.late or self.options.correction
        family = family_of(self.config, translations, self.issue, shared=not single, late=self.late)
        self.options = replace(self.options, family=family, after_trial=self.config.delivery.leaves)
        with opened(self.context, self.config, mails=not dry_run) as (_, database):
            if not dry_run and self._is_held(database):
                return 1
            siblings, status = ([], 0) if single or not family else self._siblings(database, family)
            if siblings is None:
                return status
            status = max(status, self._mail(database, proof.edition, siblings, dry_run))
            for edition in siblings:  # frozen together with it, now or earlier
                if status < 2 and not self.options.interrupt.count:
                    status = max(status, self._mail(database, edition, (), dry_run))
            if not dry_run:
                self._report_overdue(database)
            return status

    def _is_held(self, database: Database) -> bool:
        """Whether the issue is on hold; if so, print it."""
        with database.connect() as connection:
            found = publication(connection, self.issue)
        if held := found.held_at is not None:
            told = say("{slug} is held: nothing was sent", slug=self.issue)
            told = say("{told} ({help})", told=told, help=found.held_why) if found.held_why else told
            print_error(told, f"publisher hold {self.issue} --release")
        return held

    def _siblings(self, database: Database, family: FamilyRule) -> tuple[list[Edition] | None, int]:
        """The translations to mail with the issue, and the exit status for those that cannot be; None if they block it.

        Once a family's mailing has begun these are the incomplete ones; no further one is begun.
        """
        with database.connect() as connection:
            mailed = {one.slug: mailings.newest(connection, one.slug) for one in family.members}
            held = {slug for slug in mailed if publication(connection, slug).held_at}
            begun = any(is_mailed(connection, slug) for slug in mailed)
        found, status = list[Edition](), 0
        for slug in family.others(self.issue):
            mailing = mailed[slug]
            if begun and (not mailing or mailing.finished_at or mailing.operator == Operator.CANCELLED):
                continue
            proof = proofread(self.config, slug)
            why = say("is held") if slug in held else _unfit(proof)
            if proof.edition and why is None:
                found.append(proof.edition)
                continue
            status, why = 1, why or ""
            if begun:
                message = say("{slug} {why}, and its mailing is not complete", slug=slug, why=why)
                print_error(message, say("publisher send {slug} carries it on", slug=slug))
            else:
                help_ = say("publisher send {slug} --alone sends this one", slug=self.issue)
                print_error(say("{slug} {why}, and its family goes together", slug=slug, why=why), help_)
        return (found if begun or not status else None), status

    def _mail(self, database: Database, edition: Edition, siblings: Sequence[Edition], dry_run: bool) -> int:
        witness = self._ask_witness(database, edition.slug, *(one.slug for one in siblings))
        refuse_other_newsletter(self.config, database)
        for one in (edition, *siblings):
            refuse_renamed(self.config, database, one)
        to, *along = (addressed(self.config, one) for one in (edition, *siblings))
        options = replace(self.options, segment=to.segment, local=to.local, siblings=tuple(along))
        if dry_run:
            found = count(database, edition, options)
            if options.family and not self.json:
                echo(f"{edition.slug}:")
            self._print_dry_run(edition.slug, found)
            return 0
        view = JsonLines() if self.json else SendBar(edition.slug)
        with stop_on_signals(options.interrupt), view:
            options = replace(options, started=view.started, progress=view.progress)
            sent = mail(witness, self.config, database, edition, options)
        if "/" not in edition.slug:  # a step has no page; publish compares this, to know a correction from a new theme
            with database.begin() as connection:
                note(connection, edition.slug, mailed_content=content_of(edition))
        for told in sent.notes:
            warn(told)
        if self.json:
            json_line(event="end", ending=sent.ending.value, code=sent.code, **account_row(sent))
        else:
            echo(account_line(sent.mailing.slug, sent.account))
        print_ending(sent, open_provider(self.config), remark)
        return sent.exit_status

    def _ask_witness(self, database: Database, *slugs: str) -> Witness | None:
        """Raise UsageError if the live archive knows of mail that the ledger lacks; None if it is not to be asked."""
        if self.without_archive:
            return None
        try:
            witness = Witness.open(self.config)
            for slug in slugs:
                refuse_unknown_mail(witness, database, slug, correction=self.options.correction)
        except DeployError as error:
            message = say(
                "the archive cannot be asked whether {slug} was mailed: {message}", slug=slugs[0], message=error.message
            )
            advice = say("{advice}; or send --without-archive", advice=error.help or say("mend that"))
            raise DeployError(message, help=advice) from error
        return witness

    def _test(self, edition: Edition, addresses: Sequence[str], dry_run: bool) -> int:
        try:
            for address in addresses:
                read_address(address)
        except AddressError as error:
            advice = say("write an address such as reader@example.com")
            raise UsageError(say("{slug}: {told}", slug="--test", told=message_of(error)), help=advice) from None
        if dry_run:
            self._print_dry_run(self.issue, DryRun(len(addresses), {}, ongoing=False))
            return 0
        failed = send_test(self.config, edition, list(addresses))
        for number, code in failed:
            about = {"number": number, "n": len(addresses), "code": code}
            print_error(say("the test to address {number} of {n} was not submitted: {code}", **about))
        done = len(addresses) - len(failed)
        if self.json:
            json_line(event="test", issue=self.issue, submitted=done, failed=len(failed))
        else:
            told = counted(
                "{n} test message of {slug} submitted", "{n} test messages of {slug} submitted", done, slug=self.issue
            )
            if edition.variants:
                told = say("{told}, each in {variants} variants", told=told, variants=len(edition.variants))
            echo(told)
        return 1 if failed else 0

    def _print_dry_run(self, slug: str, found: DryRun) -> None:
        ongoing, reasons = found.ongoing, found.excluded_by_reason
        if self.json:
            about = {"recipients": found.recipients, "excluded_by_reason": reasons, "ongoing": ongoing}
            json_line(event="dry-run", issue=slug, **about)
            return
        people = found.recipients
        told = counted("{n:,} recipient would be mailed", "{n:,} recipients would be mailed", people)
        if ongoing:
            told = counted("{n:,} recipient is left to be mailed", "{n:,} recipients are left to be mailed", people)
        echo(say("{told}; nothing was sent or written", told=told))
        for reason, people in reasons.items():
            echo(say("  excluded, {reason}: {people:,}", reason=word(reason), people=people))

    def _report_overdue(self, database: Database) -> None:
        with database.connect() as connection:
            known = {mailing.slug for mailing in mailings.every_newest(connection)} | set_aside(connection).keys()
        late = tripwires.overdue(readings(self.config, without={*known, self.issue}), self.config)
        for tripped in late[:5]:
            told = say("{told} ({help})", told=tripped.message, help=tripped.help)
            remark(told, "yellow", label=_OVERDUE)
        if len(late) > 5:
            remark(say("{n} more", n=len(late) - 5), "yellow", label=_OVERDUE)
        if alarm := tripwires.alert(self.config, late):
            warn(alarm)


def _unfit(proof: Proof) -> str | None:
    """The reason why an issue cannot be mailed now."""
    if proof.edition is None:
        return say("has errors")
    if proof.draft:
        return say("is a draft")
    due = proof.edition.publish_at
    return say("is due {at}", at=due.isoformat(timespec="minutes")) if due and due > datetime.now(UTC) else None


def print_ending(sent: Sent, provider: Provider, fine: Callable[[str], None]) -> None:
    """Print the tripwires and the meaning of the end of a run; ``fine`` tells which endings are no trouble."""
    for tripped in sent.tripped:
        print_error(say("tripwire {name}: {told}", name=tripped.name, told=tripped.message), tripped.help)
    message, action = explain(sent, provider)
    if message and sent.exit_status == 0:
        fine(message)
    elif message:
        print_error(message, action)


def account_row(sent: Sent) -> dict[str, Any]:
    """The account as in the JSON of ``status``."""
    mailing = sent.mailing
    return status_row(mailing.slug, mailing, sent.account, mailing_state(sent.account, mailing.operator))


@contextmanager
def stop_on_signals(interrupt: Interrupt) -> Iterator[None]:
    """Stop in an orderly way on SIGINT and SIGTERM, at once on a second one. SIGHUP stops in an orderly way too, unless
    it was ignored at start (``nohup``).
    """

    def ask(_number: int, _frame: object) -> None:
        interrupt.request()

    def leave(_number: int, _frame: object) -> None:
        interrupt.count = interrupt.count or 1

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
