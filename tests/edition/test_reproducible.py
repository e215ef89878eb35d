from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edition.make import ROOT

SCRIPT = """
import sys
from pathlib import Path
from publisher.config import load_config
from publisher.edition.rendering import render
from publisher.issue.load import read_issue
config = load_config(Path(sys.argv[1]))
for slug in ("2024-12-29-ai-weekly", "2024-12-29-ai-weekly-en"):
    issue = read_issue(config, slug).issue
    edition, findings = render(issue, config)
    print(edition.digest, edition.sizes, [asset.name for asset in edition.assets])
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newsletter copied to another directory, with other file times."""
    root = tmp_path_factory.mktemp("else where")
    for name in ("issues", "templates"):
        shutil.copytree(ROOT / name, root / name, copy_function=shutil.copyfile)
    shutil.copyfile(ROOT / "config.yaml", root / "config.yaml")
    return root


def run(root: Path, cwd: Path, **environment: str) -> str:
    command = [sys.executable, "-c", SCRIPT, str(root)]
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_editions_are_the_same_bytes_everywhere(elsewhere: Path) -> None:
    first = run(ROOT, ROOT, PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C.UTF-8")
    assert first.count("sha256:") == 2
    second = run(elsewhere, Path("/"), PYTHONHASHSEED="77", TZ="Pacific/Kiritimati", LC_ALL="C", LANG="zh_CN")
    assert first == second
