"""Runs every rule over issues, and collects all that they find."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from publisher.checks.context import Context
from publisher.checks.ignores import ignores_of, without_ignored
from publisher.checks.levels import with_levels
from publisher.checks.registry import Rule, rules
from publisher.config import Config
from publisher.diagnostics import Diagnostic, Place, Severity, define
from publisher.issue import Issue, Reading, discover, read_issue
from publisher.source import loose_files

log = logging.getLogger(__name__)

RULE_CRASHED = define(
    "rule-crashed",
    Severity.ERROR,
    """A rule of publisher's own failed.

## Why it matters

What the rule looks for was not looked for, so the issue cannot be called checked. The fault is publisher's, not yours.

## Example

Report it, with the issue that it happened in.
""",
    fixed=True,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """Issues by slug (``None``: there are errors), and all findings, sorted."""

    issues: dict[str, Issue | None]
    diagnostics: tuple[Diagnostic, ...]

    def of(self, slug: str) -> tuple[Diagnostic, ...]:
        """The findings in the files of one issue."""
        prefix = f"issues/{slug}"
        return tuple(d for d in self.diagnostics if d.path == prefix or d.path.startswith(f"{prefix}/"))

    @property
    def ok(self) -> bool:
        """Whether nothing found is an error."""
        return not any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


def check_issue(config: Config, slug: str) -> tuple[Issue | None, list[Diagnostic]]:
    """Read one issue and run every rule over it: the issue, unless there are errors, and all findings."""
    reading = read_issue(config, slug)
    found = check_reading(config, reading)
    return (None if _blocked(found) else reading.issue), found


def check_reading(config: Config, reading: Reading) -> list[Diagnostic]:
    """All findings within one issue that has been read."""
    found = _finished(config, [*reading.findings, *_within(config, reading)])
    return _sorted(without_ignored(ignores_of(config.root, reading.slug), found, across=False))


def check_across(config: Config, issues: Iterable[Issue]) -> list[Diagnostic]:
    """What concerns several of ``issues``, which may be partial ones (:attr:`publisher.issue.Reading.partial`)."""
    return _finished(config, _across(config, list(issues)))


def check_repository(config: Config, slugs: Iterable[str] | None = None) -> Checked:
    """Check the issues ``slugs`` (all by default), and what concerns several of them.

    Rules across issues see all the issues of the repository, and report on the chosen ones.
    """
    everything = discover(config.root)
    chosen = list(everything if slugs is None else dict.fromkeys(slugs))
    readings = {slug: read_issue(config, slug) for slug in {*everything, *chosen}}
    found: dict[str, list[Diagnostic]] = {
        slug: [*readings[slug].findings, *_within(config, readings[slug])] for slug in chosen
    }
    partial = [reading.partial for _, reading in sorted(readings.items()) if reading.partial is not None]
    across = list(_across(config, partial))
    for slug in chosen:
        prefix = f"issues/{slug}/"
        every = _finished(config, [*found[slug], *(d for d in across if d.path.startswith(prefix))])
        found[slug] = _sorted(without_ignored(ignores_of(config.root, slug), every, across=True))
    issues = {slug: None if _blocked(found[slug]) else readings[slug].issue for slug in chosen}
    everywhere = [diagnostic for each in found.values() for diagnostic in each]
    if slugs is None:
        everywhere += with_levels(config.checks.levels, loose_files(config.root))
    return Checked(issues, tuple(_sorted(everywhere)))


def _within(config: Config, reading: Reading) -> Iterator[Diagnostic]:
    if reading.partial is None:
        return
    context = Context(config, reading.partial)
    for rule in rules():
        if rule.check is not None:
            yield from _run(rule, reading.partial.places.of(), reading.slug, lambda rule=rule: rule.check(context))


def _across(config: Config, issues: list[Issue]) -> Iterator[Diagnostic]:
    for rule in rules():
        if rule.check_all is not None:
            contexts = [Context(config, issue) for issue in issues]
            place = issues[0].places.of() if issues else Place("issues")
            yield from _run(rule, place, "the repository", lambda rule=rule, each=contexts: rule.check_all(each))


def _run(rule: Rule, place: Place, name: str, call: object) -> list[Diagnostic]:
    """The findings of a rule. A rule that fails is a finding too: nothing is called checked that was not."""
    try:
        return list(call())  # type: ignore[operator]
    except Exception as error:
        log.exception("the rule %s failed on %s", rule.name, name)
        message = f"the rule {rule.name} failed on {name}: {type(error).__name__}: {error}".replace("\n", " ")
        return [RULE_CRASHED.at(place, message, help="this is a fault of publisher: report it with this issue")]


def _finished(config: Config, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    return _sorted(with_levels(config.checks.levels, findings))


def _sorted(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    return sorted(set(findings), key=lambda finding: finding.sort_key)


def _blocked(findings: Iterable[Diagnostic]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)
