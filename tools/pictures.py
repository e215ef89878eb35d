"""Take the pictures of docs/images from the real output: ``python -m tools.pictures``, with a Chromium installed.

Builds the sample issues into a temporary folder and answers the archive's address from there, without a network.
"""

from __future__ import annotations

import io
import mimetypes
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from PIL import Image
from playwright.sync_api import Browser, Route, sync_playwright

from publisher.config import Config, load_config
from publisher.issue.folder import discover
from publisher.site.build import build

ROOT = Path(__file__).resolve().parent.parent
ZH, EN = "2024-12-29-ai-weekly", "2024-12-29-ai-weekly-en"
LARGEST = 150_000

# name: path below the build, width, height, pixels a point
VIEWS = {
    "email-zh-phone": (f"email/{ZH}/email.html", 375, 1100, 2),
    "email-en-desktop": (f"email/{EN}/email.html", 700, 1300, 1),
    "archive-zh-phone": (f"site/issues/{ZH}/index.html", 375, 1100, 2),
    "archive-en-desktop": (f"site/issues/{EN}/index.html", 1280, 1240, 1),
    "archive-index": ("site/index.html", 1280, 1240, 1),
}


def main() -> None:
    """Write every view, light and dark."""
    config = load_config(ROOT)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        out = Path(folder)
        build(config, discover(ROOT), out, drafts=False)
        for name, (path, width, height, scale) in VIEWS.items():
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, device_scale_factor=scale, color_scheme=scheme
                )
                context.route("**/*", lambda route: answer(route, config, out))
                page = context.new_page()
                page.goto(f"{config.newsletter.url}--built/{path}", wait_until="networkidle")  # covers load late
                save(page.screenshot(), ROOT / "docs" / "images" / f"{name}-{scheme}.png")
                context.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium; without one the program ends."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not program:
        sys.exit("no Chromium: install Debian's packages chromium and fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def answer(route: Route, config: Config, out: Path) -> None:
    """Give the browser a file of the build; everything else does not exist."""
    path = unquote(urlsplit(route.request.url).path).removeprefix("/")
    file = out / path.removeprefix("--built/") if path.startswith("--built/") else out / "site" / path
    file = file / "index.html" if file.is_dir() else file
    if route.request.url.startswith(config.newsletter.url) and file.is_file():
        route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0] or "text/html")
    else:
        route.abort()


def save(shot: bytes, path: Path) -> None:
    """Write a picture with as many colours as its size allows."""
    image: Any = Image.open(io.BytesIO(shot)).convert("RGB")
    for colours in (256, 128, 64, 32):
        packed = io.BytesIO()
        image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            packed, "PNG", optimize=True
        )
        if len(packed.getvalue()) <= LARGEST:
            break
    path.write_bytes(packed.getvalue())
    print(f"{len(packed.getvalue()):>8,}  {path.relative_to(ROOT)}  {colours} colours")


if __name__ == "__main__":
    main()
