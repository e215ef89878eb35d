"""Whole builds as a user starts them: a process, its interpreter and imports included."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.bench.generate import content, write_issue

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass(frozen=True)
class Build:
    """Median seconds by the clock; seconds of processor of all processes together, cold; the most memory that they held
    together, in MiB.
    """

    issues: int
    cold: float
    processor: float
    unchanged: float
    one_edit: float
    memory: float


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processor of a process with all that it started."""

    wall: float
    processor: float


def measure(root: Path, issues: int, runs: int) -> Build:
    """Build the repository cold, again, and after one edit of an issue, ``runs`` times each."""
    cold, unchanged, edited = [], [], []
    command = build_command(root)
    forget(root)
    memory = peak_memory(command, root)
    for run in range(runs):
        forget(root)
        cold.append(timed(command, root))
        unchanged.append(timed(command, root).wall)
        write_issue(root, content(issues // 2 or 1, random.Random(f"edit {run}")))
        edited.append(timed(command, root).wall)
    median = statistics.median
    processor = median(cost.processor for cost in cold)
    return Build(
        issues, median(cost.wall for cost in cold), processor, median(unchanged), median(edited), memory / 2**20
    )


def build_command(root: Path) -> list[str]:
    """A build of ``root`` by this checkout."""
    return [sys.executable, "-m", "publisher", "--root", str(root), "build", "--format", "json"]


def forget(root: Path) -> None:
    """Delete what builds wrote, and the cache."""
    shutil.rmtree(root / "dist", ignore_errors=True)
    shutil.rmtree(root / ".publisher", ignore_errors=True)


def timed(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> Cost:
    """Run ``command`` in ``folder``. Raises ``SystemExit`` if it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = _start(command, folder, environment)
    process.wait()
    wall = time.perf_counter() - start
    _finish(process)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def peak_memory(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> int:
    """Peak memory in bytes of ``command`` with all its processes; 0 without /proc.

    Memory that processes share counts once (the proportional set size). Sampling takes time, so do not time this run.
    Raises ``SystemExit`` if the command fails.
    """
    process, most = _start(command, folder, environment), 0
    while process.poll() is None:
        most = max(most, sum(map(_held, _session(process.pid))))
        time.sleep(0.01)
    _finish(process)
    return most


def _finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for the processes that it left behind, so that their time is counted here."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, 0):
            pass
    if process.returncode != 0:
        raise SystemExit(f"{process.args!r} failed with status {process.returncode}")


def _start(command: list[str], folder: Path, environment: dict[str, str] | None) -> subprocess.Popen[bytes]:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _session(leader: int) -> list[Path]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(stat.parent)
    return found


def _held(process: Path) -> int:
    with contextlib.suppress(OSError):
        if found := re.search(r"^Pss:\s+(\d+) kB", (process / "smaps_rollup").read_text(), re.MULTILINE):
            return int(found[1]) * 1024
    return 0
