"""Proof of an issue: the issue read, checked and rendered, with all findings.

Check, build, publish, plan, send and the preview all use this function, so that they agree on which issues are valid.
Levels and ignores apply to rules and gates alike.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from publisher.config import Config
from publisher.diagnostics import Diagnostic, blocking, listed, say
from publisher.diagnostics.catalogue import with_levels
from publisher.edition.model import Edition
from publisher.edition.others import OtherIssues
from publisher.edition.provenance import CommitGraph, history_of
from publisher.errors import UsageError
from publisher.issue.folder import discover
from publisher.issue.series import steps_of

if TYPE_CHECKING:  # loaded only when an issue is read: most have not changed
    from publisher.checks.ignores import Ignore
    from publisher.issue.model import Issue


@dataclass(frozen=True, slots=True)
class Basis:
    """Inputs of a judgment that come from the issue alone.

    ``found`` are the findings before ignores, at the levels of config.yaml; ``facts`` are the inputs of the rules
    across issues, by rule. ``rendered``: the issue was rendered and its edition passed to the gates.
    """

    found: tuple[Diagnostic, ...]
    ignores: tuple[Ignore, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    rendered: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """Issue with its findings.

    ``edition`` is None if a finding is an error; drafts have one too. ``findings`` are those not hidden by an ignore,
    sorted. ``issue`` is the issue as far as it could be read; None in a proof from the store.
    """

    slug: str
    draft: bool
    edition: Edition | None
    findings: tuple[Diagnostic, ...]
    basis: Basis
    issue: Issue | None = None

    @property
    def broken(self) -> bool:
        """Whether a finding is an error, which prevents a build."""
        return blocking(self.findings)

    def judged(self, config: Config, across: Iterable[Diagnostic] | None = None) -> Proof:
        """Return the proof judged again, with the findings ``across`` issues, or None if those rules did not run."""
        from publisher.checks.ignores import judge

        basis, unseen = self.basis, frozenset[str]()
        if basis.ignores:
            from publisher.config.names import every_code  # most issues have no ignores
            from publisher.edition.gates import gate_codes

            every_code()
            unseen = frozenset() if basis.rendered else gate_codes()
        found = [*basis.found, *(across or ())]
        findings = judge(config, basis.ignores, found, unseen=unseen, across=across is not None)
        proof = replace(self, findings=tuple(findings))
        return replace(proof, edition=None) if proof.broken else proof

    def dated(self, history: CommitGraph, others: OtherIssues) -> Self:
        """Return the proof with the commit of its content set in its edition."""
        if self.edition is None:
            return self
        commit = history.commit(self.slug, *others.slugs(self.slug))
        return self if commit == self.edition.commit else replace(self, edition=self.edition.of_commit(commit))


def proofread(config: Config, slug: str, *, commit: bool = True, others: OtherIssues | None = None) -> Proof:
    """Read, check and render the issue ``slug``. It is not rendered if a rule finds an error.

    Each text is parsed once; the cache of parsed texts is cleared afterwards. Without ``commit``, git is not called.
    ``others`` are the other issues of the newsletter; they are searched for if not given.
    """
    others = others or OtherIssues.of(config)
    try:
        *_, proof = stages(config, slug, others)
    finally:
        _forget()
    return proof.dated(history_of(config), others) if commit and proof.edition else proof


def proofread_steps(config: Config, others: OtherIssues, slugs: Iterable[str] | None = None) -> list[Proof]:
    """Proofread the steps ``slugs`` of series, by default all; they are few, so they are not cached."""
    proofs = [
        proofread(config, slug, commit=False, others=others)
        for slug in (steps_of(config.root) if slugs is None else slugs)
    ]
    history = history_of(config) if proofs else CommitGraph()
    return [proof.dated(history, others) for proof in proofs]


def _forget() -> None:
    """Clear the caches of parsed texts."""
    from publisher.checks.context import known_text
    from publisher.issue.item_file import read_item_file
    from publisher.issue.markdown import forget_parsed

    forget_parsed()
    known_text.cache_clear()
    read_item_file.cache_clear()


def stages(config: Config, slug: str, others: OtherIssues) -> Iterator[Proof]:
    """Yield the proof after the rules; then, unless a finding is an error, the proof after the gates as well.

    The caches of parsed texts are kept, for callers that proofread an issue repeatedly.
    """
    from publisher.checks.engine import facts_of, findings_within
    from publisher.checks.ignores import ignores_of
    from publisher.issue.load import read_issue
    from publisher.issue.model import Status

    reading = read_issue(config, slug)
    partial = reading.partial
    facts, failed = facts_of(config, reading)
    found = (*findings_within(config, reading, others.translations), *failed)
    basis = Basis(found, tuple(ignores_of(reading)), facts)
    draft = partial is not None and partial.status is Status.DRAFT
    proof = Proof(slug, draft, None, (), basis, partial).judged(config)
    yield proof
    if reading.issue is None or proof.broken:
        return
    from publisher.edition.rendering import render  # imported late, so that the first proof does not wait for it

    edition, more = render(reading.issue, config, others)
    found = tuple(dict.fromkeys((*basis.found, *with_levels(config.checks.levels, more))))
    basis = replace(basis, found=found, rendered=True)
    yield replace(proof, edition=edition, issue=reading.issue, basis=basis).judged(config)


def refuse_unknown(config: Config, slug: str, also: Collection[str] = ()) -> None:
    """Raise UsageError if ``slug`` is not an issue, not a step, and not in ``also``."""
    others = discover(config.root, lambda name: name != slug)  # opens no issue but this
    if slug not in others and slug not in also and slug not in steps_of(config.root):
        raise no_issue(slug, [*discover(config.root), *steps_of(config.root)])


def no_issue(slug: str, known: Sequence[str]) -> UsageError:
    """Return the error for an unknown issue, with similar slugs as suggestions."""
    near = difflib.get_close_matches(slug, known, 3, 0.3) or known[-5:]
    named, none = say("use one of {near}", near=listed(near)), say("type publisher new SLUG to make one")
    return UsageError(say("there is no issue {slug}", slug=slug), help=named if near else none)
