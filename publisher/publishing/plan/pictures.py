"""Screenshots of an email at phone and desktop width, light and dark, by the machine's Chromium."""

import base64
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from publisher.diagnostics import say
from publisher.edition.model import Edition
from publisher.errors import refusal

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTHS = {"phone": 375, "desktop": 700}
SCHEMES = {"dark": 0, "light": 1}  # Blink's PreferredColorScheme
HEIGHT = 2400
SECONDS = 40
# No network: the page is a local file, and no host name resolves.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-javascript",
    "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


def take_pictures(edition: Edition, folder: Path) -> tuple[tuple[str, ...], str | None]:
    """Write ``<slug>-<width>-<scheme>.png`` into ``folder``; return the names, and a reason if any is missing."""
    browser = find_browser()
    if browser is None:
        return (), say("no pictures: there is no Chromium on this machine (PUBLISHER_BROWSER names one)")
    with refusal(
        say("{path} cannot be written", path=folder), say("name another folder with {option}", option="--pictures")
    ):
        folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    with tempfile.TemporaryDirectory(prefix="publisher-picture-") as scratch:
        page = Path(scratch) / "email.html"
        page.write_text(_with_pictures_inside(edition), encoding="utf-8")
        for width, pixels in WIDTHS.items():
            for scheme, number in SCHEMES.items():
                name = f"{edition.slug.replace('/', '-')}-{width}-{scheme}.png"
                if not _shoot(browser, page, folder / name, pixels, number, Path(scratch) / "profile"):
                    return tuple(names), say("no pictures: {browser} failed", browser=Path(browser).name)
                names.append(name)
    return tuple(names), None


def find_browser() -> str | None:
    """Return a Chromium: ``PUBLISHER_BROWSER``, otherwise one on the PATH."""
    named = os.environ.get("PUBLISHER_BROWSER")
    return named or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def _with_pictures_inside(edition: Edition) -> str:
    """Return the email with its images as data URLs: the archive that serves them is not live yet."""
    html = str(edition.html)
    for asset in edition.assets:
        data = f"data:{asset.media_type};base64,{base64.b64encode(asset.content).decode('ascii')}"
        parts = (part.rpartition(asset.name) for part in re.split(r"""(["'(])""", html))
        html = "".join(data + after if name else after for _, name, after in parts)
    return html


def _shoot(browser: str, page: Path, target: Path, width: int, scheme: int, profile: Path) -> bool:
    command = [
        browser, *FLAGS, f"--user-data-dir={profile}", f"--blink-settings=preferredColorScheme={scheme}",
        f"--window-size={width},{HEIGHT}", f"--screenshot={target}", page.as_uri(),
    ]  # fmt: skip
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)  # noqa: S603 - no shell
    except (OSError, subprocess.SubprocessError):
        return False
    return target.is_file()
