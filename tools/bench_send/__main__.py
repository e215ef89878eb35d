"""``make bench-send``: throughput against a bare boto3 loop, pace against the quota, memory, freeze, resume.

The stub of SES runs in a process of its own on the same machine and takes its share of the cores. ``--full`` adds a
million recipients.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tools.bench.document import write_section
from tools.chaos.judge import ask, tell
from tools.chaos.run import credentials, stub

_SAID: list[str] = []


def say(text: str) -> None:
    """Print it, and keep it for the document."""
    print(text, flush=True)
    _SAID.append(text)


def measure(name: str, root: Path, people: int) -> dict[str, float]:
    """One measurement in a fresh process."""
    words = [sys.executable, "-m", "tools.bench_send.one", name, str(root), str(people)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def fresh(people: int) -> Path:
    """A newsletter with so many subscribers."""
    root = Path(tempfile.mkdtemp(prefix="publisher-bench-"))
    measure("people", root, people)
    return root


def throughput(people: int) -> None:
    """All ways to send, in turn, in one table: by the clock, and in processor time of the sending process."""
    ways = {
        "bare-bulk": "bare boto3 loop, bulk, no ledger",
        "ledger": "publisher: ledger, pace, bulk",
        "transport": "the sender's calls alone: bulk, no ledger",
        "one-by-one": "the same, one by one",
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    costs: dict[str, list[float]] = {name: [] for name in ways}
    with stub(latency=0.02) as url:
        credentials(url)
        for _ in range(3):
            for name in ways:
                count = people if name != "one-by-one" else max(500, people // 20)
                root = fresh(people if name == "ledger" else 0)
                found = measure(name, root, count)
                rates[name].append(found["sent"] / found["seconds"])
                costs[name].append(found["processor"] / found["sent"] * 1e6)
                shutil.rmtree(root)
    base, cost = statistics.median(rates["bare-bulk"]), statistics.median(costs["bare-bulk"])
    say(f"\n| {people:,} recipients, 20 ms a call | a second | of the bare loop | processor, µs | bare loop / this |")
    say("|---|---:|---:|---:|---:|")
    for name, label in ways.items():
        rate, each = statistics.median(rates[name]), statistics.median(costs[name])
        say(f"| {label} | {rate:,.0f} | {rate / base:.0%} | {each:.0f} | {cost / each:.0%} |")


def variants(people: int) -> None:
    """Three variants and one letter for all, in turn: medians by the clock and of the sender's processor time."""
    rates: dict[str, list[float]] = {"ledger": [], "variants": []}
    costs: dict[str, list[float]] = {"ledger": [], "variants": []}
    with stub(latency=0.02, render=False) as url:
        credentials(url)
        for _ in range(3):
            for name, runs in rates.items():
                root = fresh(people)
                found = measure(name, root, people)
                runs.append(found["sent"] / found["seconds"])
                costs[name].append(found["processor"] / found["sent"] * 1e6)
                shutil.rmtree(root)
    plain, varied = (statistics.median(runs) for runs in rates.values())
    low, high = (statistics.median(runs) for runs in costs.values())
    say(f"\n{people:,} in three variants: {varied:,.0f}/s, {varied / plain:.0%} of the {plain:,.0f}/s of one letter")
    say(f"for all; {high:.0f} µs of the sender's processor a recipient, beside {low:.0f}")


def memory(counts: list[int]) -> None:
    """Peak resident memory of a whole run."""
    say("\n| recipients | recipients/s | peak memory, MB |\n|---:|---:|---:|")
    for people in counts:
        with stub() as url:
            credentials(url)
            root = fresh(people)
            found = measure("ledger", root, people)
            say(f"| {people:,} | {found['sent'] / found['seconds']:,.0f} | {found['megabytes']:.0f} |")
            shutil.rmtree(root)


def freeze(people: int) -> None:
    """The freeze, and how soon a resumed mailing sends."""
    with stub() as url:
        credentials(url)
        root = fresh(people)
        frozen, resumed = measure("freeze", root, people), measure("resume", root, people)
        shutil.rmtree(root)
    say(f"\nfreeze of {people:,}: {frozen['seconds']:.1f} s; resumed, first call after {resumed['seconds']:.2f} s")


def pace(rate: float, seconds: float, *, halve: bool = False) -> None:
    """How much of the quota is used, and how much is throttled; the first and last second left out."""
    people = int(rate * seconds)
    with stub(rate=rate) as url:
        credentials(url)
        root = fresh(people)
        at: list[float] = []
        if halve:

            def halved() -> None:
                at.append(time.monotonic())
                tell(url, rate=rate / 2)

            threading.Timer(seconds / 3 + 2, halved).start()
        measure("ledger", root, people)
        summary = ask(url, "/stub/summary")
        shutil.rmtree(root)
    report_pace(rate, summary, at[0] if at else None)


def report_pace(rate: float, summary: dict[str, Any], halved_at: float | None) -> None:
    """One line."""
    seconds = sorted((int(s), a, t) for s, (a, t) in summary["seconds"].items())[1:-1]
    if halved_at is None:
        held = sum(a for _, a, _ in seconds) / len(seconds) / rate
        share = summary["throttled"] / max(1, summary["offered"])
        say(f"- quota {rate:g}/s: {held:.1%} of it held, {share:.3%} throttled")
        return
    after = [(a, t) for s, a, t in seconds if s > halved_at + 10]
    held = sum(a for a, _ in after) / len(after) / (rate / 2)
    throttled = sum(t for _, t in after) / max(1, sum(a + t for a, t in after))
    say(f"- quota {rate:g}/s halved: after 10 s {held:.1%} of the new one held, {throttled:.3%} throttled")


def main() -> None:
    """Run the measurements that the options name."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench_send", description=__doc__)
    parser.add_argument("--full", action="store_true", help="a million recipients as well (minutes)")
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--only", choices=["throughput", "variants", "memory", "freeze", "pace"])
    options = parser.parse_args()
    million = 1_000_000 if options.full else 100_000
    if options.only in {None, "throughput"}:
        throughput(options.people)
    if options.only in {None, "variants"}:
        variants(100_000)
    if options.only in {None, "memory"}:
        memory([10_000, million])
    if options.only in {None, "freeze"}:
        freeze(million)
    if options.only in {None, "pace"}:
        say("")
        for rate in (14, 200, 2000):
            pace(rate, 20)
        for rate in (200, 2000):
            pace(rate, 45, halve=True)
    if options.only is None:
        write_section(
            "send", "Sending", "`make bench-send`; the stub of SES runs on the same cores.\n" + "\n".join(_SAID)
        )


if __name__ == "__main__":
    main()
