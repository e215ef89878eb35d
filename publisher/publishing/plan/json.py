"""The plan as JSON: stable, for machines."""

from __future__ import annotations

import json
from typing import Any

from publisher.diagnostics import Diagnostic
from publisher.publishing.due import MAILS
from publisher.publishing.plan.model import Bytes, Change, Link, Plan


def render_json(plan: Plan) -> str:
    """One object. ``work`` says whether ``publish`` would do anything; ``due`` names what it would mail."""
    document = {
        "work": plan.work,
        "due": [decision.slug for decision in plan.decisions if decision.kind in MAILS],
        "ledger": plan.ledger,
        "commit": plan.commit,
        "base": plan.base,
        "decisions": [
            {
                "issue": decision.slug,
                "decision": decision.kind.value,
                "why": decision.why,
                "help": decision.help,
                "at": decision.at.isoformat() if decision.at else None,
            }
            for decision in plan.decisions
        ],
        "shared": list(plan.shared),
        "changes": [_change(change) for change in plan.changes],
        "others": plan.others,
        "notes": list(plan.notes),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _change(change: Change) -> dict[str, Any]:
    return {
        "issue": change.slug,
        "how": change.how.value,
        "title": change.title,
        "subject": _pair(*change.subject),
        "digest": _pair(*change.digest),
        "text": list(change.text),
        "structure": list(change.structure),
        "links": {"added": _links(change.links_gained), "removed": _links(change.links_lost)},
        "bytes": _pair(*(_bytes(one) for one in change.bytes)),
        "findings": {"added": _findings(change.found), "removed": _findings(change.settled)},
        "audience": {
            "segment": change.audience.expression,
            "recipients": change.audience.recipients,
            "excluded_by_reason": change.audience.excluded,
        }
        if change.audience
        else None,
        "pictures": list(change.pictures),
    }


def _pair(before: Any, after: Any) -> dict[str, Any]:
    return {"before": before, "after": after}


def _bytes(one: Bytes | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "html": one.html,
        "html_encoded": one.encoded,
        "text": one.text,
        "message": one.message,
        "clip_budget_used": round(one.share, 4),
    }


def _links(links: tuple[Link, ...]) -> list[dict[str, str]]:
    return [{"url": link.url, "text": link.text} for link in links]


def _findings(found: tuple[Diagnostic, ...]) -> list[dict[str, Any]]:
    return [
        {
            "path": one.path,
            "line": one.span.line,
            "column": one.span.column,
            "severity": one.severity.value,
            "code": one.code,
            "message": one.message,
        }
        for one in found
    ]
