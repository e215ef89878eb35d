"""The real command as a child of a warm process: a process of its own in a tenth of the time of a start.

What a start itself costs and does is tried by the smoke test, the wheel's tests and those of the services.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Zygote:
    """The process of :mod:`tests.zygote`."""

    def __init__(self) -> None:
        aws = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"], cwd=ROOT, env=clean_environment() | aws,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip

    def run(
        self, cwd: Path, *words: str, environment: Mapping[str, str], stdin: bytes = b"", **more: Any
    ) -> dict[str, Any]:
        """Run a command in a child of its own; ``status`` is negative where a signal ended it."""
        assert self._process.stdin
        assert self._process.stdout
        request = {
            "cwd": str(cwd),
            "words": words,
            "environment": clean_environment() | environment,
            "stdin": stdin.decode("utf-8", "surrogateescape"),
        }
        self._process.stdin.write(json.dumps(request | more) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "Traceback" not in answer["err"], answer["err"]
        return answer

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=10)


@cache
def zygote() -> Zygote:
    """The one of this test process, made when first asked for."""
    made = Zygote()
    atexit.register(made.close)
    return made


def command(
    cwd: Path, *words: str, environment: Mapping[str, str] | None = None, stdin: bytes = b"", **more: Any
) -> subprocess.CompletedProcess[str]:
    """``publisher`` with these words, as CI would call it: no terminal, no variable of ours but those given."""
    ran = zygote().run(cwd, *words, environment=environment or {}, stdin=stdin, **more)
    assert "Traceback" not in ran["out"], ran["out"]
    return subprocess.CompletedProcess(words, ran["status"], ran["out"], ran["err"])


def clean_environment() -> dict[str, str]:
    """No variable that the command listens to."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PUBLISHER_", "AWS_", "COVERAGE_", "GIT_"))}
    return kept | {"PYTHONUTF8": "1", "NO_COLOR": "1"}
