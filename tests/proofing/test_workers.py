"""Worker processes are copies of this one exactly where a copy shares nothing with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.checks.corpus import Case, lay_out

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells what a process has open")
TELL = "\nfrom publisher.proofing.together import workers; print(workers(1)._mp_context.get_start_method())"


def method(before: str = "", *given: int) -> str:
    """How a new process that did ``before`` would start workers; it is started with the descriptors ``given``."""
    command = [sys.executable, "-c", before + TELL]
    return subprocess.run(command, capture_output=True, text=True, check=True, pass_fds=given).stdout.strip()


@LINUX
def test_a_process_with_nothing_open_is_copied() -> None:
    assert method() == "fork"


@LINUX
@pytest.mark.parametrize(
    "before",
    [
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "file = open('/dev/null')",
        "import socket; server = socket.socket()",
        "import sqlite3, tempfile; base = sqlite3.connect(tempfile.mkdtemp() + '/db'); base.execute('begin')",
        "import asyncio; loop = asyncio.new_event_loop()",
    ],
)
def test_one_that_would_share_something_with_its_copies_is_not(before: str) -> None:
    assert method(before) in {"forkserver", "spawn"}


@LINUX
def test_what_a_process_was_started_with_does_not_count() -> None:
    reading, writing = os.pipe()
    try:
        assert method("", reading, writing) == "fork"
    finally:
        os.close(reading)
        os.close(writing)


BUILD = """
import multiprocessing, sys, threading
from pathlib import Path
from publisher.config import load_config
from publisher.site.build import build

get_context, used = multiprocessing.get_context, []
multiprocessing.get_context = lambda method=None: used.append(method) or get_context(method)
bar = lambda *_: threading.Thread(target=threading.Event().wait, daemon=True).start()
root = Path(sys.argv[1])
result = build(load_config(root), (), root / "dist", use_cache=False, processes=2, progress=bar)
print(*used, len(result.editions))
"""


@LINUX
def test_the_copies_are_made_before_a_bar_is_shown(tmp_path: Path) -> None:
    for day in ("2024-12-22", "2024-12-29"):
        folder = f"issues/{day}-weekly"
        issue, item = f"title: {day}\ndate: {day}\nstatus: ready\n", f"---\nheadline: {day}\n---\n正文。\n"
        parts = (("file", f"{folder}/issue.yaml", issue), ("file", f"{folder}/sound.md", item))
        lay_out(Case("sound-0", parts, ""), tmp_path)
    done = subprocess.run([sys.executable, "-c", BUILD, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["fork", "2"]


_STARTS = """
import os, time
from publisher.proofing.together import workers
pool = workers(2)
print(*{pool.submit(os.getpid).result(), *pool._processes}, flush=True)
time.sleep(60)
"""
_HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""A shell that starts the tests in the background has them ignore SIGINT, and so their children."""
_COPIED = """
import os, time
from publisher.proofing.together import beside
def there():
    print(os.getpid(), flush=True)
    time.sleep(60)
beside(lambda: time.sleep(60), there)
"""


@LINUX
@pytest.mark.parametrize("starts", [_STARTS, _COPIED], ids=["workers", "beside"])
def test_workers_end_with_the_process_that_started_them(starts: str) -> None:
    with subprocess.Popen([sys.executable, "-c", starts], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        children = [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
    assert children
    until = time.monotonic() + 20
    while any(map(_lives, children)) and time.monotonic() < until:
        time.sleep(0.05)
    living = [pid for pid in children if _lives(pid)]
    for pid in living:
        os.kill(pid, signal.SIGKILL)
    assert living == []


@LINUX
def test_ctrl_c_is_reported_by_one_process_alone() -> None:
    """A terminal sends it to all of them, and those that wait for work would each print a traceback."""
    with subprocess.Popen(
        [sys.executable, "-c", _HEARS + _STARTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        told = process.communicate(timeout=20)[1]
    assert told.count("KeyboardInterrupt") == 1


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
