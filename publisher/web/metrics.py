"""Counters in the Prometheus text format. Labels are from fixed sets: no address, no token, no path of a stranger's."""

from __future__ import annotations

import threading
from collections import Counter as Numbers


class Counter:
    """A counter with labels."""

    def __init__(self, name: str, help: str, labels: tuple[str, ...]) -> None:
        self.name, self.help, self.labels = name, help, labels
        self._numbers: Numbers[tuple[str, ...]] = Numbers()
        self._lock = threading.Lock()

    def add(self, *values: str) -> None:
        """One more; the labels' values in order."""
        with self._lock:
            self._numbers[values] += 1

    def lines(self) -> list[str]:
        """The counter as text."""
        with self._lock:
            numbers = sorted(self._numbers.items())
        return [*_head(self.name, self.help, "counter"), *(_line(self.name, self.labels, v, n) for v, n in numbers)]


class Metrics:
    """What the service counts."""

    def __init__(self) -> None:
        self.requests = Counter("publisher_web_requests_total", "Requests", ("method", "route", "status"))
        self.asked = Counter("publisher_web_asked_total", "Subscribe forms", ("outcome",))
        self.mails = Counter("publisher_web_confirmation_mails_total", "Confirmation mails", ("outcome",))
        self.changes = Counter("publisher_web_changes_total", "What readers did", ("change",))
        self.webhooks = Counter("publisher_web_webhooks_total", "Requests of providers", ("status",))

    def text(self, gauges: dict[tuple[str, str], dict[str, int]]) -> str:
        """Everything. ``gauges``: numbers by label value, by name and label."""
        lines = [
            line
            for counter in (self.requests, self.asked, self.mails, self.changes, self.webhooks)
            for line in counter.lines()
        ]
        for (name, label), numbers in gauges.items():
            lines += _head(name, "Now in the database", "gauge")
            lines += [_line(name, (label,), (value,), number) for value, number in numbers.items()]
        return "\n".join(lines) + "\n"


def _head(name: str, help: str, kind: str) -> list[str]:
    return [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]


def _line(name: str, labels: tuple[str, ...], values: tuple[str, ...], number: int) -> str:
    pairs = ",".join(f'{label}="{_safe(value)}"' for label, value in zip(labels, values, strict=True))
    return f"{name}{{{pairs}}} {number}"


def _safe(value: str) -> str:
    return "".join(c for c in value if c.isascii() and (c.isalnum() or c in "-_ "))[:40]
