"""A newsletter repository in a temporary folder, and the real command run in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.warm import command

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """\
newsletter:
  name: AI 周报
  language: zh-CN
  timezone: Asia/Shanghai
  url: https://news.weekly.test/
  from: AI 周报 <weekly@news.weekly.test>
  reply_to: editors@news.weekly.test
  postal_address: 上海市南京东路 1 号
service:
  url: https://letters.weekly.test/
"""


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The result as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Newsletter:
    """A repository to write files into and run ``publisher`` over."""

    root: Path

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file, its folders made."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            target.write_bytes(text)
        else:
            target.write_text(text, encoding="utf-8", newline="")
        return target

    def run(self, *words: str, stdin: str | None = None, **environment: str) -> Ran:
        """Run the command as CI would: no terminal, no PUBLISHER_ variable but those given."""
        done = command(self.root, *words, environment=environment, stdin=(stdin or "").encode())
        return Ran(done.returncode, done.stdout, done.stderr)

    def check(self, *words: str) -> list[dict[str, Any]]:
        """The diagnostics."""
        found: list[dict[str, Any]] = self.run("check", "--format", "json", *words).json
        return found

    def issue(self, slug: str = "2024-12-29-weekly", head: str = "", **items: str) -> str:
        """A ready issue; each item is the text of ``<name>.md``."""
        text = f"title: 一周\ndate: 2024-12-29\nstatus: ready\n{head}"
        self.write(f"issues/{slug}/issue.yaml", text)
        for name, body in (items or {"a": "---\nheadline: 甲\n---\n正文。\n"}).items():
            self.write(f"issues/{slug}/{name}.md", body)
        return slug

    def subscribers(self, *addresses: str) -> None:
        """Import confirmed subscribers."""
        self.write("people.csv", "email\n" + "".join(f"{a}\n" for a in addresses))
        ran = self.run("subscribers", "import", "people.csv")
        assert ran.status == 0, ran


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    """An empty newsletter: config.yaml and nothing else."""
    made = Newsletter(tmp_path)
    made.write("config.yaml", CONFIG)
    return made
