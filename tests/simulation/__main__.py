"""``python -m tests.simulation [--seeds A-B | --steps N]``: worlds on every core, and what broke."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice
from pathlib import Path

from tests.simulation.world import BrokenPromiseError, run


def _one(seed: int) -> tuple[int, int, float, str]:
    """Steps, seconds of processor time, and what broke."""
    began = time.process_time()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
    root = Path(memory) / f"simulation-{os.getpid()}"  # the same for all worlds of a process: see machinery
    try:
        steps, wrong = run(seed, root).fate.steps, ""
    except BrokenPromiseError as broken:
        steps, wrong = 0, str(broken)
    return seed, steps, time.process_time() - began, wrong


def _seeds(text: str) -> Iterator[int]:
    first, _, last = text.partition("-")
    return iter(range(int(first), int(last or first) + 1))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=count(1), metavar="A-B")
    parser.add_argument("--steps", type=int, default=1_000_000, help="stop after so many")
    given = parser.parse_args()
    steps, worlds, processor = 0, 0, 0.0
    broken, began = list[tuple[int, str]](), time.monotonic()
    with ProcessPoolExecutor() as pool:
        while steps < given.steps and (some := [*islice(given.seeds, 32)]):
            for seed, made, took, wrong in pool.map(_one, some):
                steps, worlds, processor = steps + made, worlds + 1, processor + took
                if wrong:
                    broken.append((seed, wrong))
                    print(f"seed {seed}: {wrong}", flush=True)
            spent = f"{time.monotonic() - began:.0f} s, of processors {processor:.0f} s"
            print(f"{worlds:,} worlds, {steps:,} steps, {spent}", flush=True)
    print(f"{len(broken)} of {worlds:,} worlds broke a promise in {steps:,} steps")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
