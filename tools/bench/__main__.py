"""``python -m tools.bench [--quick]``: build times and memory, printed and kept in docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

from tools.bench.builds import Build, measure
from tools.bench.checking import table, waits
from tools.bench.document import write_section
from tools.bench.generate import generate
from tools.bench.stages import stage_costs

SIZES = (10, 100, 520)


def main() -> None:
    """Measure, print, and store the section."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of the two small sizes; nothing is kept")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="publisher-bench-") as folder:
        stages_root = Path(folder) / "stages"
        generate(stages_root, 20 if quick else 60)
        stages = stage_table(stage_costs(stages_root))
        print(stages, flush=True)
        builds = []
        for size in SIZES[:2] if quick else SIZES:
            root = Path(folder) / str(size)
            generate(root, size)
            builds.append(measure(root, size, 1 if quick else 3))
        text = stages + "\n" + build_table(builds)
        print(build_table(builds))
        checks = table(waits(root, 1 if quick else 5))
        print(checks)
    if not quick:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        note = f"Python {platform.python_version()}, {cores} cores; medians. `make bench` measures again.\n\n"
        write_section("build", "Building", note + text)
        write_section("check", "Checking", note + checks)


def stage_table(costs: list[tuple[str, float]]) -> str:
    """Milliseconds an issue, and each stage as a share of a whole issue."""
    whole = costs[-1][1]
    rows = [f"| {name} | {cost:.2f} | {cost / whole:.0%} |" for name, cost in costs]
    return "\n".join(["| Stage | ms an issue | of a whole issue |", "|---|---:|---:|", *rows]) + "\n"


def build_table(builds: list[Build]) -> str:
    """Seconds of whole builds."""
    rows = [
        f"| {b.issues} | {b.cold:.2f} | {b.processor:.2f} | {b.processor / b.issues * 1000:.1f} "
        f"| {b.unchanged:.2f} | {b.one_edit:.2f} | {b.one_edit / b.cold:.0%} | {b.memory:.0f} |"
        for b in builds
    ]
    head = (
        "| Issues | cold, s | processor, s | ms an issue | unchanged, s | after one edit, s | of cold | memory, MiB |"
    )
    return "\n".join([head, "|---:|---:|---:|---:|---:|---:|---:|---:|", *rows]) + "\n"


if __name__ == "__main__":
    main()
