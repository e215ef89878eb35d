"""Lighthouse over the archive in every theme: ``python -m tools.lighthouse``, by Chromium and npm's ``lighthouse``.

The samples are served as by a web host: compressed, hashed files cached permanently, ``default-src 'self'``. Exits 1
where a page is below 100 in any category, of the best of three runs: performance is measured by the clock.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from publisher.config import load_config
from publisher.config.theme import built_in
from publisher.site.build import build
from publisher.site.deploy.model import cache_control, content_type, wave_of
from tools.pictures import ZH
from tools.theme_pictures import newsletter

PAGES = ("", f"issues/{ZH}/", "tags/ai/", "authors/Ada-Byron/", "search/")
RUNS = 3
_TEXT = ("text/", "application/", "image/svg")


class Host(SimpleHTTPRequestHandler):
    """A web server like that of an archive."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        file = path / "index.html" if path.is_dir() else path
        if not file.is_file():
            self.send_error(404)
            return
        name, body = file.relative_to(self.directory).as_posix(), file.read_bytes()
        kind = content_type(name)
        self.send_response(200)
        if kind.startswith(_TEXT):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", cache_control(wave_of(name)))
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """No log: Lighthouse prints its own."""


def main() -> None:
    """Print a row for each theme and page."""
    program = os.environ.get("LIGHTHOUSE") or shutil.which("lighthouse")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not program or not chromium:
        print(
            "SKIPPED: no lighthouse, or no Chromium. npm install --global lighthouse@13, or set LIGHTHOUSE to its path"
        )
        return
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        newsletter(root := Path(folder))
        for theme in sys.argv[1:] or built_in():
            config = load_config(root)
            config = config.model_copy(update={"theme": config.theme.model_copy(update={"name": theme})})
            build(config, [], root / theme, drafts=False)
            server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, directory=str(root / theme / "site")))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            for page in PAGES:
                scores = best(
                    program, chromium, f"http://127.0.0.1:{server.server_port}/{page}", root / "lighthouse.json"
                )
                failed |= min(scores.values()) < 100
                print(f"{theme:9} /{page:32}", *(f"{name} {score}" for name, score in scores.items()), flush=True)
            server.shutdown()
            server.server_close()
    sys.exit(failed)


def best(program: str, chromium: str, url: str, out: Path) -> dict[str, int]:
    """The best scores of each category."""
    scores = dict.fromkeys(("performance", "accessibility", "best-practices", "seo"), 0)
    for _ in range(RUNS):
        flags = "--chrome-flags=--headless=new --no-sandbox --disable-gpu"
        command = [program, url, "--quiet", "--output=json", f"--output-path={out}", flags]
        done = subprocess.run(command, env={**os.environ, "CHROME_PATH": chromium}, stderr=subprocess.DEVNULL)
        if done.returncode:  # the browser did not answer in time
            continue
        for name, found in json.loads(out.read_text(encoding="utf-8"))["categories"].items():
            if name in scores:
                scores[name] = max(scores[name], round((found["score"] or 0) * 100))
        if min(scores.values()) == 100:
            break
    return scores


if __name__ == "__main__":
    main()
