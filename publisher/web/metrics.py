"""Counters in the Prometheus text format. Labels are from fixed sets: no address, no token, no path of a stranger's."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

_COUNTERS = {
    "requests": ("Requests", ("method", "route", "status")),
    "asked": ("Subscribe forms", ("outcome",)),
    "confirmation_mails": ("Confirmation mails", ("outcome",)),
    "changes": ("What readers did", ("change",)),
    "webhooks": ("Requests of providers", ("status",)),
}
"""Help and labels, by name."""


class Metrics:
    """What the service counts."""

    def __init__(self) -> None:
        self._numbers = {name: Counter[tuple[str, ...]]() for name in _COUNTERS}
        self._lock = threading.Lock()

    def count(self, name: str, *values: str) -> None:
        """One more; the labels' values in order."""
        with self._lock:
            self._numbers[name][values] += 1

    def text(self, subscribers: dict[str, int]) -> str:
        """Everything. ``subscribers``: how many there are now, by state."""
        lines: list[str] = []
        for name, (about, labels) in _COUNTERS.items():
            with self._lock:
                numbers = sorted(self._numbers[name].items())
            lines += _series(f"publisher_web_{name}_total", about, "counter", labels, numbers)
        now = [((state,), number) for state, number in subscribers.items()]
        lines += _series("publisher_subscribers", "Now in the database", "gauge", ("state",), now)
        return "\n".join(lines) + "\n"


Numbers = Sequence[tuple[tuple[str, ...], int]]


def _series(name: str, about: str, kind: str, labels: tuple[str, ...], numbers: Numbers) -> list[str]:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    for values, number in numbers:
        pairs = ",".join(f'{label}="{_safe(value)}"' for label, value in zip(labels, values, strict=True))
        lines.append(f"{name}{{{pairs}}} {number}")
    return lines


def _safe(value: str) -> str:
    return "".join(c for c in value if c.isascii() and (c.isalnum() or c in "-_ "))[:40]
