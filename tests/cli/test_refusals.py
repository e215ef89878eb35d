"""What is wrong with config.yaml is refused alike, whichever command reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import warm
from tests.checks.corpus import SLUG, Case, lay_out

NAME = SLUG.rpartition("/")[2]
COMMANDS = [
    ["check"], ["build"], ["plan"], ["publish"], ["status"], ["send", NAME], ["preview"], ["report", NAME], ["worker"],
]  # fmt: skip


def run(root: Path, *arguments: str, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    if before is None:
        ours = {name: value for name, value in os.environ.items() if name.startswith("PUBLISHER_")}
        return warm.command(root.parent, "--root", str(root), *arguments, environment=ours)
    command = [sys.executable, "-m", "publisher", "--root", str(root), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False, preexec_fn=before
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_level_of_no_code_is_refused_by_all(tmp_path: Path, command: list[str]) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    with (tmp_path / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("checks:\n  levels: {subject-to-long: off}\n")
    ran = run(tmp_path, *command)
    assert ran.returncode == 2
    assert "config.yaml:8:12: error[level-of-unknown-code] there is no code subject-to-long" in ran.stderr
    assert "write subject-too-long" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "issues"]
