"""The proof of an issue: read, checked and rendered, with all that was found on the way.

Check, build, publish, send and the preview judge an issue by this one function, so that none of them refuses what
another lets through. Levels and ignores hold for the rules and for the gates alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from publisher.checks.engine import facts_of, findings_within
from publisher.checks.ignores import Ignore, ignores_of, judge
from publisher.checks.levels import with_levels
from publisher.config import Config
from publisher.diagnostics import Diagnostic, Severity
from publisher.edition.model import Edition
from publisher.issue import Issue, Status, read_issue


@dataclass(frozen=True, slots=True)
class Proof:
    """One issue, judged. ``edition`` is there only when nothing found is an error, for drafts too.

    ``issue`` is what could be read of it (a cache does not keep it). ``findings`` are those before ignores, at the
    levels of config.yaml; ``facts`` is what the rules across issues look at, by rule. ``rendered``: the gates were
    reached.
    """

    slug: str
    issue: Issue | None
    edition: Edition | None
    findings: tuple[Diagnostic, ...]
    draft: bool = False
    ignores: tuple[Ignore, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    rendered: bool = False

    def diagnostics(self, config: Config, across: Iterable[Diagnostic] | None = None) -> list[Diagnostic]:
        """The findings that no ignore hides, sorted, with those of the rules ``across`` issues, where they ran."""
        unseen: frozenset[str] = frozenset()
        if self.ignores:
            from publisher.config.declared import every_code  # most issues ignore nothing
            from publisher.edition.codes import gate_codes

            every_code()
            unseen = frozenset() if self.rendered else gate_codes()
        found = [*self.findings, *(across or ())]
        return judge(config, self.ignores, found, unseen=unseen, across=across is not None)


def proofread(config: Config, slug: str) -> Proof:
    """Read, check and render the issue ``slug``. It is rendered unless an error is known before."""
    reading = read_issue(config, slug)
    partial = reading.partial
    proof = Proof(
        slug=slug,
        issue=partial,
        edition=None,
        findings=tuple(findings_within(config, reading)),
        draft=partial is not None and partial.status is Status.DRAFT,
        ignores=tuple(ignores_of(config.root, slug)),
        facts=facts_of(partial) if partial is not None else {},
    )
    if reading.issue is None or blocked(proof.diagnostics(config)):
        return proof
    from publisher.edition import render  # what was proofread before need not wait for the renderer

    edition, more = render(reading.issue, config)
    found = tuple(dict.fromkeys((*proof.findings, *with_levels(config.checks.levels, more))))
    proof = replace(proof, issue=reading.issue, findings=found, rendered=True)
    return proof if blocked(proof.diagnostics(config)) else replace(proof, edition=edition)


def blocked(findings: Iterable[Diagnostic]) -> bool:
    """Whether one of them is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)
