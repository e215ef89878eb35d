"""A real preview process over a small repository."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
SLUG = "2024-12-29-weekly"
CONFIG = """\
newsletter:
  name: 周报
  language: zh-CN
  url: https://news.example.com/
  from: 周报 <weekly@news.example.com>
"""


@dataclass(frozen=True)
class Preview:
    """A running preview and its files."""

    root: Path
    url: str
    port: int

    @property
    def item(self) -> Path:
        return self.root / "issues" / SLUG / "a.md"

    def write(self, headline: str, body: str) -> None:
        self.item.write_text(f"---\nheadline: {headline}\n---\n{body}\n", encoding="utf-8")

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait, for 5 s at most: a change is noticed a little after it is written."""
        end = time.monotonic() + 5
        while not holds() and time.monotonic() < end:
            time.sleep(0.05)


@contextmanager
def serving(root: Path) -> Iterator[Preview]:
    """A preview process of ``root``, which ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Preview(root, f"http://127.0.0.1:{port}", port)
    process = subprocess.Popen(
        [sys.executable, "-m", "publisher", "--root", str(root), "preview", "--port", str(port)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    for _ in range(200):
        try:
            httpx.get(made.url)
            break
        except httpx.TransportError:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.05)
    yield made
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    root = tmp_path_factory.mktemp("newsletter")
    (root / "issues" / SLUG).mkdir(parents=True)
    (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (root / "issues" / SLUG / "issue.yaml").write_text(
        "title: 一周\ndate: 2024-12-29\nstatus: ready\n", encoding="utf-8"
    )
    Preview(root, "", 0).write("第一稿", "正文。")
    with serving(root) as made:
        yield made
