"""``python -m tests.growth [PLACE…]``: seconds at n and 2n bytes of every fragment, and the ratio where it is high."""

from __future__ import annotations

import sys

from tests.growth.fragments import LISTS, PROSE, YAML, repeated
from tests.growth.measure import SIZE, SLOTS, seconds

KEYS = {"matter", "yaml", "issue", "points", "items", "sources", "tags"}

for slot in sys.argv[1:] or SLOTS:
    for fragment in (*YAML, *LISTS) if slot in KEYS else PROSE:
        least, most = (seconds(slot, repeated(fragment, size)) for size in (SIZE, 2 * SIZE))
        mark = "  <--" if most > 2.6 * least and most > 0.1 else ""
        print(f"{slot:12}{fragment!r:50.50}{least:8.2f}{most:8.2f}{most / least:7.1f}{mark}", flush=True)
