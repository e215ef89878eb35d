"""Take the pictures of the preview: ``python -m tools.preview_pictures``, with a Chromium installed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tools.bench.preview import running
from tools.pictures import ROOT, ZH, chromium, save

# name: width, height, what the address says, dark tool, and whether an item is broken first
VIEWS = {
    "preview-desktop-light": (1440, 900, "", False, False),
    "preview-phone-dark": (1440, 900, "&phone=1&dark=1", True, False),
    "preview-text": (1440, 900, "&kind=text", False, False),
    "preview-broken": (1440, 900, "&phone=1", False, True),
}


def main() -> None:
    """Write every view."""
    only = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        root = Path(folder) / "newsletter"
        root.mkdir()
        for name in ("issues", "templates"):
            shutil.copytree(ROOT / name, root / name)
        shutil.copy(ROOT / "config.yaml", root)
        with running(root) as url:
            for name, (width, height, look, dark, broken) in VIEWS.items():
                if only and name not in only:
                    continue
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
                )
                page = context.new_page()
                page.goto(f"{url}/#issue={ZH}{look}")
                page.wait_for_selector("iframe:not(.coming)")
                page.wait_for_timeout(2500)
                if broken:
                    item = min((root / "issues" / ZH).glob("*.md"))
                    text = item.read_text(encoding="utf-8")
                    item.write_text(text.replace("headline: ", "headline：", 1), encoding="utf-8")
                    page.wait_for_selector("#broken:not([hidden])")
                    page.wait_for_timeout(300)
                    save(page.screenshot(), ROOT / "docs" / "images" / f"{name}.png")
                    item.write_text(text, encoding="utf-8")
                else:
                    save(page.screenshot(), ROOT / "docs" / "images" / f"{name}.png")
                context.close()


if __name__ == "__main__":
    main()
