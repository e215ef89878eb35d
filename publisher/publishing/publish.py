"""A run of publish: mail what is due, once, after its page is live.

The order is fixed: take the lease, check the history, check and render, decide, build, record what will be live,
deploy, wait for each page to be live, freeze and send, announce, report. Each step is committed before the next begins,
so the next run completes one that died anywhere; the lease is checked before each step with an outside effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from publisher.channels import outbox
from publisher.channels.channel import Channel, channels_for, open_channels
from publisher.config import Config
from publisher.database import Database
from publisher.delivery import mailings
from publisher.delivery.freeze import addressed, family_of, segment_of
from publisher.delivery.local_time import local_time_of
from publisher.delivery.lock import DIGEST, adopt_database, settle, settle_mark
from publisher.delivery.send import Options, Sent
from publisher.delivery.series import begin_anew, ready_steps
from publisher.delivery.settle import count_as_reached
from publisher.delivery.states import word
from publisher.diagnostics import counted, say
from publisher.edition.model import Edition
from publisher.errors import PublisherError, UsageError
from publisher.issue.series import steps_of
from publisher.issue.translations import Translations, translations_of
from publisher.proofing.proof import Proof, proofread_steps
from publisher.proofing.store import Store
from publisher.proofing.together import judge_whole
from publisher.providers import Transport
from publisher.publishing import git, store
from publisher.publishing.archive import ArchiveRun
from publisher.publishing.due import Action, IssueDecision, what_blocks
from publisher.publishing.history import (
    History,
    content_of,
    decide_all,
    read_history,
    refuse_other_history,
    refuse_other_newsletter,
    several_at_first,
    told_of_several,
)
from publisher.publishing.lease import LeaseLostError, take
from publisher.publishing.monthly import mail_months, open_months
from publisher.publishing.run import NOT_SENT, IssueResult, Published, Run, RunObserver, announce
from publisher.publishing.series import mail_steps
from publisher.publishing.witness import Witness, mail, wait_until_live

SETTLED_BY_NAME = frozenset({Action.DUE, Action.MISSED, Action.EXPIRED, Action.UNKNOWN, Action.RENAMED, Action.SETTLED})
"""Actions that ``--mailed ISSUE`` and ``--unmailed ISSUE`` apply to: ready, due, without errors or mailing."""

SETTLED_BY_ALL = {
    "mailed": SETTLED_BY_NAME - {Action.SETTLED},
    "unmailed": SETTLED_BY_NAME - {Action.SETTLED, Action.UNKNOWN, Action.RENAMED},
}
"""The same for ``all``, which reverses no settlement and does not mail an issue that readers may have."""

_NEVER_HAD = frozenset({Action.DRAFT, Action.BROKEN, Action.HELD, Action.WAITING})
_BEGUN = frozenset({Action.RESUME, Action.PAUSED, Action.CONFLICT})


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """Options of a run. ``mailed`` and ``unmailed`` settle issues that the ledger does not know; ``transport``
    replaces the configured provider's, ``cache`` the folder ``.publisher/cache``.
    """

    out: str = "dist"
    accept_history: bool = False
    mailed: tuple[str, ...] = ()
    unmailed: tuple[str, ...] = ()
    now: datetime | None = None
    transport: Transport | None = None
    cache: Path | None = None


def publish(
    config: Config, database: Database, options: PublishOptions | None = None, watch: RunObserver | None = None
) -> Published:
    """Publish what is due.

    Raises LeaseLostError (another run is at work), UsageError (an older or foreign history, an unknown issue, a
    channel without an address), DeployError, TransportError, DatabaseError; what was done is recorded in any case.
    """
    options, watch = options or PublishOptions(), watch or RunObserver()
    channels = open_channels(config)
    with take(database, waiting=watch.waiting) as lease:
        now, commit = options.now or datetime.now(UTC), git.head(config.root)
        if commit is None and (silent := git.trouble(config.root)):
            watch.note(say("{fault}: editions would name no commit; {help}", fault=silent.message, help=silent.help))
        translations = translations_of(config)
        return _Publish(config, database, lease, watch, now, commit, options, channels, translations).run()


@dataclass(frozen=True)
class _Publish(Run):
    options: PublishOptions
    channels: Mapping[str, Channel]
    translations: Translations

    def run(self) -> Published:
        if not self.options.mailed and not self.options.unmailed:  # which say that it is this newsletter's
            refuse_other_newsletter(self.config, self.database)
        if not self.options.accept_history:
            refuse_other_history(self.config.root, self.database, self.commit)
        proofs = Store(self.config, folder=self.options.cache)
        slugs, done = proofs.slugs, count(1)
        progress = lambda: self.watch.building(next(done), len(slugs))  # noqa: E731
        prepared = judge_whole(self.config, slugs, drafts=False, store=proofs, progress=progress)
        archive = ArchiveRun.open(self.config, self.config.root / self.options.out)
        witness = Witness(archive)
        ledger, decisions = self._decide(prepared, witness)
        if self._settle(decisions, witness) or self._asked_at_first(ledger, decisions, witness):
            ledger, decisions = self._decide(prepared, witness)
        self._record_sight(decisions)
        blocked = what_blocks(decisions)
        of_steps = proofread_steps(self.config, proofs.others)
        steps = [one.edition for one in of_steps if one.edition and not one.draft]
        deployed = None if blocked else archive.publish(self, decisions, prepared, proofs, steps)
        editions = {one.slug: one.edition for one in prepared if one.edition}
        outcomes = [self._outcome(d, editions, witness, blocked) for d in decisions]
        outcomes += mail_steps(self, of_steps, blocked, self._sending())
        outcomes += [] if blocked else mail_months(self, editions, self._sending())
        announced = tuple(announce(self, self.channels, editions))
        diagnostics = tuple(found for one in (*prepared, *of_steps) for found in one.findings)
        where = (archive.site, archive.place.name, archive.shown)
        return Published(tuple(outcomes), *where, deployed, diagnostics, blocked, announced)

    def _decide(self, prepared: Sequence[Proof], witness: Witness) -> tuple[History, list[IssueDecision]]:
        ledger = read_history(self.config, self.database, [one.slug for one in prepared])
        return ledger, decide_all(self.config, prepared, ledger, witness, self.now, frozenset())

    def _settle(self, decisions: Sequence[IssueDecision], witness: Witness) -> bool:
        """Record the operator's ``--mailed`` and ``--unmailed``; return whether there were any. Raises UsageError."""
        kinds = {decision.slug: decision.kind for decision in decisions}
        mailed, unmailed = map(self._with_families, (self.options.mailed, self.options.unmailed))
        if both := sorted((mailed & unmailed) - {"all"}):
            fault = say("{slug} cannot be both mailed and unmailed", slug=both[0])
            raise UsageError(fault, help=say("a family is settled together"))
        named = mailed | unmailed
        here, months = steps_of(self.config.root), open_months(self)
        for step in sorted(here.keys() & {*self.options.unmailed}):
            self._tell_reached(step, begin_anew(self.database, step))
        unmailed_issues = [slug for slug in self.options.unmailed if slug not in here]
        for how, slugs in (("mailed", self.options.mailed), ("unmailed", unmailed_issues)):
            if strange := sorted(set(slugs) - kinds.keys() - months.keys() - {"all"}):
                message = say("there is no issue {slug}", slug=strange[0])
                raise UsageError(message, help=say("name a folder of issues/, or all"))
            begun = {slug for slug in slugs if kinds.get(slug) in _BEGUN or months.get(slug)}
            meant = {slug for slug in self._with_families(slugs) if kinds.get(slug) in SETTLED_BY_NAME}
            meant |= {slug for slug in slugs if how == "mailed" and kinds.get(slug) is Action.REUSED}
            meant |= months.keys() & ({*slugs} - begun if how == "mailed" else {*slugs})
            if "all" in slugs:
                meant |= {slug for slug in kinds.keys() - named if kinds[slug] in SETTLED_BY_ALL[how]}
            chosen = sorted(meant)
            for slug in sorted(set(slugs) - {"all"} - set(chosen)):
                if kinds.get(slug) in _NEVER_HAD:
                    message = say("{slug} is {kind}: no reader can have had it", slug=slug, kind=word(kinds[slug]))
                    advice = say("publisher publish --{how} settles what is ready, due and whole", how=how)
                    raise UsageError(message, help=advice)
                if how == "mailed" and slug in begun:
                    ways = say(
                        "publisher cancel {slug} ends that: who is left is not mailed; publisher pause {slug} stops it",
                        slug=slug,
                    )
                    raise UsageError(say("{slug} is being mailed, as far as this database knows", slug=slug), help=ways)
            if chosen:
                self._write_settled(how, chosen, witness)
        if not self.options.mailed and not self.options.unmailed:
            return False
        with self.begin() as connection:
            adopt_database(connection, self.now, [step.slug for step in ready_steps(self.config)])
        return True

    def _with_families(self, slugs: Sequence[str]) -> set[str]:
        return {*slugs, *(one.slug for slug in slugs for one in self.translations.family(slug))}

    def _write_settled(self, how: str, slugs: Sequence[str], witness: Witness) -> None:
        self.watch.settling(how, slugs)
        unmailed = slugs if how == "unmailed" else ()
        begun = {slug: state for slug in unmailed if (state := witness.state(slug))}
        with self.begin() as connection:
            for slug in slugs:
                # after what it is about, whatever the clock of the machine that mailed
                at = max(self.now, begun[slug].at + timedelta.resolution) if slug in begun else self.now
                store.note(connection, slug, settled_at=at, settled_how=how)
                if slug.startswith(DIGEST):
                    settle(connection, slug)
            had = {
                slug: count_as_reached(connection, slug, begun[slug].mailing if slug in begun else None)
                for slug in unmailed
            }
            for slug in unmailed:
                settle_mark(connection, slug)
        for slug in unmailed:
            self._tell_reached(slug, had[slug])

    def _tell_reached(self, slug: str, people: int) -> None:
        if people:
            self.watch.note(counted(
                "{slug}: events show that {n:,} reader had it, who gets no second copy",
                "{slug}: events show that {n:,} readers had it, who get no second copy", people, slug=slug,
            ))  # fmt: skip

    def _asked_at_first(self, ledger: History, decisions: Sequence[IssueDecision], witness: Witness) -> bool:
        """Ask about, or refuse, several first mailings at once; True if they were settled. Raises UsageError."""
        several, families = several_at_first(ledger, decisions, self.translations)
        if not several:
            return False
        if not self.watch.confirm_first(families):
            fault, ways = told_of_several(families)
            raise UsageError(say("{fault}; nothing was sent", fault=fault), help=ways)
        self._write_settled("unmailed", several, witness)
        return True

    def _record_sight(self, decisions: Sequence[IssueDecision]) -> None:
        """Record when each issue was first seen with its present content: its veto window begins then."""
        with self.begin() as connection:
            before = store.all_publications(connection)
            for decision in decisions:
                one = decision.facts
                fresh = one.content and not one.mailed and one.seen_at is None
                if fresh and decision.kind not in {Action.UNKNOWN, Action.MISSED, Action.RENAMED}:
                    store.note(connection, one.slug, seen_at=self.now, seen_content=one.content)
                if one.mailed and one.content and one.mailed.digest == one.digest:
                    store.note(connection, one.slug, mailed_content=one.content)
            gone = {d.slug for d in decisions if not d.facts.ready} | (before.keys() - {d.slug for d in decisions})
            store.forget_sight(connection, sorted(gone))

    def _outcome(
        self, decision: IssueDecision, editions: Mapping[str, Edition], witness: Witness, blocked: str | None
    ) -> IssueResult:
        edition = editions.get(decision.slug)
        if not decision.mails or edition is None:
            return IssueResult(decision)
        if self.watch.interrupt.count:
            return IssueResult(decision, None, NOT_SENT, say("publisher publish goes on"))
        if blocked and decision.kind is Action.DUE:
            return IssueResult(decision, None, say("not sent: the archive could not be brought up to date"))
        siblings = self.translations.others(edition.slug) if decision.kind is Action.DUE else ()
        together = [editions[one.slug] for one in siblings if one.slug in editions]
        for one in () if blocked else (edition, *together):  # translations too: a worker may mail all that is frozen
            if fault := wait_until_live(self.config, one, witness.archive.place, self.watch.late):
                advice = say("run publisher publish again once the page is there; it goes on from here")
                return IssueResult(decision, None, say("nothing was sent: {fault}", fault=fault), advice)
        try:
            return IssueResult(decision, self._mail(decision, edition, together, witness))
        except LeaseLostError:
            raise
        except PublisherError as error:  # continue with the others, and report all
            return IssueResult(decision, None, error.message, error.help, failed=True)

    def _sending(self) -> Options:
        """Return the options common to all mailings of the run."""
        watch, options = self.watch, self.options
        return Options(
            now=options.now, transport=options.transport, interrupt=watch.interrupt,
            started=watch.started, progress=watch.sending,
        )  # fmt: skip

    def _mail(self, decision: IssueDecision, edition: Edition, together: Sequence[Edition], witness: Witness) -> Sent:
        with self.begin() as connection:
            mailing = mailings.newest(connection, edition.slug) if decision.kind is Action.RESUME else None
            letter = mailings.letter_of(connection, mailing.id) if mailing else None
            if mailing is None:
                store.note(connection, edition.slug, mailed_content=content_of(edition))
            outbox.enter(connection, edition.slug, channels_for(self.config, edition))

        options = replace(
            self._sending(),
            segment=segment_of(self.config, edition),
            local=local_time_of(self.config, edition, self.now),
            family=family_of(self.config, self.translations, edition.slug),
            siblings=tuple(addressed(self.config, one, self.now) for one in together),
        )
        with self.watch.guard():
            return mail(witness, self.config, self.database, letter or edition, options)
