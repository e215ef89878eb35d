"""The plan in words: what both human renderers say alike."""

from __future__ import annotations

from publisher.edition.gates.clip_budget import BUDGET
from publisher.publishing.due import MAILS, NEEDS_SOMEBODY, Decision, Kind
from publisher.publishing.plan.model import Audience, Bytes, Change, How, Plan

HOW = {
    How.ADDED: "new",
    How.CHANGED: "changed",
    How.REMOVED: "removed",
    How.SAME: "its files changed, what readers get did not",
    How.BROKEN: "cannot be built",
    How.SHARED: "changed by the theme or config.yaml",
}
_ORDER = (*MAILS, *NEEDS_SOMEBODY, Kind.WAITING, Kind.HELD, Kind.CHANGED, Kind.WITHDRAWN)


def decisions(plan: Plan) -> list[Decision]:
    """Those worth a line: what is done is no news."""
    shown = [d for d in plan.decisions if d.kind not in {Kind.DONE, Kind.DRAFT, Kind.SETTLED}]
    return sorted(shown, key=lambda d: (_ORDER.index(d.kind) if d.kind in _ORDER else len(_ORDER), d.slug))


def deed(decision: Decision, *, ledger: bool) -> str:
    """What publish would do with an issue."""
    if decision.kind is Kind.DUE:
        return "would be mailed now" if ledger else "would be mailed now, unless it has been"
    if decision.kind is Kind.RESUME:
        return f"would go on: {decision.why}"
    return decision.says


def nothing(plan: Plan) -> str:
    """Where no issue is worth a line."""
    return "publish would bring the archive up to date" if plan.work else "publish would do nothing"


def sizes(before: Bytes | None, after: Bytes | None) -> str:
    """Bytes, what changed of them, and what is left of the clip budget."""
    if after is None:
        return ""
    largest = max(after.html, after.encoded)
    grown = f" ({_signed(largest - max(before.html, before.encoded))})" if before else ""
    left = f"{BUDGET - largest:,} left" if largest <= BUDGET else f"{largest - BUDGET:,} over"
    return (
        f"HTML {after.html:,} B, encoded {after.encoded:,} B{grown}: {after.share:.0%} of the clip budget, {left}; "
        f"text {after.text:,} B, message {after.message:,} B"
    )


def audience(found: Audience) -> str:
    """Recipients in numbers."""
    who = f"segment {found.expression}" if found.expression else "everybody"
    reasons = ", ".join(f"{people:,} {reason}" for reason, people in found.excluded.items())
    return f"{found.recipients:,} recipients ({who})" + (f"; excluded: {reasons}" if reasons else "")


def is_quiet(change: Change) -> bool:
    """Whether there is nothing to show of a change but its line."""
    return change.how in {How.SAME, How.REMOVED}


def _signed(number: int) -> str:
    return f"{number:+,} B"
