"""Views as the data the page shows."""

from __future__ import annotations

from typing import Any

from publisher.diagnostics import Severity, rendered
from publisher.diagnostics.folding import Shown, fold
from publisher.edition.gates.clip_budget import BUDGET
from publisher.preview.inbox import rows
from publisher.preview.workshop import PreviewState, Workshop


def listing(workshop: Workshop) -> list[dict[str, Any]]:
    """Every issue, the newest first, with what is known of it."""
    return [_entry(slug, workshop.last(slug)) for slug in workshop.slugs()]


def _entry(slug: str, view: PreviewState | None) -> dict[str, Any]:
    if view is None:
        return {"slug": slug, "title": slug, "status": "", "errors": None, "warnings": None, "version": 0}
    return {
        "slug": slug,
        "title": view.title,
        "status": view.status,
        "errors": view.count(Severity.ERROR),
        "warnings": view.count(Severity.WARNING),
        "version": view.version,
    }


def describe(workshop: Workshop, view: PreviewState) -> dict[str, Any]:
    """One issue: its findings, its inbox rows, its sizes."""
    edition = view.edition
    answer = _entry(view.slug, view) | {
        "broken": view.broken,
        "seen": edition is not None,
        "infos": view.count(Severity.INFO),
        "diagnostics": [_finding(workshop, shown) for shown in fold(view.diagnostics)],
    }
    if edition is not None:
        name, address = workshop.config.newsletter.sender
        answer |= {
            "language": edition.language,
            "inbox": [
                {"client": r.client, "sender": r.sender, "subject": r.subject, "preheader": r.preheader, "cut": r.cut}
                for r in rows(name or address, edition.subject, edition.preheader)
            ],
            "bytes": max(edition.sizes.html, edition.sizes.html_encoded),
            "budget": BUDGET,
            "length": {"count": edition.length.count, "unit": edition.length.unit, "minutes": edition.length.minutes},
            "digest": edition.digest,
        }
    return answer


def _finding(workshop: Workshop, shown: Shown) -> dict[str, Any]:
    finding = shown.finding
    path = workshop.root / finding.path
    editor = workshop.config.preview.editor
    return {
        "path": finding.path,
        "line": finding.span.line,
        "column": finding.span.column,
        "severity": finding.severity.value,
        "code": finding.code,
        "message": rendered(finding.message),
        "help": None if finding.help is None else rendered(finding.help),
        "rest": shown.rest if shown.more else None,
        "href": editor.format(path=path.as_posix(), line=finding.span.line, column=finding.span.column),
    }
