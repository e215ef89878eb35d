"""Take pictures of every theme: ``python -m tools.theme_pictures``, with a Chromium at hand.

Each theme, language, surface, width and scheme goes to ``dist/pictures``; one picture of all themes to ``docs/images``.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Route, sync_playwright

from publisher.config import Config, load_config
from publisher.config.theme import built_in
from publisher.site.build import build
from tools.pictures import EN, LARGEST, ROOT, ZH, answer

ISSUES = {"zh": ZH, "en": "2025-01-05-kinds-en", "ar": "2025-01-05-kinds-ar"}
SURFACES = {"email": "email/{slug}/email.html", "issue": "site/issues/{slug}/index.html", "index": "site/index.html"}
SHEET = ("email-en-1280-light", "email-zh-375-dark", "issue-ar-375-light")


def newsletter(root: Path) -> None:
    """Lay out a newsletter of the samples, and of an issue in English and Arabic that holds every kind and box."""
    shutil.copy(ROOT / "config.yaml", root)
    for name in (ZH, EN):
        shutil.copytree(ROOT / "issues" / name, root / "issues" / name)
    for folder in (ROOT / "tools/showcase").iterdir():
        shutil.copytree(folder, root / "issues" / folder.name)
        shutil.copytree(ROOT / "issues" / EN / "images", root / "issues" / folder.name / "images")


def serving(config: Config, out: Path) -> Callable[[Route], None]:
    """What gives the browser the files of a build."""
    return lambda route: answer(route, config, out)


def main() -> None:
    """Write every picture."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        sys.exit("no Chromium: install Debian's packages chromium and fonts-noto-cjk")
    folder = ROOT / "dist/pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        root = Path(temporary)
        newsletter(root)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for theme in sys.argv[1:] or built_in():
            config = load_config(root)
            config = config.model_copy(update={"theme": config.theme.model_copy(update={"name": theme})})
            build(config, [], root / theme, drafts=False, use_cache=False)
            for width, scheme in product((375, 1280), ("light", "dark")):
                context = browser.new_context(viewport={"width": width, "height": 1300}, color_scheme=scheme)
                context.route("**/*", serving(config, root / theme))
                page = context.new_page()
                for surface, language in product(SURFACES, ISSUES):
                    if surface == "index" and language != "zh":
                        continue  # the archive's index is in the newsletter's language
                    path = SURFACES[surface].format(slug=ISSUES[language])
                    page.goto(f"{config.newsletter.url}--built/{path}")
                    shot: Any = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                    shot.save(folder / f"{theme}-{surface}-{language}-{width}-{scheme}.webp", quality=80)
                context.close()
        browser.close()
    sheet(folder)


def sheet(folder: Path) -> None:
    """One picture of all themes, a row each."""
    rows = []
    for theme in built_in():
        shots: list[Any] = [Image.open(folder / f"{theme}-{name}.webp") for name in SHEET]
        shots[0] = shots[0].crop((290, 0, 990, 1300))
        row = Image.new("RGB", (sum(shot.width for shot in shots) + 2 * 24, 1000), "#808080")
        for number, shot in enumerate(shots):
            row.paste(shot.crop((0, 0, shot.width, 1000)), (sum(one.width + 24 for one in shots[:number]), 0))
        rows.append(row.resize((row.width * 2 // 5, row.height * 2 // 5), Image.Resampling.LANCZOS))
    made = Image.new("RGB", (rows[0].width * 2 + 12, rows[0].height * 2 + 12), "#808080")
    for number, row in enumerate(rows):
        made.paste(row, ((number % 2) * (row.width + 12), (number // 2) * (row.height + 12)))
    for quality in (80, 70, 60, 50):
        made.save(ROOT / "docs/images/themes.webp", quality=quality, method=6)
        if (ROOT / "docs/images/themes.webp").stat().st_size <= LARGEST:
            break


if __name__ == "__main__":
    main()
