"""Checking a repository: everything that building it would find, with nothing written but the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from publisher.config import Config
from publisher.config.placeholders import config_warnings
from publisher.diagnostics import Diagnostic, Severity
from publisher.diagnostics.catalogue import with_levels
from publisher.issue import discover
from publisher.issue.discovery import loose_files
from publisher.proofing.store import Store
from publisher.proofing.together import judge


@dataclass(frozen=True, slots=True)
class Checked:
    """The slugs that were checked, and all findings, sorted."""

    slugs: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing found is an error."""
        return not any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


def check_repository(
    config: Config,
    slugs: Iterable[str] | None = None,
    *,
    use_cache: bool = True,
    cache: Path | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Checked:
    """Check the issues ``slugs`` (all by default), drafts too: rules, gates, and what concerns several issues.

    Rules across issues see all the issues of the repository, and report on the chosen ones. ``progress()`` is called
    once a chosen issue.
    """
    everything = discover(config.root)
    chosen = tuple(everything if slugs is None else dict.fromkeys(slugs))
    store = Store(config, enabled=use_cache, folder=cache)
    among = None if slugs is None else everything
    proofs = judge(config, chosen, among=among, store=store, progress=progress)
    everywhere = {finding for proof in proofs for finding in proof.findings}
    if slugs is None:
        around = [*loose_files(config.root), *config_warnings(config)]
        everywhere.update(with_levels(config.checks.levels, around))
        store.forget_all_but(everything)
    return Checked(chosen, tuple(sorted(everywhere, key=lambda finding: finding.sort_key)))
