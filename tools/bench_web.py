"""The readers' service and the import, measured: ``make bench-web``.

The service runs as readers meet it (``publisher serve``, SQLite with full synchronisation), held to one core; the
client holds keep-alive connections from another. Each request is an RFC 8058 one-click POST of another subscriber.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from publisher.audience.tokens import Purpose, Tokens
from publisher.config import load_config

CONFIG = """newsletter:
  name: Bench
  url: https://news.example.com/
  from: Bench <bench@example.com>
"""
BODY = b"List-Unsubscribe=One-Click"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
MARKS = ("<!-- bench-web -->", "<!-- /bench-web -->")


def main() -> None:
    """Measure, print, and put the table into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=6_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
        lines = [
            "| What | Measured | Target |",
            "|---|---|---|",
            measure_import(root, options.rows, "import"),
            measure_import(root, options.rows, "the same file again"),
            *measure_unsubscribe(root, options.requests, options.connections),
        ]
    table = "\n".join(lines)
    print(table)
    if not options.no_write:
        write(table)


def measure_import(root: Path, rows: int, title: str) -> str:
    """Wall time and memory of an import."""
    path = root / "people.csv"
    if not path.exists():
        with path.open("w", encoding="utf-8") as file:
            file.write("email,name,city,language,topics\n")
            for n in range(rows):
                file.write(
                    f"reader{n}@domain{n * 7919 % 50000}.example.com,Reader {n},City {n % 100},zh-CN,weekly;daily\n"
                )
    before, used, start = _memory(), _children_cpu(), time.perf_counter()
    subprocess.run([*publisher(root), "subscribers", "import", str(path)], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    peak = f"{max(before, _memory()) / 1024:.0f} MB"
    cpu = _children_cpu() - used
    return f"| {title}: {rows:,} rows | {seconds:.1f} s ({cpu:.1f} s of CPU), at most {peak} | 60 s, 200 MB |"


def measure_unsubscribe(root: Path, requests: int, connections: int) -> list[str]:
    """Rate and latency of one-click unsubscriptions."""
    tokens = Tokens.open(load_config(root))
    with sqlite3.connect(root / ".publisher/publisher.db") as database:
        references = [row[0] for row in database.execute("SELECT reference FROM subscribers LIMIT ?", (requests,))]
    paths = ["/unsubscribe/" + tokens.sign(Purpose.UNSUBSCRIBE, reference, 1) for reference in references]
    server = subprocess.Popen([*publisher(root), "serve", "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(server.pid, {cores[0]})
        os.sched_setaffinity(0, {cores[-1]})
        assert server.stderr is not None
        port = next(int(m[1]) for line in server.stderr if (m := re.search(r"http://127\.0\.0\.1:(\d+)/", line)))
        used = _cpu(server.pid)
        latencies, seconds = asyncio.run(drive(port, paths, connections))
        used = _cpu(server.pid) - used
    finally:
        server.terminate()
        server.wait()
        os.sched_setaffinity(0, set(cores))
    with sqlite3.connect(root / ".publisher/publisher.db") as database:
        done = database.execute("SELECT count(*) FROM subscribers WHERE state = 'unsubscribed'").fetchone()[0]
    assert done == len(paths), f"{done} of {len(paths)} are unsubscribed"
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
    rate, each = len(paths) / seconds, used / len(paths) * 1000
    return [
        f"| one-click unsubscribe, {connections} connections | {rate:,.0f} /s ({each:.2f} ms of CPU each) | 300 /s |",
        f"| its latency | p50 {p50:.1f} ms, p99 {p99:.1f} ms | p99 50 ms |",
    ]


async def drive(port: int, paths: list[str], connections: int) -> tuple[list[float], float]:
    """POST to every path; the latencies and the time for all, in seconds."""
    latencies: list[float] = []
    left = iter(paths)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path in left:
            start = time.perf_counter()
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(BODY)}\r\n\r\n".encode()
                + BODY
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = re.search(rb"content-length: (\d+)", head.lower())
            assert length
            await reader.readexactly(int(length[1]))
            latencies.append(time.perf_counter() - start)
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(connections)))
    return latencies, time.perf_counter() - start


def write(table: str) -> None:
    """Put the table between its marks."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Benchmarks\n"
    begin, end = MARKS
    if begin not in text:
        text += f"\n## The readers' service and the import\n\n{begin}\n{end}\n"
    before, _, rest = text.partition(begin)
    PAGE.write_text(f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def publisher(root: Path) -> list[str]:
    """The command."""
    return [sys.executable, "-m", "publisher", "--root", str(root)]


def _cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


if __name__ == "__main__":
    main()
