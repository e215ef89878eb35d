"""An issue that depends on another is renewed when the other changes, as a build would find it."""

from __future__ import annotations

import shutil
from pathlib import Path

from publisher.preview.workshop import Workshop

from .conftest import CONFIG

ORIGINAL, TRANSLATION = "2025-01-03-weekly", "2025-01-03-weekly-en"


def _newsletter(root: Path, config: str = CONFIG) -> Workshop:
    (root / "config.yaml").write_text(config, encoding="utf-8")
    for slug, more in (ORIGINAL, ""), (TRANSLATION, f"language: en\ntranslation_of: {ORIGINAL}\n"):
        folder = root / "issues" / slug
        folder.mkdir(parents=True)
        (folder / "issue.yaml").write_text(f"title: One {slug}\ndate: 2025-01-03\n{more}", encoding="utf-8")
        (folder / "a.md").write_text("---\nheadline: One\n---\nTwo.\n", encoding="utf-8")
        (folder / "b.md").write_text("---\nheadline: Three\n---\nFour.\n", encoding="utf-8")
    workshop = Workshop(root)
    for slug in (ORIGINAL, TRANSLATION):
        workshop.view(slug)
    return workshop


def test_a_translation_is_judged_again_when_its_original_changes(tmp_path: Path) -> None:
    workshop = _newsletter(tmp_path)
    item = tmp_path / "issues" / ORIGINAL / "b.md"
    item.unlink()
    assert workshop.changed([item]) == [ORIGINAL, TRANSLATION]
    assert "sibling-items" in {finding.code for finding in workshop.view(TRANSLATION).diagnostics}


def test_a_translation_whose_original_is_gone_is_broken_as_in_a_build(tmp_path: Path) -> None:
    workshop = _newsletter(tmp_path)
    assert not workshop.view(TRANSLATION).broken
    shutil.rmtree(tmp_path / "issues" / ORIGINAL)
    workshop.changed([tmp_path / "issues" / ORIGINAL / "issue.yaml"])
    assert workshop.view(TRANSLATION).broken


def test_an_issue_that_lists_an_earlier_one_shows_its_new_title(tmp_path: Path) -> None:
    workshop = _newsletter(tmp_path, f"{CONFIG}theme:\n  parts: {{previous: true}}\n")
    later = tmp_path / "issues" / "2025-01-10-weekly"
    later.mkdir()
    (later / "issue.yaml").write_text("title: Later\ndate: 2025-01-10\n", encoding="utf-8")
    (later / "a.md").write_text("---\nheadline: Five\n---\nSix.\n", encoding="utf-8")
    workshop.changed([later / "issue.yaml"])
    workshop.view(later.name)
    file = tmp_path / "issues" / ORIGINAL / "issue.yaml"
    file.write_text("title: Quite another\ndate: 2025-01-03\nstatus: ready\n", encoding="utf-8")
    assert later.name in workshop.changed([file])
    edition = workshop.view(later.name).edition
    assert edition
    assert "Quite another" in edition.html.fill(lambda _: "")
