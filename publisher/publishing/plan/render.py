"""The plan in words shared by text and Markdown; as text for a terminal; as JSON."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC
from typing import Any

from publisher.delivery.series import StepPlan
from publisher.delivery.states import numbered
from publisher.diagnostics import counted, listed, rendered, say
from publisher.diagnostics.machines import as_object
from publisher.edition.gates.gmail import BUDGET
from publisher.edition.model import Edition, Sizes
from publisher.publishing.due import MAILS, NEEDS_OPERATOR, Action, IssueDecision
from publisher.publishing.plan.model import Audience, ChangeKind, EditionChange, Plan

LONGEST = 60  # lines per diff; Markdown and JSON have more

MOST = 40  # issues listed

HOW = {
    ChangeKind.ADDED: say("new"),
    ChangeKind.CHANGED: say("changed"),
    ChangeKind.REMOVED: say("removed"),
    ChangeKind.SAME: say("its files changed, what readers get did not"),
    ChangeKind.BROKEN: say("cannot be built"),
    ChangeKind.SHARED: say("changed by the theme or config.yaml"),
}
_ORDER = (*MAILS, *NEEDS_OPERATOR, Action.WAITING, Action.HELD, Action.CHANGED, Action.WITHDRAWN)


def decisions(plan: Plan) -> list[IssueDecision]:
    """Return the decisions to show, in order of importance: finished issues and drafts are left out."""
    shown = [d for d in plan.decisions if d.kind not in {Action.DONE, Action.DRAFT, Action.SETTLED, Action.LATE}]
    return sorted(shown, key=lambda d: (_ORDER.index(d.kind) if d.kind in _ORDER else len(_ORDER), d.slug))


def action_text(decision: IssueDecision, plan: Plan) -> str:
    """Describe what publish would do with an issue."""
    told = decision.says
    if decision.kind is Action.DUE:
        told = say("would be mailed now") if plan.ledger else say("would be mailed now, unless it has been")
    elif decision.kind is Action.RESUME:
        told = say("would go on: {why}", why=decision.why)
    if (spread := plan.spreads.get(decision.slug)) and decision.kind in {Action.DUE, Action.WAITING}:
        first, last = (f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" for at in spread)
        told = say("{told}; at local time from {first} to {last} UTC", told=told, first=first, last=last)
    return told


def nothing(plan: Plan) -> str:
    """Describe a plan without decisions to show."""
    return say("publish would bring the archive up to date") if plan.work else say("publish would do nothing")


def sizes(change: EditionChange) -> str:
    """Describe the bytes, their change, and the rest of the clip budget."""
    if change.now is None:
        return ""
    after = change.now.sizes
    room = BUDGET - _largest(after)
    return say(
        "HTML {html:,} B, encoded {encoded:,} B{grown}: {share:.0%} of the clip budget, {left}; text {text:,} B,"
        " message {message:,} B", html=after.html, encoded=after.html_encoded,
        grown=f" ({_largest(after) - _largest(change.was.sizes):+,} B)" if change.was else "",
        share=_largest(after) / BUDGET, left=say("{n:,} left", n=room) if room >= 0 else say("{n:,} over", n=-room),
        text=after.text, message=after.message,
    )  # fmt: skip


def _largest(found: Sizes) -> int:
    """Return the bytes that count against the clip budget."""
    return max(found.html, found.html_encoded)


def audience(found: Audience) -> str:
    """Describe the numbers of recipients."""
    who = say("segment {expression}", expression=found.expression) if found.expression else say("everybody")
    told = counted("{n:,} recipient ({who})", "{n:,} recipients ({who})", found.recipients, who=who)
    if found.variants:
        variants = listed(f"{name} {people:,}" for name, people in found.variants.items())
        told = say("{told}; variants: {variants}", told=told, variants=variants)
    if found.excluded:
        told = say("{told}; excluded: {reasons}", told=told, reasons=numbered(found.excluded))
    return told


def goes_to(step: StepPlan) -> str:
    """Describe how many present readers get a step of a series, and when."""
    if step.now is None or step.in_7_days is None:
        return say("to each reader in turn")
    return say("to {now:,} now, to {later:,} within 7 days", now=step.now, later=step.in_7_days)


def is_quiet(change: EditionChange) -> bool:
    """Whether a change has no details to show."""
    return change.how in {ChangeKind.SAME, ChangeKind.REMOVED}


def render_text(plan: Plan) -> str:
    """Return plain text; lines that begin with ``+`` or ``-`` belong to a diff."""
    return "\n".join(map(rendered, _plan(plan))) + "\n"


def _plan(plan: Plan) -> Iterator[str]:
    shown = decisions(plan)
    if not shown:
        yield nothing(plan)
    for decision in shown[:MOST]:
        yield say("{slug}: {told}", slug=decision.slug, told=action_text(decision, plan))
        if decision.help:
            yield say("    help: {help}", help=decision.help)
    if len(shown) > MOST:
        yield counted("… and {n} more issue", "… and {n} more issues", len(shown) - MOST)
    for step in plan.steps:
        yield say("{slug}: {told}", slug=step.slug, told=goes_to(step))
    if plan.base:
        yield ""
        yield say("against {base}: {told}", base=plan.base[:12], told=_count(plan))
    if plan.shared:
        names = listed([*plan.shared[:8], *["…"][: len(plan.shared) > 8]])
        yield say("shared by all editions: {names}", names=names)
    for change in plan.changes:
        yield ""
        yield from _change(change)
    if plan.others:
        yield ""
        yield counted(
            "{n} more edition is touched by the theme or config.yaml alone",
            "{n} more editions are touched by the theme or config.yaml alone", plan.others,
        )  # fmt: skip
    for note in plan.notes:
        yield ""
        yield say("note: {note}", note=note)


def _count(plan: Plan) -> str:
    touched = sum(change.how is not ChangeKind.SAME for change in plan.changes)
    return counted("{n} edition touched", "{n} editions touched", touched) if touched else say("no edition touched")


def _change(change: EditionChange) -> Iterator[str]:
    shown = change.now or change.was
    told = say("{slug}: {told}", slug=change.slug, told=HOW[change.how])
    yield f"{rendered(told)} - {shown.title}" if shown else told
    if is_quiet(change):
        return
    if change.was and change.now and change.was.subject != change.now.subject:
        yield say("  subject: {was} -> {now}", was=change.was.subject, now=change.now.subject)
    if size := sizes(change):
        yield f"  {rendered(size)}"
    if change.audience:
        yield f"  {rendered(audience(change.audience))}"
    for sign, found in (("+", change.found), ("-", change.settled)):
        for one in found:
            place = f"{one.path}:{one.span.line}:{one.span.column}"
            yield f"{sign} {place}: {one.severity.value}[{one.code}] {rendered(one.message)}"
    word = rendered(say("link"))
    for sign, links in (("+", change.links_gained), ("-", change.links_lost)):
        for link in links:
            yield f"{sign} {word} {link.url}" + (f" ({link.text})" if link.text else "")
    for name, lines in ((say("  text:"), change.text), (say("  structure:"), change.structure)):
        if lines:
            yield name
            yield from lines[:LONGEST]
            if len(lines) > LONGEST:
                yield counted("  … {n} more line", "  … {n} more lines", len(lines) - LONGEST)
    if change.pictures:
        yield say("  pictures: {names}", names=listed(change.pictures))


def render_json(plan: Plan) -> str:
    """Return JSON in a stable format. ``work``: whether ``publish`` would do anything; ``due``: what it would mail."""
    spreads = {slug: {"local_time": [at.isoformat() for at in spread]} for slug, spread in plan.spreads.items()}
    document = {
        "work": plan.work, "due": [decision.slug for decision in plan.decisions if decision.mails],
        "ledger": plan.ledger, "commit": plan.commit, "base": plan.base,
        "decisions": [decision.as_object() | spreads.get(decision.slug, {}) for decision in plan.decisions],
        "series": [asdict(step) for step in plan.steps], "shared": list(plan.shared),
        "changes": [_change_object(change) for change in plan.changes], "others": plan.others,
        "notes": [*map(rendered, plan.notes)],
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _change_object(change: EditionChange) -> dict[str, Any]:
    def pair(told: Callable[[Edition], Any]) -> dict[str, Any]:
        return {name: told(one) if one else None for name, one in (("before", change.was), ("after", change.now))}

    shown, who = change.now or change.was, change.audience
    keys = ("path", "line", "column", "severity", "code", "message")
    found, settled = ([{k: as_object(d)[k] for k in keys} for d in side] for side in (change.found, change.settled))
    return {
        "issue": change.slug, "how": change.how.value, "title": shown.title if shown else "",
        "subject": pair(lambda edition: edition.subject), "digest": pair(lambda edition: edition.digest),
        "text": list(change.text), "structure": list(change.structure),
        "links": {
            "added": [link._asdict() for link in change.links_gained],
            "removed": [link._asdict() for link in change.links_lost],
        },
        "bytes": pair(lambda one: asdict(one.sizes) | {"clip_budget_used": round(_largest(one.sizes) / BUDGET, 4)}),
        "findings": {"added": found, "removed": settled}, "audience": who and _audience_object(who),
        "pictures": list(change.pictures),
    }  # fmt: skip


def _audience_object(who: Audience) -> dict[str, Any]:
    told = {"segment": who.expression, "recipients": who.recipients, "excluded_by_reason": who.excluded}
    return told | ({"variants": who.variants} if who.variants else {})
