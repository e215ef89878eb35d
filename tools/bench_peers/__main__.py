"""``make bench-peers``: our build beside Hugo's, Pelican's and Eleventy's of the same content, into docs/benchmarks.md.

Runs are interleaved, each a fresh process; medians. The last line of the output is JSON: ratios of seconds by the
clock, by size. ``--before DIR`` measures another checkout of publisher beside this one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import tempfile
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tools.bench.builds import Cost, build_command, forget, peak_memory, timed
from tools.bench.document import write_section
from tools.bench.generate import contents, generate, write_issue
from tools.bench_peers.peers import INSTALLED, PEERS, Peer, scratch

TARGETS = (
    ("cold", "pelican", "≤ 1.3"),
    ("one edit", "hugo", "≤ 1.0 at 2,000"),
    ("unchanged", "hugo", "≤ 0.7 at 2,000"),
)


class Bench:
    """Costs by ``(what, size)``, and bytes of memory. ``what`` is a peer, or ``ours cold``, ``before cold``, …"""

    def __init__(self, folder: Path, peers: list[Peer], before: Path | None) -> None:
        self.folder, self.peers = folder, peers
        self.ours: dict[str, dict[str, str]] = {"ours": {}}
        if before:
            self.ours["before"] = {"PYTHONPATH": str(before.resolve())}
        self.costs: dict[tuple[str, int], list[Cost]] = defaultdict(list)
        self.memory: dict[tuple[str, int], int] = {}

    def size(self, size: int, runs: int) -> None:
        """Measure all at one size."""
        for peer in self.peers:
            peer.write(self.folder / peer.name, contents(size))
        for name in self.ours:
            generate(self.folder / name, size)
        for run in range(-1, runs):  # the first fills caches and is measured for its memory alone
            for peer in self.peers:
                self._peer(peer, size, run)
            for name, environment in self.ours.items():
                self._ours(name, environment, size, run)
        for folder in self.folder.iterdir():
            shutil.rmtree(folder)

    def _peer(self, peer: Peer, size: int, run: int) -> None:
        root = self.folder / peer.name
        shutil.rmtree(root / peer.out, ignore_errors=True)
        if run < 0:
            self.memory[peer.name, size] = peak_memory(peer.command(), root)
        else:
            self.costs[peer.name, size].append(timed(peer.command(), root))
        made = len(list(root.glob(f"{peer.out}/issues/*/index.html")))
        assert made == size, f"{peer.name} made {made} pages of {size} issues"

    def _ours(self, name: str, environment: dict[str, str], size: int, run: int) -> None:
        root = self.folder / name
        command = build_command(root)
        forget(root)
        if run < 0:
            self.memory[name, size] = peak_memory(command, root, environment)
            return
        self.costs[f"{name} cold", size].append(timed(command, root, environment))
        self.costs[f"{name} unchanged", size].append(timed(command, root, environment))
        issue = next(issue for issue in contents(size) if issue.number == size // 2)
        edited = replace(issue.stories[0], commentary=f"Edited {run}.")
        write_issue(root, replace(issue, stories=[edited, *issue.stories[1:]]))
        self.costs[f"{name} one edit", size].append(timed(command, root, environment))
        assert f"Edited {run}." in (root / "dist/site/issues" / issue.slug / "index.html").read_text(encoding="utf-8")
        write_issue(root, issue)

    def wall(self, what: str, size: int) -> float:
        """Median seconds by the clock."""
        return statistics.median(cost.wall for cost in self.costs[what, size])

    def ratio(self, name: str, kind: str, peer: str, size: int) -> float:
        """Of a kind of build of ours, before or now, to a peer's full build."""
        return self.wall(f"{name} {kind}", size) / self.wall(peer, size)

    def growth(self, what: str, small: int, large: int) -> float:
        """The exponent by which seconds grow with the number of issues: 1 is linear."""
        return math.log(self.wall(what, large) / self.wall(what, small)) / math.log(large / small)


def report(bench: Bench, sizes: list[int]) -> tuple[str, dict[str, dict[int, float]]]:
    """Markdown, and the ratios for machines."""
    figures = {
        f"{kind} / {peer.name}": {size: round(bench.ratio("ours", kind, peer.name, size), 3) for size in sizes}
        for kind, _, _ in TARGETS
        for peer in bench.peers
    }
    columns = [(size, name) for size in sizes for name in ("before", "ours") if name in bench.ours]
    heads = [f"{size:,} {'before' if name == 'before' else 'now'}" for size, name in columns]
    lines = [f"| Ratio of seconds | {' | '.join(heads)} | target |", "|---|" + "---:|" * (len(heads) + 1)]
    for kind, peer, target in TARGETS:
        if (peer, sizes[0]) in bench.costs:
            cells = " | ".join(f"{bench.ratio(name, kind, peer, size):.2f}" for size, name in columns)
            lines.append(f"| {kind} / {peer} | {cells} | {target} |")
    memory = " | ".join(f"{bench.memory[name, size] / 2**20:.0f}" for size, name in columns)
    lines.append(f"| memory, MiB | {memory} | ≤ 250 |")
    if len(sizes) > 1:
        growth = bench.growth("ours cold", sizes[0], sizes[-1])
        lines.append(f"\nThe cold build grows from {sizes[0]:,} to {sizes[-1]:,} by the exponent {growth:.3f}.")
    lines += ["", "| Build | issues | seconds | of processor | MiB |", "|---|---:|---:|---:|---:|"]
    for (what, size), costs in bench.costs.items():
        processor = statistics.median(cost.processor for cost in costs)
        memory = f"{held / 2**20:.0f}" if (held := bench.memory.get((what.removesuffix(" cold"), size))) else ""
        lines.append(f"| {what} | {size:,} | {bench.wall(what, size):.2f} | {processor:.2f} | {memory} |")
    return "\n".join(lines), figures


def main() -> None:
    """Measure, print, and store the section."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench_peers", description=__doc__)
    parser.add_argument("--sizes", default="520,2000")
    parser.add_argument("--peers", default="hugo,pelican,eleventy")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--before", type=Path, help="another checkout, measured beside")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md alone")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    INSTALLED.mkdir(exist_ok=True)
    peers = []
    for peer in PEERS:
        if peer.name in options.peers.split(","):
            if why := peer.install():
                print(f"SKIPPED: {peer.name} cannot be had here: {why}", flush=True)
            else:
                peers.append(peer)
    with tempfile.TemporaryDirectory(prefix="publisher-bench-", dir=scratch()) as folder:
        bench = Bench(Path(folder), peers, options.before)
        for size in sizes:
            bench.size(size, options.runs)
        text, figures = report(bench, sizes)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    note = (
        f"`make bench-peers`, {today}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"{', '.join(peer.packages[0] for peer in peers) or 'no peers'}. Medians of {options.runs}, files in memory. "
        "The peers build the archive alone, in full; ours has the email, its gates and all checks.\n\n"
    )
    print(text)
    if not options.no_write:
        write_section("peers", "Beside other generators", note + text)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
