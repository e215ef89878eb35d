"""Mail and pages look as they did in every theme: ``make pictures-compare ARGS=--write`` keeps new references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import ImageChops

from publisher.config.theme import built_in
from tools.pictures_compare import KEPT, TOLERATED, difference, fonts, references, small
from tools.theme_pictures import ISSUES, SURFACES, shots

# One language a run of the suite; make pictures-compare looks at all.
VIEWS = {f"{theme}-{view}" for theme in built_in() for view in ("index-en-1280-light", "issue-en-375-dark")}
MAIL = {f"{theme}-email-en-375-light" for theme in built_in()}


@pytest.mark.browser
def test_mail_and_pages_of_every_theme_look_as_they_did(browser: Any, tmp_path: Path) -> None:
    if fonts() != (KEPT / "fonts.txt").read_text(encoding="utf-8"):
        pytest.skip("other fonts than those of the references: every line breaks elsewhere")
    kept = references()
    shares = {name: difference(kept[name], small(shot)) for name, shot in shots(browser, tmp_path, VIEWS | MAIL)}
    assert shares.keys() == VIEWS | MAIL
    assert {name: share for name, share in shares.items() if share > TOLERATED} == {}


def test_every_theme_surface_language_width_and_scheme_has_a_reference() -> None:
    assert len(references()) == len(built_in()) * len(SURFACES) * len(ISSUES) * 2 * 2
    assert all(sheet.stat().st_size <= 100_000 for sheet in KEPT.glob("*.webp"))


def test_a_picture_that_moved_by_ten_pixels_is_not_tolerated() -> None:
    moved = {name: difference(image, ImageChops.offset(image, 0, 1)) for name, image in references().items()}
    assert {name: share for name, share in moved.items() if share <= TOLERATED} == {}
