"""``python -m tests.growth [PLACE…]``: seconds at n and 2n bytes of every fragment, and the ratio where it is high.

``--pairs N`` takes N pairs of fragments instead, drawn by ``--seed``: the one after the other over and over, or all of
the one before all of the other.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence

from tests.growth.fragments import LISTS, PROSE, YAML, repeated
from tests.growth.measure import SIZE, SLOTS, seconds

KEYS = {"matter", "yaml", "issue", "points", "items", "sources", "tags", "address"}


def pairs(fragments: Sequence[str], count: int, seed: int) -> Iterator[str]:
    """Two fragments that are repeated together or, parted by an arrow, one after the other."""
    chance, single = random.Random(seed), [one for one in fragments if "→" not in one]
    for _ in range(count):
        yield chance.choice(["", "→"]).join(chance.sample(single, 2))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.growth", description=__doc__)
    parser.add_argument("places", nargs="*", default=list(SLOTS))
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for slot in given.places:
        fragments = (*YAML, *LISTS) if slot in KEYS else PROSE
        for fragment in pairs(fragments, given.pairs, given.seed) if given.pairs else fragments:
            least, most = (seconds(slot, repeated(fragment, size)) for size in (SIZE, 2 * SIZE))
            mark = "  <--" if most > 2.6 * least and most > 0.1 else ""
            print(f"{slot:12}{fragment!r:50.50}{least:8.2f}{most:8.2f}{most / least:7.1f}{mark}", flush=True)


if __name__ == "__main__":
    main()
