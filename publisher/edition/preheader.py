"""The inbox's preview line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from publisher.diagnostics.width import display_width
from publisher.issue.markdown.cjk import one_line
from publisher.issue.model import Issue

if TYPE_CHECKING:
    from publisher.edition.slots import Slots

PREHEADER_WIDTH = 90
"""Columns of an inbox's preview line; Han characters take two. What is longer is cut by every client."""


def preheader(issue: Issue, points: Sequence[str], intro: str, items: Sequence[str], slots: Slots) -> str:
    """The inbox's preview line: as written; else the subtitle, the first key points, the intro, the first headlines."""
    if issue.preheader:
        return slots.marked(one_line(issue.preheader))
    if issue.subtitle:
        return cut(one_line(issue.subtitle), PREHEADER_WIDTH)
    pieces = list(points)
    if not pieces and intro:
        pieces = [intro]
    if not pieces:
        pieces = list(items)
    line = ""
    for piece in pieces:
        longer = f"{line} · {piece}" if line else piece
        if line and display_width(longer) > PREHEADER_WIDTH:
            break
        line = longer
    return slots.shortened(line, PREHEADER_WIDTH)


def cut(line: str, columns: int) -> str:
    """A line cut to ``columns`` of display width with an ellipsis, between words where it has words."""
    if display_width(line) <= columns:
        return line
    used = end = 0
    while (used := used + display_width(line[end])) < columns:
        end += 1
    short = line[:end]
    if short[-1:].isascii() and line[len(short) : len(short) + 1].isascii() and " " in short[-20:]:
        short = short[: short.rindex(" ")]
    return short.rstrip(" ,;:，；：、。.·") + "…"
