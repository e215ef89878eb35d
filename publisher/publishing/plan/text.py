"""The plan as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.publishing.plan import words
from publisher.publishing.plan.model import Change, How, Plan

LONGEST = 60
"""Lines of one diff; Markdown and JSON have more."""


MOST = 40
"""Issues named."""


def render_text(plan: Plan) -> str:
    """Plain text; lines that begin with ``+`` or ``-`` are a diff's."""
    return "\n".join(_plan(plan)) + "\n"


def _plan(plan: Plan) -> Iterator[str]:
    shown = words.decisions(plan)
    if not shown:
        yield words.nothing(plan)
    for decision in shown[:MOST]:
        yield f"{decision.slug}: {words.deed(decision, ledger=plan.ledger)}"
        if decision.help:
            yield f"    help: {decision.help}"
    if len(shown) > MOST:
        yield f"… and {len(shown) - MOST} more issues"
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
    touched = sum(change.how is not How.SAME for change in plan.changes)
    return f"{touched} edition{'' if touched == 1 else 's'} touched" if touched else "no edition touched"


def _change(change: Change) -> Iterator[str]:
    yield f"{change.slug}: {words.HOW[change.how]}" + (f" - {change.title}" if change.title else "")
    if words.is_quiet(change):
        return
    before, after = change.subject
    if before and after and before != after:
        yield f"  subject: {before} -> {after}"
    if size := words.sizes(*change.bytes):
        yield f"  {size}"
    if change.audience:
        yield f"  {words.audience(change.audience)}"
    for sign, found in (("+", change.found), ("-", change.settled)):
        for one in found:
            place = f"{one.path}:{one.span.line}:{one.span.column}"
            yield f"{sign} {place}: {one.severity.value}[{one.code}] {one.message}"
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
