"""Every code has a faulty input in the corpus; its finding is exactly the text written there, and speaks Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from publisher.config.names import every_code
from publisher.diagnostics import rendered
from tests.diagnostics.test_sentences import ENGLISH, QUOTED

from .corpus import SOUND, Case, cases, check, lay_out, said

ELSEWHERE = {
    "image-unreadable": "tests/edition/test_pictures.py: image-missing is found before, unless the file goes meanwhile",
    "file-too-large": "tests/documents/test_text.py makes a megabyte",
    "too-much-markup": "tests/issue/test_load.py makes eight thousand marks",
    "card-glyphs": "tests/edition/test_card.py: which characters no font has depends on the machine",
    "rule-crashed": "tests/checks/test_engine.py breaks a rule to see it",
    "dead-link": "tests/links asks a real server",
    "unsure-link": "tests/links asks a real server",
    "moved-link": "tests/links asks a real server",
    "private-link": "tests/links asks a real server",
    "insecure-link": "tests/links asks a real server",
    **dict.fromkeys(
        (f"wechat-{what}" for what in ["title", "author", "digest", "length", "contrast", "picture", "cover"]),
        "tests/channels/test_wechat.py: publisher wechat alone asks",
    ),
}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_faulty_input_has_exactly_its_findings_and_no_english_is_left_in_chinese(case: Case, tmp_path: Path) -> None:
    lay_out(case, tmp_path)
    found = check(tmp_path)
    assert said(tmp_path, found) == case.expected
    assert case.code in {finding.code for finding in found}
    for sentence in filter(None, (words for finding in found for words in (finding.message, finding.help))):
        told = rendered(sentence, "zh")
        assert not ENGLISH.search(QUOTED.sub("", told)), told
        assert re.search("[\u4e00-\u9fff]", told), told


def test_the_sound_newsletter_has_no_finding(tmp_path: Path) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    assert said(tmp_path) == ""
    assert len(SOUND) == 3


def test_every_code_has_a_case() -> None:
    assert set(every_code()) - set(ELSEWHERE) - {case.code for case in cases()} == set()
    assert set(every_code()) >= {*ELSEWHERE, *(case.code for case in cases())}
