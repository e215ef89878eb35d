"""A newsletter repository in a temporary folder, read in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from publisher.config import Config, load_config
from publisher.diagnostics import Diagnostic
from publisher.issue.load import read_issue
from publisher.issue.model import Issue

SLUG = "2024-12-29-weekly"
PIXEL = b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
CONFIG = """\
newsletter:
  name: AI 周报
  language: zh-CN
  timezone: Asia/Shanghai
  url: https://news.example.com/
  from: AI 周报 <weekly@news.example.com>
"""


@dataclass(frozen=True)
class Repository:
    """Files to write, and an issue to read."""

    root: Path

    @property
    def config(self) -> Config:
        return load_config(self.root)

    def write(self, name: str, text: str, slug: str = SLUG) -> None:
        """Write a file of the issue."""
        path = self.root / "issues" / slug / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def picture(self, name: str) -> None:
        """Write a picture of one pixel."""
        self.write(name, "")
        (self.root / "issues" / SLUG / name).write_bytes(PIXEL)

    def read(self, slug: str = SLUG) -> tuple[Issue | None, list[Diagnostic]]:
        """The issue and its findings."""
        reading = read_issue(self.config, slug)
        return reading.issue, list(reading.findings)

    def sound(self, slug: str = SLUG) -> Issue:
        """The issue, of which nothing is found."""
        issue, found = self.read(slug)
        assert [(finding.path, finding.span, finding.message) for finding in found] == []
        assert issue is not None
        return issue


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An issue with a title and a date, and no items."""
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    made = Repository(tmp_path)
    made.write("issue.yaml", "title: 一周\ndate: 2024-12-29\n")
    return made
