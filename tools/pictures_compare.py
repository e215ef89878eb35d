"""Compare pages in every theme with small pictures of them: ``python -m tools.pictures_compare``; ``--write`` keeps
new ones, after somebody looked.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops
from playwright.sync_api import sync_playwright

from publisher.config import load_config
from publisher.config.theme import built_in
from publisher.site.build import build
from tools.pictures import ROOT
from tools.theme_pictures import ISSUES, newsletter, serving

KEPT = ROOT / "tests/site/references"
VIEWS = (("index", "", 1280, "light"), ("issue", f"issues/{ISSUES['en']}/", 375, "dark"))
SCALE = 6
"""So many pixels of a page are one of a reference: the noise of drawing letters is gone, what moved is not."""
DIFFERENT = 32
"""Of 255, in any channel: what two pixels of references differ by when they differ."""
TOLERATED = 0.04
"""The share of a reference's pixels that may differ: other hinting of letters moves up to 0.032."""


def shots(browser: Any, root: Path) -> Iterator[tuple[str, Any]]:
    """Name and reference of each view as it is now; ``root`` is an empty folder."""
    newsletter(root)
    for folder in (root / "issues").iterdir():
        if folder.name != ISSUES["en"]:
            shutil.rmtree(folder)
    for theme in built_in():
        config = load_config(root)
        config = config.model_copy(update={"theme": config.theme.model_copy(update={"name": theme})})
        build(config, [], root / theme, drafts=False)
        for name, path, width, scheme in VIEWS:
            context = browser.new_context(viewport={"width": width, "height": 1200}, color_scheme=scheme)
            context.route("**/*", serving(config, root / theme))
            page = context.new_page()
            page.goto(f"{config.newsletter.url}--built/site/{path}index.html", wait_until="networkidle")
            shot: Any = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            yield f"{theme}-{name}-{width}-{scheme}", shot.resize((width // SCALE, 1200 // SCALE), Image.Resampling.BOX)
            context.close()


def difference(one: Any, two: Any) -> float:
    """The share of pixels that differ."""
    bands = ImageChops.difference(one, two).split()
    worst = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    return sum(worst.histogram()[DIFFERENT:]) / (one.width * one.height)


def fonts() -> str:
    """The files that stand for the families of pages on this machine: with others every line breaks elsewhere."""
    names = ("serif", "sans-serif", "Georgia", "Arial", "Noto Sans CJK SC", "Noto Serif")
    found = (subprocess.run(["fc-match", "-f", "%{file}", name], capture_output=True, text=True) for name in names)
    return "\n".join(Path(one.stdout).name for one in found) + "\n"


def main() -> None:
    """Print each difference; exit 1 where one is too large."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        sys.exit("no Chromium: install Debian's packages chromium and fonts-noto-cjk")
    write, failed = "--write" in sys.argv, False
    KEPT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, now in shots(browser, Path(folder)):
            if write:
                now.save(KEPT / f"{name}.webp", lossless=True)
            else:
                share = difference(Image.open(KEPT / f"{name}.webp").convert("RGB"), now)
                failed |= share > TOLERATED
                print(f"{share:7.2%}  {name}")
        browser.close()
    if write:
        (KEPT / "fonts.txt").write_text(fonts(), encoding="utf-8")
    sys.exit(failed)


if __name__ == "__main__":
    main()
