"""Data for the preview page: findings, sizes, and the inbox row of several mail clients.

Rows are cut by columns (a Han character takes two), according to what each client shows at its default size. This is a
guide, not exact to the pixel.
"""

import re
from dataclasses import asdict, dataclass
from itertools import accumulate, takewhile
from typing import Any
from urllib.parse import quote

from publisher.diagnostics import Severity
from publisher.diagnostics.machines import as_object
from publisher.diagnostics.text import Shown, fold
from publisher.diagnostics.width import display_width, widths
from publisher.edition.gates.gmail import BUDGET
from publisher.edition.model import Edition
from publisher.preview.frames import Look, document
from publisher.preview.workshop import PreviewState, Workshop

_PLACE = re.compile(r"\{(path|line|column)\}")


def listing(workshop: Workshop) -> list[dict[str, Any]]:
    """Every issue, newest first, with its last known state."""
    return [_entry(slug, workshop.last(slug)) for slug in workshop.slugs()]


def _entry(slug: str, view: PreviewState | None) -> dict[str, Any]:
    if view is None:
        return {"slug": slug, "title": slug, "status": "", "errors": None, "warnings": None, "version": 0}
    counts = {f"{severity}s": view.count(severity) for severity in (Severity.ERROR, Severity.WARNING)}
    return {"slug": slug, "title": view.title, "status": view.status, "version": view.version} | counts


def describe(workshop: Workshop, view: PreviewState, look: Look) -> dict[str, Any]:
    """One issue: findings, inbox rows, sizes, and the document of its frame."""
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
            "budget": BUDGET,
            **_measures(edition),
            "digest": edition.digest,
            "document": document(edition, look, workshop.config),
            "variants": [
                {"name": one.name, "condition": one.condition, **_measures(one.edition)} for one in edition.variants
            ],
        }
    return answer


def _measures(edition: Edition) -> dict[str, Any]:
    return {"bytes": max(edition.sizes.html, edition.sizes.html_encoded), "length": asdict(edition.length)}


def _finding(workshop: Workshop, shown: Shown) -> dict[str, Any]:
    finding, editor = shown.finding, workshop.config.preview.editor
    told = {"path": quote((workshop.root / finding.path).as_posix()), "line": finding.line, "column": finding.column}
    href = _PLACE.sub(lambda place: str(told[place[1]]), editor)
    return as_object(finding) | {"rest": shown.rest if shown.more else None, "href": href}


@dataclass(frozen=True, slots=True)
class Client:
    """Columns of a row that a mail client shows. ``together``: subject and preheader share one line."""

    name: str
    sender: int
    subject: int
    preheader: int
    together: bool


CLIENTS = (
    Client("Gmail", sender=20, subject=110, preheader=110, together=True),
    Client("Gmail, phone", sender=28, subject=40, preheader=44, together=False),
    Client("Apple Mail", sender=34, subject=52, preheader=104, together=False),
)


@dataclass(frozen=True, slots=True)
class InboxRow:
    """Row of an inbox, cut as the client does."""

    client: str
    sender: str
    subject: str
    preheader: str
    cut: bool


def cut(text: str, columns: int) -> str:
    """Cut a text to ``columns``, with an ellipsis if anything is lost."""
    if display_width(text) <= columns:
        return text
    fits = takewhile(lambda pair: pair[1] < columns, zip(text, accumulate(widths(text)), strict=True))
    return "".join(character for character, _ in fits).rstrip() + "…"


def rows(sender: str, subject: str, preheader: str) -> list[InboxRow]:
    """The inbox row in each client."""
    shown = []
    for client in CLIENTS:
        line = cut(subject, client.subject)
        room = client.preheader - display_width(line) - 3 if client.together else client.preheader
        after = cut(preheader, room) if room > 8 else ""
        shown.append(InboxRow(client.name, cut(sender, client.sender), line, after, line != subject))
    return shown
