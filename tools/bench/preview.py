"""The time from a save until the screen shows the new words: a real preview and Chromium."""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from publisher.issue.folder import discover

WATCH = """words => {
    window.seen = new Promise(tell => {
        const look = () => {
            const body = document.querySelector('iframe:not(.coming)')?.contentDocument?.body;
            const there = body?.textContent.includes(words) && body.innerText.includes(words);
            if (there) setTimeout(tell); else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    });
}"""
"""Looks once before each frame of the screen, which takes little of the page's own time; reports after the frame."""


@contextmanager
def running(root: Path) -> Iterator[str]:
    """The address of a preview of ``root``, which ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "publisher", "--root", str(root), "preview", "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                urlopen(f"http://127.0.0.1:{port}/").close()
                break
            except URLError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def saves(root: Path, count: int = 20) -> list[float] | None:
    """Milliseconds from each of ``count`` saves of a headline to its being painted; ``None`` without a Chromium."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    slug = discover(root)[-1]
    item = min((root / "issues" / slug).glob("*.md"))
    first = item.read_text(encoding="utf-8").split("\n")
    waited = []
    with running(root) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"{url}/#issue={slug}")
        page.wait_for_selector("iframe:not(.coming)")
        page.wait_for_timeout(1500)  # the list warms up beside it
        for number in range(count):
            page.evaluate(WATCH, f"Save {number} seen")
            begin = time.perf_counter()
            item.write_text("\n".join([first[0], f"headline: Save {number} seen", *first[2:]]), encoding="utf-8")
            page.evaluate("seen")
            waited.append((time.perf_counter() - begin) * 1000)
            page.wait_for_timeout(100)
        browser.close()
    item.write_text("\n".join(first), encoding="utf-8")
    return waited


if __name__ == "__main__":
    measured = saves(Path(sys.argv[1]))
    sys.stdout.write(f"{statistics.median(measured):.0f} ms\n" if measured else "no Chromium\n")
