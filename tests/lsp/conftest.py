"""One language server for all tests, and a newsletter of two issues for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lsp.client import Editor

CONFIG = """\
newsletter:
  name: 周报
  language: zh-CN
  timezone: Asia/Shanghai
  url: https://news.example.com/
  from: 周报 <weekly@news.example.com>
  postal_address: 1 Example Street
"""
SLUG = "2025-01-05-weekly"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f0001050101"
    "2718e3660000000049454e44ae426082"
)


@pytest.fixture(scope="package")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """A server in UTF-16; tests open files of their own in it."""
    with Editor(tmp_path_factory.mktemp("elsewhere")) as editor:
        yield editor
        assert editor.end() == 0, editor.errors


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A newsletter: an issue of three items, in an order, and an earlier one."""
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    write(
        tmp_path,
        "2024-12-29-weekly",
        "issue.yaml",
        "title: 上期周报\ndate: 2024-12-29\nauthors: [编辑部]\ntags: [芯片]\n",
    )
    write(tmp_path, "2024-12-29-weekly", "01-old.md", item("旧日的新闻今天又来了一次吗", "旧文。", "section: 要闻\n"))
    write(
        tmp_path,
        SLUG,
        "issue.yaml",
        "title: 本期周报\ndate: 2025-01-05\nauthors: [编辑部]\nitems:\n  - 01-one.md\n  - 02-two.md\n  - 03-three.md\n",
    )
    write(tmp_path, SLUG, "01-one.md", item("第一条新闻", "正文见[第二条](#two)。"))
    write(
        tmp_path, SLUG, "02-two.md", item("第二条新闻", "另一段正文。", "image: {image: images/a b.png, alt: 一点}\n")
    )
    write(tmp_path, SLUG, "03-three.md", item("第三条新闻", "末了的正文。"))
    write(tmp_path, SLUG, "images/a b.png", PIXEL)
    return tmp_path


def item(headline: str, body: str, more: str = "") -> str:
    """An item as Markdown."""
    return f"---\nheadline: {headline}\n{more}---\n{body}\n"


def write(root: Path, slug: str, name: str, content: str | bytes) -> Path:
    """Write a file of an issue."""
    file = root / "issues" / slug / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file
