"""Pages look as they did in every theme: ``make pictures-compare ARGS=--write`` keeps new references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from tools.pictures_compare import KEPT, TOLERATED, difference, fonts, shots


@pytest.mark.browser
def test_pages_of_every_theme_look_as_they_did(browser: Any, tmp_path: Path) -> None:
    if fonts() != (KEPT / "fonts.txt").read_text(encoding="utf-8"):
        pytest.skip("other fonts than those of the references: every line breaks elsewhere")
    shares = {}
    for name, now in shots(browser, tmp_path):
        shares[name] = difference(Image.open(KEPT / f"{name}.webp").convert("RGB"), now)
    assert len(shares) == 8
    assert {name: share for name, share in shares.items() if share > TOLERATED} == {}


@pytest.mark.parametrize("reference", sorted(KEPT.glob("*.webp")), ids=lambda path: str(path.stem))
def test_a_page_that_moved_by_twelve_pixels_is_not_tolerated(reference: Path) -> None:
    image = Image.open(reference).convert("RGB")
    assert difference(image, ImageChops.offset(image, 0, 2)) > TOLERATED
    assert reference.stat().st_size <= 15_000
