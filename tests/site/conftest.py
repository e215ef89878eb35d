"""A newsletter repository on disk, and a built archive of the sample issues."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from publisher.config import load_config
from publisher.site.build import build
from publisher.site.model import BuildResult

CONFIG = """\
newsletter:
  name: AI 周报
  language: zh-CN
  timezone: Asia/Shanghai
  url: https://news.example.com/
  from: AI 周报 <weekly@news.example.com>
  postal_address: 上海市示例路 1 号
service:
  url: https://letters.example.com/
"""
POLICY = "default-src 'self'"


@dataclass(frozen=True)
class Repository:
    """Files to be built."""

    root: Path

    def write(self, path: str, text: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def issue(self, slug: str, head: str = "", body: str = "正文。", title: str | None = None) -> None:
        day = slug[:10]
        status = "" if "status:" in head else "status: ready\n"
        self.write(f"issues/{slug}/issue.yaml", f"title: {title or slug}\ndate: {day}\n{status}{head}")
        self.write(f"issues/{slug}/a.md", f"---\nheadline: 头条 {slug}\ntags: [item]\n---\n{body}\n")

    def build(self, *slugs: str, out: Path | None = None, **options: object) -> BuildResult:
        return build(load_config(self.root), slugs, out or self.root / "dist", **options)  # type: ignore[arg-type]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a build by its path, manifests left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "newsletter")
    made.write("config.yaml", CONFIG)
    return made


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, repository_root: Path) -> Repository:
    """The sample issues with a few more beside them, built with drafts."""
    made = Repository(tmp_path_factory.mktemp("sample"))
    made.write("config.yaml", CONFIG)
    shutil.copytree(repository_root / "issues", made.root / "issues")
    made.issue("2023-06-04-early", "tags: [ai, 人工智能, C#]\nnumber: 1\n", title="早期一期")
    made.issue(
        "2024-06-02-ja",
        "language: ja\ntags: [AI]\n",
        title="日本語の号",
        body="本文。\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    )
    made.issue(
        "2024-06-09-tw",
        "language: zh-TW\n",
        title="繁體中文一期",
        body="註[^1]。\n\n[^1]: 腳註。\n\n> 引文\n\n```\ncode\n```",
    )
    made.issue("2025-01-05-draft", "status: draft\n", title="</script><b>草稿 & more")
    made.build(drafts=True)
    return made


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        body = (Path(self.directory) / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)


@dataclass
class Live:
    """A folder served on loopback under a strict content security policy."""

    folder: Path
    url: str = field(init=False)

    def __enter__(self) -> Live:
        handler = functools.partial(_Quiet, directory=str(self.folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def live(sample: Repository) -> Iterator[str]:
    """The URL of the sample's archive."""
    with Live(sample.root / "dist" / "site") as served:
        yield served.url
