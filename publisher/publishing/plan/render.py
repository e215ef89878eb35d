"""The plan in words, which text and Markdown share; as text for a terminal; as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC
from typing import Any

from publisher.delivery.series import StepPlan
from publisher.diagnostics import rendered
from publisher.diagnostics.machines import as_object
from publisher.edition.gates.gmail import BUDGET
from publisher.edition.model import Edition, Sizes
from publisher.publishing.due import MAILS, NEEDS_SOMEBODY, Action, IssueDecision
from publisher.publishing.plan.model import Audience, ChangeKind, EditionChange, Plan

LONGEST = 60  # lines of one diff; Markdown and JSON have more

MOST = 40  # issues named

HOW = {
    ChangeKind.ADDED: "new",
    ChangeKind.CHANGED: "changed",
    ChangeKind.REMOVED: "removed",
    ChangeKind.SAME: "its files changed, what readers get did not",
    ChangeKind.BROKEN: "cannot be built",
    ChangeKind.SHARED: "changed by the theme or config.yaml",
}
_ORDER = (*MAILS, *NEEDS_SOMEBODY, Action.WAITING, Action.HELD, Action.CHANGED, Action.WITHDRAWN)


def decisions(plan: Plan) -> list[IssueDecision]:
    """Those worth a line: what is done is no news."""
    shown = [d for d in plan.decisions if d.kind not in {Action.DONE, Action.DRAFT, Action.SETTLED, Action.LATE}]
    return sorted(shown, key=lambda d: (_ORDER.index(d.kind) if d.kind in _ORDER else len(_ORDER), d.slug))


def deed(decision: IssueDecision, plan: Plan) -> str:
    """What publish would do with an issue."""
    told = decision.says
    if decision.kind is Action.DUE:
        told = "would be mailed now" if plan.ledger else "would be mailed now, unless it has been"
    elif decision.kind is Action.RESUME:
        told = f"would go on: {decision.why}"
    if (spread := plan.spreads.get(decision.slug)) and decision.kind in {Action.DUE, Action.WAITING}:
        first, last = (f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" for at in spread)
        told += f"; at local time from {first} to {last} UTC"
    return told


def nothing(plan: Plan) -> str:
    """Where no issue is worth a line."""
    return "publish would bring the archive up to date" if plan.work else "publish would do nothing"


def sizes(change: EditionChange) -> str:
    """Bytes, what changed of them, and what is left of the clip budget."""
    if change.now is None:
        return ""
    after = change.now.sizes
    grown = f" ({_largest(after) - _largest(change.was.sizes):+,} B)" if change.was else ""
    room = BUDGET - _largest(after)
    left = f"{room:,} left" if room >= 0 else f"{-room:,} over"
    return (
        f"HTML {after.html:,} B, encoded {after.html_encoded:,} B{grown}: "
        f"{_largest(after) / BUDGET:.0%} of the clip budget, {left}; text {after.text:,} B, message {after.message:,} B"
    )


def _largest(found: Sizes) -> int:
    """The bytes that count against the clip budget."""
    return max(found.html, found.html_encoded)


def audience(found: Audience) -> str:
    """Recipients in numbers."""
    who = f"segment {found.expression}" if found.expression else "everybody"
    reasons = ", ".join(f"{people:,} {reason}" for reason, people in found.excluded.items())
    variants = ", ".join(f"{name} {people:,}" for name, people in found.variants.items())
    told = (("variants", variants), ("excluded", reasons))
    return f"{found.recipients:,} recipients ({who})" + "".join(f"; {what}: {of}" for what, of in told if of)


def goes_to(step: StepPlan) -> str:
    """To how many readers of today a step of a series goes, and when."""
    if step.now is None or step.in_7_days is None:
        return "to each reader in turn"
    return f"to {step.now:,} now, to {step.in_7_days:,} within 7 days"


def is_quiet(change: EditionChange) -> bool:
    """Whether there is nothing to show of a change but its line."""
    return change.how in {ChangeKind.SAME, ChangeKind.REMOVED}


def render_text(plan: Plan) -> str:
    """Plain text; lines that begin with ``+`` or ``-`` are a diff's."""
    return "\n".join(_plan(plan)) + "\n"


def _plan(plan: Plan) -> Iterator[str]:
    shown = decisions(plan)
    if not shown:
        yield nothing(plan)
    for decision in shown[:MOST]:
        yield f"{decision.slug}: {deed(decision, plan)}"
        if decision.help:
            yield f"    help: {decision.help}"
    if len(shown) > MOST:
        yield f"… and {len(shown) - MOST} more issues"
    for step in plan.steps:
        yield f"{step.slug}: {goes_to(step)}"
    if plan.base:
        yield ""
        yield f"against {plan.base[:12]}: " + _count(plan)
    if plan.shared:
        yield f"shared by all editions: {', '.join(plan.shared[:8])}" + (" …" if len(plan.shared) > 8 else "")
    for change in plan.changes:
        yield ""
        yield from _change(change)
    if plan.others:
        yield f"\n{plan.others} more editions are touched by the theme or config.yaml alone"
    for note in plan.notes:
        yield f"\nnote: {note}"


def _count(plan: Plan) -> str:
    touched = sum(change.how is not ChangeKind.SAME for change in plan.changes)
    return f"{touched} edition{'' if touched == 1 else 's'} touched" if touched else "no edition touched"


def _change(change: EditionChange) -> Iterator[str]:
    shown = change.now or change.was
    yield f"{change.slug}: {HOW[change.how]}" + (f" - {shown.title}" if shown else "")
    if is_quiet(change):
        return
    if change.was and change.now and change.was.subject != change.now.subject:
        yield f"  subject: {change.was.subject} -> {change.now.subject}"
    if size := sizes(change):
        yield f"  {size}"
    if change.audience:
        yield f"  {audience(change.audience)}"
    for sign, found in (("+", change.found), ("-", change.settled)):
        for one in found:
            place = f"{one.path}:{one.span.line}:{one.span.column}"
            yield f"{sign} {place}: {one.severity.value}[{one.code}] {rendered(one.message)}"
    for sign, links in (("+", change.links_gained), ("-", change.links_lost)):
        for link in links:
            yield f"{sign} link {link.url}" + (f" ({link.text})" if link.text else "")
    for name, lines in (("text", change.text), ("structure", change.structure)):
        if lines:
            yield f"  {name}:"
            yield from lines[:LONGEST]
            if len(lines) > LONGEST:
                yield f"  … {len(lines) - LONGEST} more lines"
    if change.pictures:
        yield f"  pictures: {', '.join(change.pictures)}"


def render_json(plan: Plan) -> str:
    """One object, stable. ``work``: whether ``publish`` would do anything; ``due``: what it would mail."""
    document = {
        "work": plan.work,
        "due": [decision.slug for decision in plan.decisions if decision.mails],
        "ledger": plan.ledger,
        "commit": plan.commit,
        "base": plan.base,
        "decisions": [decision.as_object() | _spread(plan, decision.slug) for decision in plan.decisions],
        "series": [asdict(step) for step in plan.steps],
        "shared": list(plan.shared),
        "changes": [_change_object(change) for change in plan.changes],
        "others": plan.others,
        "notes": list(plan.notes),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _spread(plan: Plan, slug: str) -> dict[str, list[str]]:
    return {"local_time": [at.isoformat() for at in plan.spreads[slug]]} if slug in plan.spreads else {}


def _change_object(change: EditionChange) -> dict[str, Any]:
    def pair(told: Callable[[Edition], Any]) -> dict[str, Any]:
        return {name: told(one) if one else None for name, one in (("before", change.was), ("after", change.now))}

    shown, who = change.now or change.was, change.audience
    keys = ("path", "line", "column", "severity", "code", "message")
    found, settled = ([{k: as_object(d)[k] for k in keys} for d in side] for side in (change.found, change.settled))
    return {
        "issue": change.slug,
        "how": change.how.value,
        "title": shown.title if shown else "",
        "subject": pair(lambda edition: edition.subject),
        "digest": pair(lambda edition: edition.digest),
        "text": list(change.text),
        "structure": list(change.structure),
        "links": {
            "added": [link._asdict() for link in change.links_gained],
            "removed": [link._asdict() for link in change.links_lost],
        },
        "bytes": pair(lambda edition: _size_object(edition.sizes)),
        "findings": {"added": found, "removed": settled},
        "audience": who
        and {
            "segment": who.expression,
            "recipients": who.recipients,
            "excluded_by_reason": who.excluded,
            **({"variants": who.variants} if who.variants else {}),
        },
        "pictures": list(change.pictures),
    }


def _size_object(found: Sizes) -> dict[str, Any]:
    return asdict(found) | {"clip_budget_used": round(_largest(found) / BUDGET, 4)}
