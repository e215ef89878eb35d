"""Whole builds as a user starts them: a process, its interpreter and imports included."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tools.bench.generate import write_issue


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


def measure(root: Path, issues: int, runs: int) -> Build:
    """Build the repository cold, again, and after one edit of a body and a title, ``runs`` times each."""
    cold, processor, unchanged, edited, memory = [], [], [], [], []
    out = root / "dist"
    for run in range(runs):
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(root / ".publisher", ignore_errors=True)
        seconds, watch = _build(root)
        cold.append(seconds)
        processor.append(watch.processor)
        memory.append(watch.most / 2**20)
        unchanged.append(_build(root)[0])
        write_issue(root, issues // 2 or 1, random.Random(f"edit {run}"))
        edited.append(_build(root)[0])
    return Build(issues, *(statistics.median(values) for values in (cold, processor, unchanged, edited, memory)))


def _build(root: Path) -> tuple[float, _Watch]:
    command = [sys.executable, "-m", "publisher", "--root", str(root), "build", "--format", "json"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    watch = _Watch(process.pid)
    watch.start()
    status = process.wait()
    seconds = time.perf_counter() - start
    watch.done.set()
    watch.join()
    if status != 0:
        raise SystemExit(f"the build of {root} failed with status {status}")
    return seconds, watch


class _Watch(threading.Thread):
    """Watches the processes of a session, where there is /proc. Memory is resident; shared pages count in each."""

    def __init__(self, session: int) -> None:
        super().__init__(daemon=True)
        self.session, self.most, self.done = session, 0, threading.Event()
        self._ticks: dict[str, int] = {}

    @property
    def processor(self) -> float:
        """Seconds of processor, to within a sample of 20 ms a process."""
        return sum(self._ticks.values()) / os.sysconf("SC_CLK_TCK")

    def run(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self.done.wait(0.02):
            total = 0
            for stat in Path("/proc").glob("[0-9]*/stat"):
                with contextlib.suppress(OSError, ValueError, IndexError):
                    fields = stat.read_text().rpartition(")")[2].split()
                    if int(fields[3]) == self.session:
                        total += int(fields[21]) * page
                        self._ticks[stat.parent.name] = int(fields[11]) + int(fields[12])
            self.most = max(self.most, total)
