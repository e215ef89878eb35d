"""Views as the data the page shows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from publisher.diagnostics import Severity
from publisher.diagnostics.folding import Shown, fold
from publisher.diagnostics.machines import as_object
from publisher.edition.gates.clip_budget import BUDGET
from publisher.preview.inbox import rows
from publisher.preview.workshop import PreviewState, Workshop


def listing(workshop: Workshop) -> list[dict[str, Any]]:
    """Every issue, the newest first, with what is known of it."""
    return [_entry(slug, workshop.last(slug)) for slug in workshop.slugs()]


def _entry(slug: str, view: PreviewState | None) -> dict[str, Any]:
    if view is None:
        return {"slug": slug, "title": slug, "status": "", "errors": None, "warnings": None, "version": 0}
    counts = {f"{severity}s": view.count(severity) for severity in (Severity.ERROR, Severity.WARNING)}
    return {"slug": slug, "title": view.title, "status": view.status, "version": view.version} | counts


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
            "inbox": [asdict(row) for row in rows(name or address, edition.subject, edition.preheader)],
            "bytes": max(edition.sizes.html, edition.sizes.html_encoded),
            "budget": BUDGET,
            "length": asdict(edition.length),
            "digest": edition.digest,
        }
    return answer


def _finding(workshop: Workshop, shown: Shown) -> dict[str, Any]:
    finding, editor = shown.finding, workshop.config.preview.editor
    path, span = (workshop.root / finding.path).as_posix(), finding.span
    return as_object(finding) | {
        "rest": shown.rest if shown.more else None,
        "href": editor.format(path=path, line=span.line, column=span.column),
    }
