"""Many findings of one kind are one for people, and all for machines."""

from __future__ import annotations

import json

import pytest

from publisher.diagnostics import Diagnostic, Severity, Span
from publisher.diagnostics.machines import render_github, render_json, render_sarif
from publisher.diagnostics.text import fold, render_text


def findings(count: int, severity: Severity = Severity.WARNING, code: str = "vague-link-text") -> list[Diagnostic]:
    return [
        Diagnostic(f"issues/{n % 9}/a.md", Span.point(n + 1), severity, code, f"fault {n}", "write it")
        for n in range(count)
    ]


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (1, 1), (3, 3), (4, 1), (90, 1)])
def test_few_are_shown_and_many_are_one(count: int, shown: int) -> None:
    folded = fold(findings(count))
    assert len(folded) == shown
    assert sum(1 + one.more for one in folded) == count


def test_the_first_place_the_number_and_the_files() -> None:
    text = render_text(findings(90), folded=True)
    assert text.startswith("issues/0/a.md:1:1: warning[vague-link-text] fault 0\n")
    assert "  + 89 more in 9 files; publisher check --all\n" in text
    assert text.count("fault") == 1
    assert render_text(findings(90)).count("fault") == 90
    line = render_github(findings(90), folded=True)
    assert line.count("\n") == 1
    assert "%0A+ 89 more in 9 files; publisher check --all" in line


def test_of_errors_three_are_shown_for_each_is_an_act() -> None:
    text = render_text(findings(5, Severity.ERROR), folded=True)
    assert text.count("fault") == 3
    assert "+ 2 more in 2 files" in text


def test_kinds_are_folded_apart_and_stay_in_their_order() -> None:
    mixed = [*findings(4), *findings(2, code="dead-link"), *findings(4, Severity.ERROR), *findings(1, Severity.INFO)]
    folded = fold(mixed)
    assert [(one.finding.code, str(one.finding.severity), one.more) for one in folded] == [
        ("vague-link-text", "warning", 3), ("dead-link", "warning", 0), ("dead-link", "warning", 0),
        ("vague-link-text", "error", 0), ("vague-link-text", "error", 0), ("vague-link-text", "error", 1),
        ("vague-link-text", "info", 0),
    ]  # fmt: skip


def test_one_file_is_said_as_one() -> None:
    same = [Diagnostic("a.md", Span.point(n + 1), Severity.WARNING, "x", "y") for n in range(4)]
    assert "+ 3 more in 1 file; publisher" in render_text(same, folded=True)


def test_machines_get_all() -> None:
    assert len(json.loads(render_json(findings(90)))) == 90
    assert len(json.loads(render_sarif(findings(90)))["runs"][0]["results"]) == 90
