"""Findings for people: the author's own line, with the place underlined where a terminal shows it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.diagnostics import Diagnostic, Severity, Span
from publisher.diagnostics.text import render_text
from publisher.diagnostics.width import display_width, widths


def finding(
    span: Span, message: str = "the link has no scheme", help: str | None = "write https://example.com"
) -> Diagnostic:
    return Diagnostic("a.md", span, Severity.ERROR, "link-without-scheme", message, help)


def lined(found: Diagnostic, text: str, *, color: bool = False) -> str:
    """The finding with its line out of a file of that text."""
    with TemporaryDirectory() as root:
        (Path(root) / "a.md").write_bytes(text.encode())
        return render_text([found], Path(root), color=color)


def shown(line: str, start: int, end: int) -> tuple[str, str]:
    text = lined(finding(Span(1, start, 1, end)), line)
    _, source, marks, _ = text.splitlines()
    return source.removeprefix("  1 | "), marks.removeprefix("    | ")


def test_a_block_is_place_fault_line_and_action() -> None:
    text = lined(finding(Span(4, 6, 4, 17)), "\n\n\nurl: example.com\n")
    assert text == (
        "a.md:4:6: error[link-without-scheme] the link has no scheme\n"
        "  4 | url: example.com\n"
        "    |      ^^^^^^^^^^^\n"
        "  help: write https://example.com\n"
    )


@pytest.mark.parametrize(
    ("line", "start", "end", "before", "under"),
    [
        ("中文 link", 4, 8, 5, 4),
        ("\tlink", 2, 6, 4, 4),
        ("e\u0301 link", 4, 8, 2, 4),
        ("👨‍👩‍👧 link", 7, 11, 3, 4),
        ("🇨🇳 link", 4, 8, 3, 4),
        ("👍🏽 link", 4, 8, 3, 4),
        ("ｆｕｌｌ，link", 6, 10, 10, 4),
        ("〈重点〉", 2, 4, 2, 4),
        ("link", 5, 5, 4, 1),
        ("한글 link", 4, 8, 5, 4),
    ],
)
def test_the_underline_stands_below_the_spot(line: str, start: int, end: int, before: int, under: int) -> None:
    _, marks = shown(line, start, end)
    assert marks == " " * before + "^" * under


def test_a_long_line_is_cut_around_the_spot() -> None:
    source, marks = shown("长" * 300 + "here" + "尾" * 300, 301, 305)
    assert source.startswith("…")
    assert source.endswith("…")
    assert display_width(source) <= 104
    assert source[: _index(source, marks.index("^"))].endswith("长")
    assert "here" in source


@pytest.mark.parametrize(
    ("line", "column", "before", "after"),
    [
        ("x" * 100, 60, 59, 41),  # what fits is not cut
        ("x" * 101, 60, 34, 42),  # else a third of the window stands before the spot
        ("x" * 300, 150, 34, 68),
        ("x" * 300, 34, 33, 68),
        ("x" * 300, 35, 34, 68),
        ("x" * 300, 1, 0, 101),
        ("x" * 300, 300, 34, 1),
        ("中" * 50, 30, 58, 42),
        ("中" * 51, 30, 35, 44),
        ("中" * 150, 75, 35, 67),  # no half of a wide character
    ],
)
def test_of_a_long_line_a_window_is_shown(line: str, column: int, before: int, after: int) -> None:
    source, marks = shown(line, column, column + 1)
    assert (marks.index("^"), display_width(source) - marks.index("^")) == (before, after)
    assert source.strip("…") == line[0] * len(source.strip("…"))


def _index(text: str, column: int) -> int:
    """The character at a column."""
    total = 0
    for index, width in enumerate(widths(text)):
        if total >= column:
            return index
        total += width
    return len(text)


def test_nothing_in_a_file_can_act_on_the_terminal() -> None:
    text = lined(finding(Span(1, 1, 1, 2), message="bad \x1b]0;x\x07 name \u202e"), "\x1b[31mred\u202e\x07")
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_colour_only_where_asked() -> None:
    plain = lined(finding(Span(1, 1, 1, 2)), "x")
    coloured = lined(finding(Span(1, 1, 1, 2)), "x", color=True)
    assert "\x1b" not in plain
    assert "\x1b[1;31m" in coloured


def test_without_a_source_the_place_has_to_do(tmp_path: Path) -> None:
    assert render_text([finding(Span(3, 1, 3, 1))]).count("\n") == 2
    assert render_text([finding(Span(3, 1, 3, 1))], tmp_path).count("\n") == 2


def test_a_file_outside_the_root_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.md").symlink_to(tmp_path / "secret")
    assert "hunter2" not in render_text([finding(Span(1, 1, 1, 2))], root)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.integers(1, 70), st.integers(0, 70))
def test_any_line_and_span_can_be_shown(line: str, start: int, length: int) -> None:
    text = lined(finding(Span(1, start, 1, start + length)), line)
    assert text.endswith("help: write https://example.com\n")
