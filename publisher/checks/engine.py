"""Execution of the rules, with collection of their findings and facts."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from publisher.checks.context import Context
from publisher.checks.ignores import ignores_of, judge
from publisher.checks.registry import Rule, line_in, rules
from publisher.checks.rules import story_repeated
from publisher.checks.rules.story_repeated import Earlier
from publisher.config import Config
from publisher.config.plugins import in_a_line
from publisher.diagnostics import Diagnostic, Place, Severity, blocking, catalogue, define, say
from publisher.diagnostics.catalogue import pages, with_levels
from publisher.issue.load import Reading, read_issue
from publisher.issue.model import Issue
from publisher.issue.translations import Translations

log = logging.getLogger(__name__)

RULE_CRASHED = define("rule-crashed", Severity.ERROR, fixed=True)


def check_issue(config: Config, slug: str) -> tuple[Issue | None, list[Diagnostic]]:
    """Read an issue and run all rules. Returns the issue, or None if there are errors, and all findings.

    Findings that need rendering are not included: see :func:`publisher.proofing.proof.proofread`.
    """
    reading = read_issue(config, slug)
    unseen = frozenset(catalogue()) - {code.name for rule in rules(config) for code in rule.codes}
    found = judge(config, ignores_of(reading), findings_within(config, reading), unseen=unseen, across=False)
    return (None if blocking(found) else reading.issue), found


def findings_within(config: Config, reading: Reading, translations: Translations | None = None) -> list[Diagnostic]:
    """Return all findings within an issue, at the levels of config.yaml; ignores are not yet applied."""
    found = [*reading.findings]
    if reading.partial is not None:
        context = Context(config, reading.partial, whole=reading.issue is not None, translations=translations)
        place = reading.partial.places.of()
        for rule in rules(config):
            if rule.check is not None:
                found += _run(rule, place, reading.slug, partial(rule.check, context))
    return list(with_levels(config.checks.levels, found))


def facts_of(config: Config, reading: Reading) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Return the facts of an issue for rules across issues, by rule, and findings for failures; of a partial issue,
    those of its parts; if it could not be read, none.
    """
    facts: dict[str, Any] = {}
    failed: list[Diagnostic] = []
    if (issue := reading.partial) is None:
        return facts, failed
    context = Context(config, issue, whole=reading.issue is not None)
    for rule in rules(config):
        if rule.gather is not None:
            try:
                facts[rule.key] = _plain(rule.gather(issue)) if rule.plugin else rule.gather(context)
            except (Exception, SystemExit) as error:
                failed.append(_crashed(rule, issue.places.of(), issue.slug, error))
    return facts, failed


def _plain(gathered: Any) -> Any:
    """Serialize and restore what a plug-in gathered, as the cache does. Raises if the cache cannot store it."""
    import msgpack

    return msgpack.unpackb(msgpack.packb(gathered))


def affected(
    config: Config, before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """Return the slugs whose findings across issues, or earlier stories, a change of facts (by slug) may alter."""
    found: set[str] = set()
    across = _rules_across(config)
    for rule in (*across, *(one for one in rules(config) if one.affected and one not in across)):
        was, now = _gathered(rule, before), _gathered(rule, after)
        if was != now:
            try:
                found |= rule.affected(was, now) if rule.affected else now.keys()
            except Exception:  # a plug-in failed; all are compared again
                found |= now.keys()
    return found


def findings_across(
    config: Config, facts: Mapping[str, Mapping[str, Any]], slugs: Iterable[str] | None = None
) -> list[Diagnostic]:
    """Return the findings of rules across issues from the facts by slug, at the levels of config.yaml; optionally only
    of ``slugs``. An issue that cannot be read has empty facts, but counts as existing.
    """
    wanted = None if slugs is None else frozenset(slugs)
    found: list[Diagnostic] = []
    for rule in _rules_across(config):
        if rule.compare is not None:
            gathered: Any = _gathered(rule, facts)
            gathered = [*gathered.values()] if rule.plugin else gathered
            found += _run(rule, Place("issues"), "the repository", partial(rule.compare, gathered, wanted))
    return list(with_levels(config.checks.levels, found))


def earlier_stories(facts: Iterable[Mapping[str, Any]], slugs: Iterable[str]) -> dict[str, tuple[Earlier, ...]]:
    """Return, for each of ``slugs``, the stories of other issues that its own continue; ``facts`` are of all issues."""
    gathered = [one[story_repeated.CODE.name] for one in facts if story_repeated.CODE.name in one]
    return story_repeated.earlier(gathered, frozenset(slugs))


def _gathered(rule: Rule, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The facts of a rule, by slug; for a built-in rule, None for an issue that cannot be read."""
    return {slug: one.get(rule.key) for slug, one in facts.items() if rule.key in one or not rule.plugin}


def _rules_across(config: Config) -> list[Rule]:
    levels = config.checks.levels
    return [one for one in rules(config) if one.compare and {levels.get(code.name) for code in one.codes} != {"off"}]


def _run(rule: Rule, place: Place, name: str, call: Callable[[], Iterable[Diagnostic]]) -> list[Diagnostic]:
    """The findings of a rule. A failure of the rule is a finding too, because the issue was not checked."""
    try:
        found = list(call())
        if rule.plugin:
            if strange := [one for one in found if not isinstance(one, Diagnostic) or one.code in pages()]:
                raise TypeError(f"it yields {strange[0]!r:.80}, which is no finding with a code of its own")
            found = [replace(one, severity=Severity(one.severity)) for one in found]
    except (Exception, SystemExit) as error:
        return [_crashed(rule, place, name, error)]
    return found


def _crashed(rule: Rule, place: Place, name: str, error: BaseException) -> Diagnostic:
    told, advice = in_a_line(error), say("this is a fault of publisher: report it with this issue")
    if rule.plugin:
        line = line_in(rule.plugin, error)
        where = f"{rule.plugin}:{line}" if line else rule.plugin
        advice = say("correct the rule in {where}, or leave it out", where=where)
    else:
        log.error("the rule %s failed on %s", rule.name, name, exc_info=error)
    message = say("the rule {rule} failed on {name}: {error}", rule=rule.name, name=name, error=told)
    return RULE_CRASHED.at(place, message, help=advice)
