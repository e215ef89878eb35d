"""The proof of an issue: read, checked and rendered, with all that was found on the way.

Check, build, publish, plan, send and the preview judge an issue by this one function, so that none of them refuses what
another lets through. Levels and ignores hold for the rules and for the gates alike.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from publisher.config import Config
from publisher.diagnostics import Diagnostic, blocking, say
from publisher.diagnostics.catalogue import with_levels
from publisher.edition.model import Edition
from publisher.edition.others import Others
from publisher.edition.provenance import CommitGraph, history_of
from publisher.errors import UsageError
from publisher.issue.folder import discover
from publisher.issue.series import steps_of

if TYPE_CHECKING:  # what reads and judges loads when something is: most issues did not change
    from publisher.checks.ignores import Ignore
    from publisher.issue.model import Issue


@dataclass(frozen=True, slots=True)
class Basis:
    """What a judgment rests on, found in the issue alone.

    ``found`` are the findings before ignores, at the levels of config.yaml; ``facts`` is what the rules across issues
    look at, by rule. ``rendered``: the gates were reached.
    """

    found: tuple[Diagnostic, ...]
    ignores: tuple[Ignore, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    rendered: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """One issue, judged.

    ``edition`` is there only when nothing found is an error, for drafts too. ``findings`` are those that no ignore
    hides, sorted. ``issue`` is what could be read of it; one that comes from the store has none.
    """

    slug: str
    draft: bool
    edition: Edition | None
    findings: tuple[Diagnostic, ...]
    basis: Basis
    issue: Issue | None = None

    @property
    def broken(self) -> bool:
        """Whether an error keeps it from being built."""
        return blocking(self.findings)

    def judged(self, config: Config, across: Iterable[Diagnostic] | None = None) -> Proof:
        """Judged anew, with the findings of the rules ``across`` issues, where they ran."""
        from publisher.checks.ignores import judge

        basis, unseen = self.basis, frozenset[str]()
        if basis.ignores:
            from publisher.config.names import every_code  # most issues ignore nothing
            from publisher.edition.gates import gate_codes

            every_code()
            unseen = frozenset() if basis.rendered else gate_codes()
        found = [*basis.found, *(across or ())]
        findings = judge(config, basis.ignores, found, unseen=unseen, across=across is not None)
        proof = replace(self, findings=tuple(findings))
        return replace(proof, edition=None) if proof.broken else proof

    def dated(self, history: CommitGraph, others: Others) -> Self:
        """With the commit that its edition was made of."""
        if self.edition is None:
            return self
        commit = history.commit(self.slug, *others.slugs(self.slug))
        return self if commit == self.edition.commit else replace(self, edition=self.edition.of_commit(commit))


def proofread(config: Config, slug: str, *, commit: bool = True, others: Others | None = None) -> Proof:
    """Read, check and render the issue ``slug``. It is rendered unless an error is known before.

    Each of its texts is parsed once; what was parsed is let go of at the end. Without ``commit`` git is not asked.
    ``others`` are those of the newsletter; they are looked for where they are not given.
    """
    others = others or Others.of(config)
    try:
        *_, proof = stages(config, slug, others)
    finally:
        _forget()
    return proof.dated(history_of(config), others) if commit and proof.edition else proof


def proofread_steps(config: Config, others: Others, slugs: Iterable[str] | None = None) -> list[Proof]:
    """The steps ``slugs`` of series, all of them by default: few, and made anew each time."""
    proofs = [
        proofread(config, slug, commit=False, others=others)
        for slug in (steps_of(config.root) if slugs is None else slugs)
    ]
    history = history_of(config) if proofs else CommitGraph()
    return [proof.dated(history, others) for proof in proofs]


def _forget() -> None:
    """Let go of what was parsed: the issue is done with."""
    from publisher.checks.context import known_text
    from publisher.issue.item_file import read_item_file
    from publisher.issue.markdown import forget_parsed

    forget_parsed()
    known_text.cache_clear()
    read_item_file.cache_clear()


def stages(config: Config, slug: str, others: Others) -> Iterator[Proof]:
    """The proof as the rules have it; then, where nothing they find is an error, as the gates have it too.

    What was parsed is kept: who proofreads an issue again and again, reads what did not change once.
    """
    from publisher.checks.engine import facts_of, findings_within
    from publisher.checks.ignores import ignores_of
    from publisher.issue.load import read_issue
    from publisher.issue.model import Status

    reading = read_issue(config, slug)
    partial = reading.partial
    facts, failed = facts_of(config, partial) if partial is not None else ({}, [])
    found = (*findings_within(config, reading, others.translations), *failed)
    basis = Basis(found, tuple(ignores_of(reading)), facts)
    draft = partial is not None and partial.status is Status.DRAFT
    proof = Proof(slug, draft, None, (), basis, partial).judged(config)
    yield proof
    if reading.issue is None or proof.broken:
        return
    from publisher.edition.rendering import render  # what was proofread before need not wait for the renderer

    edition, more = render(reading.issue, config, others)
    found = tuple(dict.fromkeys((*basis.found, *with_levels(config.checks.levels, more))))
    basis = replace(basis, found=found, rendered=True)
    yield replace(proof, edition=edition, issue=reading.issue, basis=basis).judged(config)


def refuse_unknown(config: Config, slug: str, also: Collection[str] = ()) -> None:
    """Raises UsageError where there is neither an issue or a step ``slug`` nor one ``also`` known."""
    others = discover(config.root, lambda name: name != slug)  # none of which is opened
    if slug not in others and slug not in also and slug not in steps_of(config.root):
        raise no_issue(slug, [*discover(config.root), *steps_of(config.root)])


def no_issue(slug: str, known: Sequence[str]) -> UsageError:
    """There is no such issue; which may be meant."""
    near = difflib.get_close_matches(slug, known, 3, 0.3) or known[-5:]
    named, none = say("use one of {near}", near=", ".join(near)), say("type publisher new SLUG to make one")
    return UsageError(say("there is no issue {slug}", slug=slug), help=named if near else none)
