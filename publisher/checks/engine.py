"""Runs every rule over issues, and collects all that they find."""

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
    """Read one issue and run every rule over it: the issue, unless there are errors, and all findings.

    What only a rendering shows is not looked at: see :func:`publisher.proofing.proof.proofread`.
    """
    reading = read_issue(config, slug)
    unseen = frozenset(catalogue()) - {code.name for rule in rules(config) for code in rule.codes}
    found = judge(config, ignores_of(reading), findings_within(config, reading), unseen=unseen, across=False)
    return (None if blocking(found) else reading.issue), found


def findings_within(config: Config, reading: Reading, translations: Translations | None = None) -> list[Diagnostic]:
    """All findings within one issue that has been read, at the levels of config.yaml; ignores are not yet obeyed."""
    found = [*reading.findings]
    if reading.partial is not None:
        context = Context(config, reading.partial, whole=reading.issue is not None, translations=translations)
        place = reading.partial.places.of()
        for rule in rules(config):
            if rule.check is not None:
                found += _run(rule, place, reading.slug, partial(rule.check, context))
    return list(with_levels(config.checks.levels, found))


def facts_of(config: Config, issue: Issue) -> tuple[dict[str, Any], list[Diagnostic]]:
    """What the rules across issues look at in one of them, by rule; and those that failed. The issue may be partial."""
    facts: dict[str, Any] = {}
    failed: list[Diagnostic] = []
    context = Context(config, issue)
    for rule in rules(config):
        if rule.gather is not None:
            try:
                facts[rule.key] = _plain(rule.gather(issue)) if rule.plugin else rule.gather(context)
            except (Exception, SystemExit) as error:
                failed.append(_crashed(rule, issue.places.of(), issue.slug, error))
    return facts, failed


def _plain(gathered: Any) -> Any:
    """What a plug-in gathered, as the cache gives it back. Raises where the cache cannot hold it."""
    import msgpack

    return msgpack.unpackb(msgpack.packb(gathered))


def affected(
    config: Config, before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """The slugs whose findings across issues, or earlier stories, may differ where the facts of issues, by slug, do."""
    found: set[str] = set()
    across = _rules_across(config)
    for rule in (*across, *(one for one in rules(config) if one.affected and one not in across)):
        was, now = _gathered(rule, before), _gathered(rule, after)
        if was != now:
            found |= rule.affected(was, now) if rule.affected else now.keys()
    return found


def findings_across(
    config: Config, facts: Mapping[str, Mapping[str, Any]], slugs: Iterable[str] | None = None
) -> list[Diagnostic]:
    """What concerns several issues, from the facts of each by slug, at the levels of config.yaml; of ``slugs``, where
    given. An issue of which nothing is known has no facts, and is there.
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
    """Of each of ``slugs``, which stories of other issues its own follow; from the facts of each."""
    gathered = [one[story_repeated.CODE.name] for one in facts if story_repeated.CODE.name in one]
    return story_repeated.earlier(gathered, frozenset(slugs))


def _gathered(rule: Rule, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the rule gathered, by slug; a rule of ours has None of an issue of which nothing is known."""
    return {slug: one.get(rule.key) for slug, one in facts.items() if rule.key in one or not rule.plugin}


def _rules_across(config: Config) -> list[Rule]:
    levels = config.checks.levels
    return [one for one in rules(config) if one.compare and {levels.get(code.name) for code in one.codes} != {"off"}]


def _run(rule: Rule, place: Place, name: str, call: Callable[[], Iterable[Diagnostic]]) -> list[Diagnostic]:
    """The findings of a rule. A rule that fails is a finding too: nothing is called checked that was not."""
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
