"""Charts as inline SVG of our own: shapes without text, coloured by the page's style sheet, so they follow dark mode.

Every number a chart shows stands in a table beside it; to a screen reader the picture is silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from markupsafe import Markup

WIDTH, HEIGHT = 720, 220


def stacked(parts: Sequence[tuple[str, int]]) -> Markup:
    """One bar of ``(css class, count)`` parts, each as wide as its share; what is there at all is seen."""
    total = sum(count for _, count in parts)
    shown = [(name, max(count / total * WIDTH, 2.0)) for name, count in parts if count] if total else []
    scale = WIDTH / sum(width for _, width in shown) if shown else 1.0
    x, rects = 0.0, []
    for name, width in shown:
        rects.append(f'<rect class="fill-{name}" x="{x:.2f}" y="0" width="{width * scale:.2f}" height="10"/>')
        x += width * scale
    return _svg(f"0 0 {WIDTH} 10", "stack", "".join(rects))


def bar(parts: Sequence[tuple[str, int]], whole: int) -> Markup:
    """A bar in a table's cell: ``(css class, count)`` parts of ``whole``, which is the full width."""
    x, rects = 0.0, []
    for name, count in parts:
        width = count / whole * 100 if whole else 0.0
        if width:
            rects.append(f'<rect class="fill-{name}" x="{x:.2f}" y="0" width="{max(width, 0.6):.2f}" height="10"/>')
            x += width
    return _svg("0 0 100 10", "bar", "".join(rects))


def rising(series: Sequence[tuple[str, Sequence[int]]]) -> Markup:
    """Lines of ``(css class, count in each step)``, added up from step to step; all on the scale of the largest sum."""
    sums = [(name, [0, *accumulate(counts)]) for name, counts in series]
    top = max((values[-1] for _, values in sums), default=0)
    grid = "".join(f'<line class="grid" x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"/>' for y in (1, HEIGHT / 2, HEIGHT - 1))
    lines = [_line(name, values, top) for name, values in sums if top]
    return _svg(f"0 0 {WIDTH} {HEIGHT}", "rising", grid + "".join(lines))


def _line(name: str, values: Sequence[int], top: int) -> str:
    step = WIDTH / max(1, len(values) - 1)
    points = " ".join(f"{i * step:.1f},{HEIGHT - 2 - value / top * (HEIGHT - 4):.1f}" for i, value in enumerate(values))
    return f'<polyline class="line-{name}" points="{points}" vector-effect="non-scaling-stroke"/>'


def _svg(view: str, name: str, content: str) -> Markup:
    # Only numbers and names of ours go in: no text of anybody else's.
    head = f'<svg class="{name}" viewBox="{view}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
    return Markup(f"{head}{content}</svg>")  # noqa: S704
