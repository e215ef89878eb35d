"""Compare mail and pages of every theme, language, width and scheme with small pictures of them:
``python -m tools.pictures_compare``; ``--write`` stores new ones, after somebody has looked at them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from publisher.config.theme import built_in
from tools.pictures import ROOT, chromium
from tools.theme_pictures import ISSUES, shots, views

KEPT = ROOT / "tests/site/references"
SCALE = 10
"""So many pixels of a picture are one of a reference: the noise of drawing letters is gone, what moved is not."""
DIFFERENT = 32
"""Of 255, in any channel: what two pixels of references differ by when they differ."""
TOLERATED = 0.04
"""The share of a reference's pixels that may differ."""


def small(shot: Any) -> Any:
    """A picture as a reference."""
    return shot.resize((shot.width // SCALE, shot.height // SCALE), Image.Resampling.BOX)


def references() -> dict[str, Any]:
    """All stored pictures, by name: a sheet has those of a theme in a language, side by side."""
    found: dict[str, Any] = {}
    for theme, language in product(built_in(), ISSUES):
        sheet, left = Image.open(KEPT / f"{theme}-{language}.webp").convert("RGB"), 0
        for name, (_, width, _) in views(theme, language).items():
            found[name] = sheet.crop((left, 0, left + width // SCALE, sheet.height))
            left += width // SCALE
    return found


def keep(made: dict[str, Any]) -> None:
    """Write the sheets, and the fonts that they were made with."""
    KEPT.mkdir(exist_ok=True)
    for theme, language in product(built_in(), ISSUES):
        row = [made[name] for name in views(theme, language)]
        sheet = Image.new("RGB", (sum(one.width for one in row), row[0].height))
        for number, one in enumerate(row):
            sheet.paste(one, (sum(before.width for before in row[:number]), 0))
        sheet.save(KEPT / f"{theme}-{language}.webp", lossless=True, method=6)
    (KEPT / "fonts.txt").write_text(fonts(), encoding="utf-8")


def difference(one: Any, two: Any) -> float:
    """The share of pixels that differ."""
    bands = ImageChops.difference(one, two).split()
    worst = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    return float(sum(worst.histogram()[DIFFERENT:]) / (one.width * one.height))


def fonts() -> str:
    """The files that stand for the families of pages on this machine: with others every line breaks elsewhere."""
    names = ("serif", "sans-serif", "Georgia", "Arial", "Noto Sans CJK SC", "Noto Serif")
    found = (subprocess.run(["fc-match", "-f", "%{file}", name], capture_output=True, text=True) for name in names)
    return "\n".join(Path(one.stdout).name for one in found) + "\n"


def main() -> None:
    """Print each difference; exit 1 where one is too large."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        made = {name: small(shot) for name, shot in shots(browser, Path(folder))}
    if "--write" in sys.argv:
        keep(made)
        return
    shares = {name: difference(kept, made[name]) for name, kept in references().items()}
    for name, share in sorted(shares.items(), key=lambda one: one[1]):
        print(f"{share:7.2%}  {name}")
    sys.exit(any(share > TOLERATED for share in shares.values()))


if __name__ == "__main__":
    main()
