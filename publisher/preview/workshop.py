"""Findings and last valid edition of each issue, renewed when a file changes."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from publisher.checks.engine import affected, findings_across
from publisher.config import Config, load_config
from publisher.diagnostics import Diagnostic, Severity, in_order
from publisher.edition.brand import theme_assets
from publisher.edition.model import Edition
from publisher.edition.others import OtherIssues
from publisher.errors import ConfigError, UsageError
from publisher.issue.folder import SERIES, discover
from publisher.issue.series import slug_of_path, steps_of
from publisher.proofing.archive import ArchiveFacts
from publisher.proofing.proof import proofread, refuse_unknown


@dataclass(frozen=True, slots=True)
class PreviewState:
    """State of one issue. ``edition`` is the last valid one; ``broken`` means that it is outdated.

    Later states have a higher ``version``, also across restarts of the preview, so that clients can order responses.
    """

    slug: str
    version: int
    title: str
    status: str
    edition: Edition | None
    diagnostics: tuple[Diagnostic, ...]
    broken: bool

    def count(self, severity: Severity) -> int:
        """The number of findings of a severity."""
        return sum(1 for finding in self.diagnostics if finding.severity is severity)


class Workshop:
    """States by slug. Thread-safe; one state is made at a time. Rules across issues run once :meth:`read` is done."""

    def __init__(self, root: Path) -> None:
        """Raises ConfigError if config.yaml cannot be used, UsageError if ``issues/`` cannot be listed."""
        self.root = root.resolve()
        self.config: Config = load_config(self.root)
        discover(self.root)
        self._config_findings: tuple[Diagnostic, ...] = ()
        self._views: dict[str, PreviewState] = {}
        self._first = time.time_ns() // 1_000_000
        self._stale: set[str] = set()
        self._others = OtherIssues.of(self.config)
        self._archive = ArchiveFacts()
        self._lock = threading.RLock()

    def slugs(self) -> list[str]:
        """Every issue, newest first, then the steps of series in order."""
        try:
            return [*sorted(discover(self.root), reverse=True), *steps_of(self.root)]
        except UsageError:  # issues/ is missing for a moment while git switches branches
            return []

    def last(self, slug: str) -> PreviewState | None:
        """The last state of an issue, which may be outdated; None if there is none."""
        return self._views.get(slug)

    def view(self, slug: str, *, anew: bool = False) -> PreviewState:
        """The state of an issue or a step, made if outdated or if ``anew``. Raises :class:`UsageError` without one."""
        with self._lock:
            if not anew and slug not in self._stale and (view := self._views.get(slug)):
                return view
            refuse_unknown(self.config, slug)
            self._stale.discard(slug)
            view = self._views[slug] = self._make(slug, self._views.get(slug), None if anew else self._others)
            return view

    def changed(self, paths: Iterable[Path]) -> list[str]:
        """Mark the states of changed files, and of issues that depend on them, as outdated; return their slugs."""
        owners = {slug_of_path(str(path.relative_to(self.root))) for path in paths if path.is_relative_to(self.root)}
        with self._lock:
            slugs = {*filter(None, owners)}
            if None in owners:
                try:
                    self.config, self._config_findings = load_config(self.root), ()
                except ConfigError as error:  # the last valid one stays
                    self._config_findings = error.diagnostics
            slugs |= {*self._follow(slugs), *(self._views if None in owners else ())}
            known, self._others = self._others, OtherIssues.of(self.config)
            slugs |= {one for one in self._views if slugs & {*known.slugs(one), *self._others.slugs(one)}}
            self._stale |= slugs
            return sorted(slugs)

    def read(self) -> list[str] | None:
        """Read one issue for the rules across issues. None if there are more; after the last, all states, now stale."""
        with self._lock:
            if self._complete():
                return []
            (self._archive.read if self._archive.fits(self.config) else self._archive.open)(self.config)
            if not self._complete():
                return None
            self._stale |= {*self._views}
            return sorted(self._views, reverse=True)

    def asset(self, name: str) -> tuple[bytes, str] | None:
        """Bytes and media type of an image of the brand, the theme or a known edition, by its published name."""
        editions = [view.edition for view in list(self._views.values()) if view.edition]
        assets = chain(theme_assets(self.config), *(edition.assets for edition in editions))
        return next(((asset.content, asset.media_type) for asset in assets if asset.name == name), None)

    def _follow(self, slugs: set[str]) -> set[str]:
        """Read changed issues again. Returns them, and the views whose findings across issues they alter."""
        archive, before = self._archive, self._archive.known()
        at_once = self._complete() and len(slugs) <= 12  # more are read one by one
        archive.unread += slugs - {*archive.unread}
        while at_once and archive.unread:
            archive.read(self.config)
        shown = slugs | {*self._views}
        sides = ({one: known[one] for one in known.keys() & shown} for known in (before, archive.known()))
        return slugs | (affected(self.config, *sides) & {*self._views} if at_once else set())

    def _complete(self) -> bool:
        return self._archive.fits(self.config) and not self._archive.unread

    def _make(self, slug: str, before: PreviewState | None, others: OtherIssues | None) -> PreviewState:
        version = before.version + 1 if before else self._first
        proof = proofread(self.config, slug, commit=False, others=others)
        if self._complete() and not slug.startswith(f"{SERIES}/"):
            facts = self._archive.known() | {slug: proof.basis.facts}
            proof = proof.judged(self.config, findings_across(self.config, facts, {slug}))
        view = PreviewState(
            slug=slug,
            version=version,
            title=(proof.issue.title if proof.issue else "") or (before.title if before else slug),
            status=proof.issue.status.value if proof.issue else "",
            edition=proof.edition or (before.edition if before else None),
            diagnostics=tuple(in_order({*self._config_findings, *proof.findings})),
            broken=proof.edition is None or bool(self._config_findings),
        )
        return before if before and replace(before, version=version) == view else view
