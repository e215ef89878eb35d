"""Take pictures of every theme: ``python -m tools.theme_pictures``, with a Chromium installed.

Each theme, language, surface, width and scheme goes to ``dist/pictures``; one picture of all themes to ``docs/images``.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Container, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image

from publisher.config import load_config
from publisher.config.theme import built_in
from publisher.site.build import build
from tools.pictures import EN, LARGEST, ROOT, ZH, answer, chromium

ISSUES = {"zh": ZH, "en": "2025-01-05-kinds-en", "ar": "2025-01-05-kinds-ar"}
SURFACES = {"email": "email/{slug}/email.html", "issue": "site/issues/{slug}/index.html", "index": "site/index.html"}
HEIGHT = 1300
SHEET = ("email-en-1280-light", "email-zh-375-dark", "issue-ar-375-light")


def views(theme: str, language: str) -> dict[str, tuple[str, int, str]]:
    """Surface, width and scheme of each picture of a theme in a language, by its name."""
    every = product(SURFACES, (375, 1280), ("light", "dark"))
    return {
        f"{theme}-{surface}-{language}-{width}-{scheme}": (surface, width, scheme) for surface, width, scheme in every
    }


def newsletter(root: Path) -> None:
    """Lay out a newsletter of the samples, and of an issue in English and Arabic that holds every kind and box."""
    shutil.copy(ROOT / "config.yaml", root)
    for name in (ZH, EN):
        shutil.copytree(ROOT / "issues" / name, root / "issues" / name)
    for folder in (ROOT / "tools/showcase").iterdir():
        shutil.copytree(folder, root / "issues" / folder.name)
        shutil.copytree(ROOT / "issues" / EN / "images", root / "issues" / folder.name / "images")


def shots(browser: Any, root: Path, wanted: Container[str] | None = None) -> Iterator[tuple[str, Any]]:
    """Name and picture of each theme's mail, issue page and index in each language, width and scheme, or of those
    ``wanted``; ``root`` is an empty folder.
    """
    newsletter(root)
    page = browser.new_page()
    for theme, language in product(built_in(), ISSUES):
        chosen = {name: view for name, view in views(theme, language).items() if wanted is None or name in wanted}
        if not chosen:
            continue
        config = load_config(root)
        spoken = config.newsletter.model_copy(update={"language": "zh-CN" if language == "zh" else language})
        painted = config.theme.model_copy(update={"name": theme})
        config, out = config.model_copy(update={"newsletter": spoken, "theme": painted}), root / theme / language
        build(config, [], out, drafts=False)
        page.unroute_all()
        page.route("**/*", partial(answer, config=config, out=out))
        for name, (surface, width, scheme) in chosen.items():
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.emulate_media(color_scheme=scheme)
            path = SURFACES[surface].format(slug=ISSUES[language])
            page.goto(f"{config.newsletter.url}--built/{path}", wait_until="networkidle")
            yield name, Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()


def main() -> None:
    """Write every picture."""
    folder = ROOT / "dist/pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, chromium() as browser:
        for name, shot in shots(browser, Path(temporary)):
            shot.save(folder / f"{name}.webp", quality=80)
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
