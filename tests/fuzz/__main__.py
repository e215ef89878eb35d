"""``python -m tests.fuzz [TARGET…] [--minutes N]``: so long at each target, guided by coverage (Atheris).

What breaks a promise is written to ``tests/fuzz/corpus/TARGET`` and tried by the suite from then on. Half as long
again goes to pieces of the inputs that are repeated n and 2n times: what takes more than 2.6 times as long is told.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path

CORPUS, GROWN = Path(__file__).parent / "corpus", Path(".fuzz")
SIZE = 20_000  # bytes of what is repeated
_FILES = ("documents", "issue", "config", "checks", "edition")
PACKAGES = {"item": _FILES, "issue": _FILES, "config": _FILES, "imports": ("audience",),
            "requests": ("web", "audience"), "events": ("providers", "feedback"),
            "envelopes": ("providers", "feedback")}  # fmt: skip
HANG = 20  # seconds for one input of a few kB
FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def inputs(name: str) -> list[bytes]:
    """The corpus of a target, and for files of a newsletter what the corpus of wrong inputs has of them."""
    found = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    suffix = {"item": ".md", "issue": "/issue.yaml", "config": "config.yaml"}.get(name)
    if suffix:
        from tests.checks.corpus import FOLDER as CASES
        from tests.checks.corpus import read_case

        parts = (part for path in sorted(CASES.glob("*.txt")) for part in read_case(path).parts)
        found += [text.encode() for kind, path, text in parts if kind == "file" and path.endswith(suffix)]
    return found


def keep(name: str, data: bytes) -> Path:
    """Write a finding into the corpus."""
    path = CORPUS / name / f"found-{hashlib.sha256(data).hexdigest()[:8]}"
    path.write_bytes(data)
    return path


def drive(name: str, seconds: int, root: Path) -> None:
    """Fuzz in this process, which libFuzzer ends. A fault may be found many times, and is reported once."""
    import atheris

    with atheris.instrument_imports(include=[f"publisher.{package}" for package in PACKAGES[name]]):
        from tests.fuzz.targets import TARGETS

        run = TARGETS[name](root / "newsletter")
    told: set[object] = set()

    def once(data: bytes) -> None:
        try:
            run(data)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            ours = next((one for one in reversed(frames) if "/publisher/" in one.filename), frames[-1])
            if (type(error), where := (ours.filename, ours.lineno)) in told:
                return
            told.add((type(error), where))
            print(f"\n{keep(name, data)}:\n{''.join(traceback.format_exception(error))[-3000:]}", flush=True)

    seeds = root / "seeds"
    seeds.mkdir()
    for number, data in enumerate(inputs(name)):
        (seeds / str(number)).write_bytes(data)
    (GROWN / name).mkdir(parents=True, exist_ok=True)
    (root / "words").write_text("\n".join(f'"{word}"' for word in words(name)))
    options = [f"-max_total_time={seconds}", f"-timeout={HANG}", "-max_len=4096", "-rss_limit_mb=3000", "-verbosity=0"]
    options += [f"-dict={root / 'words'}", f"-artifact_prefix={CORPUS / name}/found-", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(GROWN / name), str(seeds)], once)
    atheris.Fuzz()


def words(name: str) -> list[str]:
    """What a mutation may put in: the words of the corpus and, for text, the fragments of ``tests.growth``."""
    import re

    from tests.growth.fragments import PROSE, YAML

    found = set(re.findall(rb"[\w.+-]+[:=]?|\W", b"\n".join(inputs(name))))
    if name in {"item", "issue", "config"}:
        found |= {fragment.encode() for fragment in (*PROSE, *YAML)}
    return ["".join(f"\\x{byte:02x}" for byte in word) for word in sorted(found) if len(word) <= 60]


def stretched(name: str, chance: random.Random) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Inputs with a piece to be repeated: the text before it, the piece, the text after it."""
    grown = GROWN / name
    texts = inputs(name) + ([path.read_bytes() for path in grown.iterdir()] if grown.is_dir() else [])
    texts = [text for text in texts if text]
    while True:
        text = chance.choice(texts)
        begin = chance.randrange(len(text))
        end = min(len(text), begin + int(chance.expovariate(1 / 12)) + 1)
        if chance.random() < 0.5:  # whole lines
            begin, end = text.rfind(b"\n", 0, begin) + 1, (text.find(b"\n", end) + 1) or len(text)
        yield text[:begin], text[begin:end], text[end:]


def grow(name: str, seconds: int, root: Path, seed: int) -> int:
    """Pieces that are repeated n and 2n times; how many take more than twice as long."""
    from tests.fuzz.targets import TARGETS
    from tests.growth.measure import timed

    run, ends, found, tried = TARGETS[name](root / "newsletter"), time.monotonic() + seconds, 0, 0
    for before, piece, after in stretched(name, random.Random(seed)):
        if time.monotonic() > ends:
            break

        def cost(size: int) -> float:
            count = max(1, size // len(piece))  # noqa: B023
            return timed(partial(run, before + piece * count + after))  # noqa: B023

        try:
            tried += 1
            least, most = cost(SIZE), cost(2 * SIZE)
            if most > 0.1 and most > 2.6 * least and all(cost(2 * SIZE) > 2.6 * cost(SIZE) for _ in range(2)):
                found += 1
                print(
                    f"{name}: {least:.2f} s, twice as much {most:.2f} s: {before!r} + n * {piece!r} + {after!r}",
                    flush=True,
                )
        except Exception as error:
            print(f"{keep(name, before + piece * (SIZE // len(piece)) + after)}: {error!r}", flush=True)
            found += 1
    print(f"{name}: {tried} pieces repeated", flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--drive", help=argparse.SUPPRESS)
    given = parser.parse_args()
    seconds = max(1, int(given.minutes * 60))
    logging.disable()
    if given.drive:
        drive(given.drive, seconds, Path(given.targets[0]))
    bad = 0
    for name in given.targets or PACKAGES:
        before = set((CORPUS / name).iterdir())
        with tempfile.TemporaryDirectory(dir=FOLDER) as root:
            command = [sys.executable, "-m", "tests.fuzz", "--drive", name, "--minutes", str(given.minutes), root]
            status = subprocess.run(command, check=False).returncode
        with tempfile.TemporaryDirectory(dir=FOLDER) as root:
            slow = grow(name, seconds // 2, Path(root), given.seed)
        fresh = set((CORPUS / name).iterdir()) - before
        bad += len(fresh) + slow
        print(f"{name}: {len(fresh)} findings, {slow} slow, status {status}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
