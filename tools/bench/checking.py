"""What an editor waits for: ``--help``, checking, links, and the preview."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from publisher.checks.links.checker import check_links
from publisher.checks.links.prober import ProbeLimits
from publisher.checks.parts import Link
from publisher.diagnostics import Place
from publisher.issue.folder import discover
from tests.links.server import LinkServer
from tools.bench.preview import saves

LINKS = 1_000


def waits(root: Path, runs: int) -> list[tuple[str, str]]:
    """``(what, how long)``: whole processes, medians of ``runs``; ``root`` was built or checked before."""
    slug = discover(root)[-1]
    count = len(discover(root))
    rows = [
        ("`publisher --help`", f"{_process(runs, '--help'):.2f} s"),
        (f"`check`, {count} issues, nothing kept", f"{_cold(root):.2f} s"),
        (f"`check`, {count} issues", f"{_process(runs, '--root', str(root), 'check'):.2f} s"),
        (f"`check`, one issue of {count}", f"{_process(runs, '--root', str(root), 'check', slug):.2f} s"),
        (f"{LINKS:,} links of one server on this machine", f"{_links():.2f} s"),
    ]
    if waited := saves(root):
        rows.append(("preview: save to view, median of 20", f"{statistics.median(waited):.0f} ms"))
    return rows


def table(rows: list[tuple[str, str]]) -> str:
    """The rows as Markdown."""
    return "\n".join(["| Wait | |", "|---|---:|", *(f"| {what} | {long} |" for what, long in rows)]) + "\n"


def _process(runs: int, *words: str) -> float:
    taken = []
    for _ in range(runs):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "publisher", *words], check=True, capture_output=True)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def _cold(root: Path) -> float:
    for entry in (root / ".publisher" / "cache").rglob("*.entry"):
        entry.unlink()
    return _process(1, "--root", str(root), "check")


def _links() -> float:
    server = LinkServer()
    links = [Link(server.url(f"/ok?{number}"), Place("issues/a/a.md")) for number in range(LINKS)]
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        check_links(
            links,
            cache=Path(folder) / "links.json",
            agent="https://n.example/",
            limits=ProbeLimits(allow_private=True),
        )
        seconds = time.perf_counter() - begin
    server.close()
    return seconds
