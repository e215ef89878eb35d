"""The progress bar comes with the first step: until then the process has one thread, so workers can be forked."""

from __future__ import annotations

import io
import sys
import threading

import pytest
from rich.console import Console

from publisher.cli import output


def on_terminal(monkeypatch: pytest.MonkeyPatch, shown: io.StringIO) -> None:
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(shown, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(output, "console", lambda **_: Console(file=shown, force_terminal=True, width=80))


def test_a_bar_begins_with_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    on_terminal(monkeypatch, shown)
    threads = threading.active_count()
    with output.Bar("building") as bar:
        bar.total(3)
        assert (threading.active_count(), shown.getvalue()) == (threads, "")
        bar.step()
        assert threading.active_count() == threads + 1
        bar.at(2, 3)
    assert "building" in shown.getvalue()
    assert "2/3" in shown.getvalue()


def test_a_bar_that_stopped_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    on_terminal(monkeypatch, shown)
    with output.Bar("building") as bar:
        bar.at(1, 3)
        bar.stop()
        seen = shown.getvalue()
        bar.at(2, 3)
    assert shown.getvalue() == seen
