"""Bytes become text, or one finding that says where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.documents.text import MAX_BYTES, decode, read_text


def test_a_byte_order_mark_and_windows_line_ends_leave_no_trace() -> None:
    file, found = decode("a.md", "\ufeff一\r\n二\r三\n".encode())
    assert found == []
    assert file is not None
    assert file.lines == ("一", "二", "三", "")


def test_the_place_of_a_wrong_byte_counts_characters_not_bytes() -> None:
    file, [finding] = decode("a.md", "一\r\n二三".encode() + b"\xff" + b"x")
    assert file is None
    assert (finding.span.line, finding.span.column) == (2, 3)


def test_invisible_characters_keep_every_column_true() -> None:
    file, found = decode("a.md", b"a\x07b\x1b[31mc")
    assert file is not None
    assert file.text == "a\ufffcb\ufffc[31mc"
    assert [finding.span.column for finding in found] == [2, 4]


def test_a_file_of_a_megabyte_is_refused_before_it_is_parsed() -> None:
    file, [finding] = decode("a.md", b"x" * (MAX_BYTES + 1))
    assert file is None
    assert finding.code == "file-too-large"


@pytest.mark.parametrize("size", [0, 16_383, 16_384, 16_385, 32_769, MAX_BYTES])
def test_a_file_is_read_to_its_end(size: int, tmp_path: Path) -> None:
    content = "".join(f"{number:x} " for number in range(size // 3))[:size].ljust(size, "x")
    (tmp_path / "a.md").write_text(content)
    file, found = read_text(tmp_path, "a.md")
    assert (file.text if file else "", found) == (content, [])
    (tmp_path / "a.md").write_text(content + "x" * (MAX_BYTES + 1 - size))
    assert [finding.code for finding in read_text(tmp_path, "a.md")[1]] == ["file-too-large"]


def test_a_flood_of_controls_is_reported_in_few_findings() -> None:
    _, found = decode("a.md", b"x\x01" * 5000)
    assert len(found) == 20
    assert "4980 more" in found[-1].message


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_a_finding(content: bytes) -> None:
    file, found = decode("a.md", content)
    assert file is not None or found
    assert all(finding.span.line >= 1 and finding.span.column >= 1 for finding in found)
