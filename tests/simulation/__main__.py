"""``python -m tests.simulation [--seeds A-B | --steps N]``: worlds on every core, and what broke."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path

from tests.simulation.world import BrokenPromiseError, run


def _one(seed: int) -> tuple[int, int, str]:
    folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=folder) as root:
        try:
            return seed, run(seed, Path(root) / "world").fate.steps, ""
        except BrokenPromiseError as broken:
            return seed, 0, str(broken)


def _seeds(text: str) -> Iterator[int]:
    first, _, last = text.partition("-")
    return iter(range(int(first), int(last or first) + 1))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=count(1), metavar="A-B")
    parser.add_argument("--steps", type=int, default=1_000_000, help="stop after so many")
    given = parser.parse_args()
    steps = worlds = 0
    broken, began = list[tuple[int, str]](), time.monotonic()
    with ProcessPoolExecutor() as pool:
        while steps < given.steps and (some := [seed for seed, _ in zip(given.seeds, range(64), strict=False)]):
            for seed, took, wrong in pool.map(_one, some):
                steps, worlds = steps + took, worlds + 1
                if wrong:
                    broken.append((seed, wrong))
                    print(f"seed {seed}: {wrong}", flush=True)
            print(f"{worlds:,} worlds, {steps:,} steps, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(broken)} of {worlds:,} worlds broke a promise in {steps:,} steps")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
