"""Many kills in little time: senders are forked from one process that has everything imported, and are killed.

``python -m tools.chaos.forked every-point ROOT`` kills at every commit and call of one batch, enumerated;
``local-time ROOT`` kills one sender after another in a mailing with variants by local time, each later;
``python -m tools.chaos.forked random ROOT KILLS SEED [varied]`` kills at random moments, with ``varied`` in
a mailing with variants. The provider is the stub at
``AWS_ENDPOINT_URL_SESV2``. Prints JSON.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time as clock
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import boto3

from publisher.database import Database, open_database
from publisher.delivery import mailings
from publisher.delivery.local_time import LocalTime
from publisher.delivery.send import Options
from publisher.delivery.settle import release_uncertain, settle, uncertain
from publisher.providers.events import EventKind
from tests.delivery.world import SLUG, add_people, add_person, make_config, varied_letter
from tests.thrift import be_thrifty
from tools.chaos.judge import apply_events, ask, judge, release, tell
from tools.chaos.life import Failpoints, fork, live


def warm_up() -> None:
    """Read botocore's models and compile SQL once: forked processes inherit them."""
    be_thrifty()
    session = boto3.Session()
    session.client("sesv2", region_name="eu-west-1")
    boto3.Session = lambda: session


@dataclass
class Point:
    """The result of a kill at one point."""

    number: int
    name: str
    accepted: int  # when it died
    uncertain: int  # after the next run
    copies: dict[str, int]  # recipient → messages, at the end
    left: int
    submitted: int
    audience: int


def every_point(root: Path, people: int = 5) -> list[Point]:
    """Kill at the first point, the second, … until a sender ends by itself."""
    points: list[Point] = []
    while True:
        here = root / str(len(points) + 1)
        here.mkdir(parents=True)
        point = _die_at(here, len(points) + 1, people)
        if point is None:
            return points
        points.append(point)


def _die_at(root: Path, number: int, people: int) -> Point | None:
    _with_database(root, lambda database: add_people(database, people))
    log = root / "points"
    killed = _end(fork(lambda: live(root, _nothing, Failpoints(number, log))))
    if killed != -signal.SIGKILL:
        return None
    accepted = len(_accepted(root))
    _end(fork(lambda: live(root, _nothing)))
    uncertain = _with_database(root, lambda database: _account(database).uncertain)
    _with_database(root, lambda database: _settle_and_release(root, database))
    _end(fork(lambda: live(root, _nothing)))
    account = _with_database(root, _account)
    copies: dict[str, int] = {}
    for row in _accepted(root):
        copies[row["tags"]["recipient"]] = copies.get(row["tags"]["recipient"], 0) + 1
    name = log.read_text().splitlines()[-1]
    return Point(number, name, accepted, uncertain, copies, account.left, account.submitted, account.audience)


def _nothing() -> None:
    return


def _end(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _with_database(root: Path, act: Any) -> Any:
    # Opened and closed around each use: a connection must not be carried over a fork.
    database = open_database(make_config(root, "ses"))
    try:
        return act(database)
    finally:
        database.close()


def _mailing(database: Database) -> mailings.Mailing | None:
    with database.connect() as connection:
        return mailings.newest(connection, SLUG)


def _account(database: Database) -> Any:
    with database.connect() as connection:
        mailing = mailings.newest(connection, SLUG)
        assert mailing is not None
        return mailings.account(connection, mailing.id)


def _accepted(root: Path) -> list[dict[str, Any]]:
    mailing = _with_database(root, _mailing)
    rows = ask(os.environ["AWS_ENDPOINT_URL_SESV2"], "/stub/accepted")
    return [row for row in rows if mailing is not None and row["tags"]["mailing"] == mailing.reference]


def _settle_and_release(root: Path, database: Database) -> None:
    from datetime import UTC, datetime

    accepted = _accepted(root)
    with database.begin() as connection:
        for row in accepted:
            recipient = row["tags"]["recipient"]
            settle(connection, EventKind.SEND, datetime.now(UTC), recipient=recipient, message_id=row["id"])
        mailing = mailings.newest(connection, SLUG)
        assert mailing is not None
        release_uncertain(connection, mailing.id, uncertain(connection, mailing.id))


def through_local_time(root: Path) -> dict[str, Any]:
    """Readers in four zones, whose times come one after another in each run; each is killed three points later."""
    zones = ("Asia/Tokyo", None, "Europe/Berlin", "America/New_York")
    local = LocalTime(date(2026, 12, 1), time(8), ZoneInfo("Asia/Shanghai"), timedelta(hours=24))
    sends = [Options(local=local, now=local.instant(zone)) for zone in zones]
    for number in range(len(zones) * 3):
        _with_database(root, lambda one, n=number: add_person(one, n, timezone=zones[n % 4], topics=["ai"] * (n % 2)))
    killed, deaths = -signal.SIGKILL, 0
    while killed == -signal.SIGKILL:
        points = Failpoints(1 + 3 * deaths)
        killed = _end(fork(lambda points=points: live(root, _nothing, points, varied_letter(), sends)))  # type: ignore[misc]
        deaths += killed == -signal.SIGKILL
    uncertain = _with_database(root, _account).uncertain
    _with_database(root, lambda database: _settle_and_release(root, database))
    _end(fork(lambda: live(root, _nothing, None, varied_letter(), sends)))
    verdict = _with_database(root, lambda database: judge(database, os.environ["AWS_ENDPOINT_URL_SESV2"]))
    return {"deaths": deaths, "uncertain": uncertain, "fine": verdict.fine, "submitted": verdict.account.submitted}


def at_random(root: Path, kills: int, seed: int, *, varied: bool = False) -> dict[str, Any]:
    """Kill so many senders at random moments after their start, then let one end."""
    url = os.environ["AWS_ENDPOINT_URL_SESV2"]
    chance, letter = random.Random(seed), varied_letter() if varied else None
    done = 0
    while done < kills:
        reader, writer = os.pipe()
        pid = fork(lambda end=writer: live(root, partial(os.close, end), None, letter))  # type: ignore[misc]
        os.close(writer)
        select.select([reader], [], [], 30)
        os.close(reader)
        clock.sleep(chance.uniform(0, 0.3))
        os.kill(pid, signal.SIGKILL)
        if _end(pid) != -signal.SIGKILL:
            break  # it had ended: everybody is served
        done += 1
    _end(fork(lambda: live(root, _nothing, None, letter)))  # if all were killed before any fault happened
    tell(url, faults={}, latency=0, rate=0)
    for _ in range(3):
        _end(fork(lambda: live(root, _nothing, None, letter)))
        _with_database(root, lambda database: apply_events(database, url))
        _with_database(root, release)
    verdict = _with_database(root, lambda database: judge(database, url))
    faults = sum(ask(url, "/stub/summary")["faulted"].values())
    return {
        "kills": done,
        "faults": faults,
        "fine": verdict.fine,
        "duplicates": verdict.duplicates,
        "missing": verdict.missing,
        "submitted": verdict.account.submitted,
    }


def main() -> None:
    """Run the mode that is asked for."""
    warm_up()
    mode, root = sys.argv[1], Path(sys.argv[2])
    if mode == "every-point":
        print(json.dumps([vars(point) for point in every_point(root)]))
    elif mode == "local-time":
        print(json.dumps(through_local_time(root)))
    else:
        print(json.dumps(at_random(root, int(sys.argv[3]), int(sys.argv[4]), varied="varied" in sys.argv)))


if __name__ == "__main__":
    main()
