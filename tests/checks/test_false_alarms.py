"""No false alarms: a sound newsletter with each of these files added has no finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from .corpus import Case, lay_out, read_case, said
from .newsletters import LANGUAGES
from .newsletters import lay_out as write_newsletters

SOUND = sorted((Path(__file__).parent / "sound").glob("*.txt"))


@pytest.mark.parametrize("case", [read_case(path) for path in SOUND], ids=lambda case: case.name)
def test_what_is_right_has_no_finding(case: Case, tmp_path: Path) -> None:
    lay_out(case, tmp_path)
    assert said(tmp_path) == ""


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_newsletters_in_the_manner_of_real_ones_have_no_finding(language: str, tmp_path: Path) -> None:
    assert len(write_newsletters(tmp_path, language)) == 20
    assert said(tmp_path) == ""
