"""The corpus of faulty inputs: one text file per case, with the files it adds to a sound newsletter, and the findings.

A case file is a row of parts, each begun by a line ``=== KIND PATH``:

``=== file PATH``    the text up to the next part (its last newline is the part's own)
``=== bytes PATH``   the same, written as Python escapes: ``\\xff``
``=== link PATH``    a symbolic link to the text
``=== remove PATH``  a file of the sound newsletter that is not there
``=== expected``     what ``publisher check`` says, to the letter

``python -m tests.checks.corpus`` writes what is said into every case; read the difference before committing it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.config import read_config
from publisher.diagnostics import Diagnostic
from publisher.diagnostics.text import render_text
from publisher.proofing.checking import check_repository

FOLDER = Path(__file__).parent / "corpus"
SLUG = "issues/2024-12-29-weekly"
SOUND = {
    "config.yaml": """\
newsletter:
  name: AI 周报
  language: zh-CN
  timezone: Asia/Shanghai
  url: https://news.example.com/
  from: AI 周报 <weekly@news.example.com>
""",
    f"{SLUG}/issue.yaml": "title: 一周要闻\ndate: 2024-12-29\n",
    f"{SLUG}/sound.md": "---\nheadline: 甲\n---\n正文。\n",
}
_PART = re.compile(r"^=== (file|bytes|link|remove|expected) ?(.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """One wrong input. ``name`` is ``CODE-N``."""

    name: str
    parts: tuple[tuple[str, str, str], ...]
    expected: str

    @property
    def code(self) -> str:
        """The code that the case is about."""
        return self.name.rpartition("-")[0]


def read_case(path: Path) -> Case:
    """Read a case file."""
    pieces = _PART.split(path.read_text(encoding="utf-8"))[1:]
    parts = [(pieces[i], pieces[i + 1], pieces[i + 2]) for i in range(0, len(pieces), 3)]
    expected = next((text for kind, _, text in parts if kind == "expected"), "")
    return Case(path.stem, tuple(part for part in parts if part[0] != "expected"), expected)


def cases() -> list[Case]:
    """Every case, by name."""
    return [read_case(path) for path in sorted(FOLDER.glob("*.txt"))]


def lay_out(case: Case, root: Path) -> None:
    """Write the sound newsletter with the case over it."""
    for path, text in SOUND.items():
        _write(root / path, text.encode())
    for kind, path, text in case.parts:
        target = root / path
        if kind == "remove":
            target.unlink()
        elif kind == "link":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(text.strip())
        elif kind == "bytes":
            _write(target, text.removesuffix("\n").encode("latin-1").decode("unicode_escape").encode("latin-1"))
        else:
            _write(target, text.encode())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def check(root: Path) -> list[Diagnostic]:
    """All that ``publisher check`` finds."""
    config, found = read_config(root)
    if config is None:
        return found
    return list(check_repository(config, use_cache=False).diagnostics)


def said(root: Path, found: Sequence[Diagnostic] | None = None) -> str:
    """What ``publisher check`` says, of what it ``found`` if that is known."""
    return render_text(check(root) if found is None else found, root).replace(str(root.resolve()), "ROOT")


def rewrite() -> None:
    """Write what is said now into every case file."""
    for path in sorted(FOLDER.glob("*.txt")):
        case = read_case(path)
        with tempfile.TemporaryDirectory() as folder:
            lay_out(case, Path(folder))
            expected = said(Path(folder))
        before = path.read_text(encoding="utf-8").partition("=== expected")[0]
        path.write_text(f"{before}=== expected\n{expected}", encoding="utf-8")
        sys.stdout.write(f"##### {case.name}\n{expected}\n")


if __name__ == "__main__":
    rewrite()
