"""The inbox row as mail clients show it: where sender, subject and preheader are cut.

Widths are counted in half-width columns (a Han character is two), taken from what each client fits at its usual
size: they are a guide to what comes first, not a promise to the pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

from publisher.diagnostics.width import display_width, widths


@dataclass(frozen=True, slots=True)
class Client:
    """How much of a row a mail client shows. ``together`` puts subject and preheader on one line."""

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
    """One row of an inbox, cut where the client cuts it."""

    client: str
    sender: str
    subject: str
    preheader: str
    cut: bool


def cut(text: str, columns: int) -> str:
    """The text as it shows in ``columns``, with an ellipsis where something is lost."""
    if display_width(text) <= columns:
        return text
    kept, used = "", 1
    for character, width in zip(text, widths(text), strict=True):
        used += width
        if used > columns:
            break
        kept += character
    return kept.rstrip() + "…"


def rows(sender: str, subject: str, preheader: str) -> list[InboxRow]:
    """The row in each client."""
    shown = []
    for client in CLIENTS:
        line = cut(subject, client.subject)
        room = client.preheader - display_width(line) - 3 if client.together else client.preheader
        after = cut(preheader, room) if room > 8 else ""
        shown.append(InboxRow(client.name, cut(sender, client.sender), line, after, line != subject))
    return shown
