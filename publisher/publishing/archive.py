"""Build and deploy the archive in a run of publish, and record what is public, corrected and withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Self

from publisher.config import Config
from publisher.delivery.mailings import links_mailed
from publisher.edition.model import Edition
from publisher.proofing.proof import Proof
from publisher.proofing.store import Store
from publisher.publishing import store
from publisher.publishing.due import Action, IssueDecision
from publisher.publishing.run import Run
from publisher.publishing.store import Publication
from publisher.site.build import build_site, refuse_among_inputs, write_emails
from publisher.site.deploy import apply, compare, destination
from publisher.site.deploy.folder import FolderDestination
from publisher.site.deploy.model import Destination
from publisher.site.model import ArchiveNotes, WriteResult


@dataclass
class ArchiveRun:
    """Build folder and destination of the archive; ``in_place``: it is served from the build folder."""

    config: Config
    out: Path
    place: Destination
    in_place: bool = True
    shown: int = 0

    @classmethod
    def open(cls, config: Config, out: Path) -> Self:
        """Return the archive that config.yaml describes. Raises UsageError, DeployError."""
        refuse_among_inputs(config.root, out)
        if config.deploy.to == "folder" and not config.deploy.path:
            return cls.served_as_built(config, out)
        return cls(config, out, destination(config, out / "site"), in_place=False)

    @classmethod
    def served_as_built(cls, config: Config, out: Path) -> Self:
        """Return an archive that is served from its build folder."""
        return cls(config, out, FolderDestination(out / "site"))

    @property
    def site(self) -> Path:
        """The folder of the built site."""
        return self.out / "site"

    def publish(
        self,
        run: Run,
        decisions: Sequence[IssueDecision],
        prepared: Sequence[Proof],
        proofs: Store,
        steps: Sequence[Edition] = (),
    ) -> WriteResult:
        """Build, record what will be live, deploy. The archive has only the pictures of ``steps`` of series."""
        public = {decision.slug for decision in decisions if decision.public}
        editions = [one.edition for one in prepared if one.edition is not None]
        shown = [edition for edition in editions if edition.slug in public]
        aftermath = self._aftermath(run, decisions)
        self.shown = len(shown)
        write_emails([*editions, *steps], self.out / "email", proofs)
        number = self._intend(run, shown, decisions, deploys=False) if self.in_place else None
        deployed = build_site(self.config, shown, self.site, aftermath, proofs, steps)
        if not self.in_place:
            difference = compare(self.place, self.site)
            number = self._intend(run, shown, decisions, deploys=bool(difference))
            deployed = apply(self.place, difference, progress=run.watch.deploying)
        if number is not None:
            with run.begin() as connection:
                written, removed = len(deployed.written), len(deployed.removed)
                store.end_deployment(connection, number, run.now, written, removed)
        return deployed

    def _intend(
        self, run: Run, shown: Sequence[Edition], decisions: Sequence[IssueDecision], *, deploys: bool
    ) -> int | None:
        """Record what will be live before a page is deployed: a live page without a record counts as unknown.

        A new commit is recorded even if it changes no page. Return the number of the deployment, or None.
        """
        unknown = {d.slug for d in decisions if d.kind is Action.UNKNOWN}
        number = None
        with run.begin() as connection:
            before = store.all_publications(connection)
            last = store.last_deployment(connection)
            for edition in shown:
                known = before.get(edition.slug, Publication(edition.slug))
                if edition.slug in unknown or (known.archived_digest == edition.digest and not known.withdrawn_at):
                    continue
                store.note(
                    connection, edition.slug, title=edition.title, archived_at=known.archived_at or run.now,
                    archived_digest=edition.digest, withdrawn_at=None,
                )  # fmt: skip
            if deploys or (run.commit and last != (run.commit, True)):
                number = store.begin_deployment(connection, run.commit, self.place.name, run.now)
        return number

    def _aftermath(self, run: Run, decisions: Sequence[IssueDecision]) -> ArchiveNotes:
        """Return corrections and withdrawals, each with the recorded day on which a run first saw it, and the
        targets of the mail's counted links, which outlive changes of the issue.
        """
        corrected: dict[str, date] = {}
        withdrawn: dict[str, date] = {}
        with run.begin() as connection:
            before = store.all_publications(connection)
            for decision in decisions:
                one = decision.facts
                known = before.get(one.slug, Publication(one.slug))
                if decision.kind in {Action.CHANGED, Action.CONFLICT}:
                    at = known.corrected_at if known.corrected_content == one.content else None
                    if at is None:
                        at = run.now
                        store.note(connection, one.slug, corrected_at=at, corrected_content=one.content)
                    corrected[one.slug] = self._day(at)
                elif decision.kind is Action.WITHDRAWN and known.archived_at:
                    at = known.withdrawn_at
                    if at is None:
                        at = run.now
                        store.note(connection, one.slug, withdrawn_at=at)
                    withdrawn[one.slug] = self._day(at)
            links = links_mailed(connection)
        return ArchiveNotes(corrected, withdrawn, links)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.config.newsletter.zone).date()
