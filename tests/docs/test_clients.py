"""docs/clients.md names tests and gates that there are."""

from __future__ import annotations

import re
from pathlib import Path

from publisher.config.names import every_code

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/clients.md").read_text(encoding="utf-8")


def test_every_test_and_gate_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) >= 12
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), test
    gates = {
        code
        for words in re.findall(r"gates? ((?:`[a-z-]+`(?: and )?)+)", PAGE)
        for code in re.findall("[a-z-]+-[a-z-]+", words)
    }
    assert gates
    assert gates <= set(every_code())


def test_each_row_of_the_table_is_held_by_something() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    assert all("`tests/" in row for row in rows if not row.startswith("|---"))
