"""One run of a sender, as a process that can be killed: at any moment, or at its n-th commit or call.

The failpoints are put around the database and the transport from outside; the code under test is unchanged.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from publisher import cli
from publisher.database import Database, open_database
from publisher.delivery import ledger, send, sender, worker
from publisher.mail.message import Envelope, MailContent
from publisher.providers import open_transport
from publisher.providers.outcomes import Outcome
from tests.delivery.world import make_config, make_letter
from tests.zygote import warm_up


@dataclass
class Failpoints:
    """Counts the points that a run passes; at ``die_at`` it ends as by kill -9. ``passed`` is written to ``log``."""

    die_at: int = 0
    log: Path | None = None
    passed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, name: str) -> None:
        """Pass a point, or die at it."""
        with self.lock:
            self.passed += 1
            if self.log:
                with self.log.open("a") as file:
                    file.write(f"{name}\n")
            if self.passed == self.die_at:
                os.kill(os.getpid(), signal.SIGKILL)


class FailingDatabase(Database):
    """Dies before or after the commit of a transaction."""

    points: Failpoints

    @contextmanager
    def begin(self, *, lost: bool = False) -> Iterator[Connection]:
        with super().begin(lost=lost) as connection:
            yield connection
            self.points.reach("before commit")
        self.points.reach("after commit")


def failing(transport: Any, points: Failpoints) -> Any:
    """``transport``, dying before or after a call."""
    submit: Callable[[Sequence[Envelope]], list[Outcome]] = transport.submit

    def die_around(envelopes: Sequence[Envelope]) -> list[Outcome]:
        points.reach("before call")
        outcomes = submit(envelopes)
        points.reach("after call")
        return outcomes

    transport.submit = die_around
    transport.parallel = 1  # one call at a time, so that the points come in one order
    return transport


def live(
    root: Path,
    started: Callable[[], None],
    points: Failpoints | None = None,
    letter: MailContent | None = None,
    local: Sequence[send.Options] = (send.Options(),),
    **delivery: Any,
) -> int:
    """Send until the end; the exit status. ``started`` is called before the first claim.

    ``local``: one send after another, each at the local time and the moment that it has.
    """
    config = make_config(root, "ses", **delivery)
    database = open_database(config)
    interrupt = sender.Interrupt()
    signal.signal(signal.SIGTERM, lambda *_: interrupt.request())
    if points is not None:
        database = FailingDatabase(database.engine)
        database.points = points
    status = 0
    for options in local:
        options = replace(
            options,
            interrupt=interrupt,
            started=lambda _started: started(),
            transport=None if points is None else failing(open_transport(config), points),
        )
        status = send.send(config, database, letter or make_letter(), options).exit_status
    return status


def hasten() -> None:
    """Make a dead sender or worker noticeable within seconds, and a worker look for work each second."""
    ledger.LEASE, sender.BEAT_EVERY = 8.0, 1.0
    worker.EVERY_MINUTE, worker.STALLED_SECONDS = "* * * * * */1", 15.0


def raise_for(address: str) -> None:
    """Let each call that includes this recipient raise an exception that no transport should."""

    def opened(*given: Any, **named: Any) -> Any:
        transport = open_transport(*given, **named)
        submit: Callable[[Sequence[Envelope]], list[Outcome]] = transport.submit

        def submit_or_raise(envelopes: Sequence[Envelope]) -> list[Outcome]:
            if any(one.address == address for one in envelopes):
                raise RuntimeError("poison")
            return submit(envelopes)

        transport.submit = submit_or_raise  # type: ignore[method-assign]
        return transport

    send.open_transport = worker.open_transport = opened  # type: ignore[attr-defined]


def fork(run: Callable[[], int]) -> int:
    """Run in a process of its own, forked before any thread is there; its id."""
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        status = run()
    except BaseException as error:
        print(f"sender died of {error!r}", file=sys.stderr, flush=True)
        if os.environ.get("CHAOS_TRACE"):
            import traceback

            traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def be(words: Sequence[str], environment: dict[str, str], log: Path) -> int:
    """Be the command ``publisher``, in a process forked for it; its exit status."""
    for number in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.environ.update(environment)
    hasten()
    if address := os.environ.get("CHAOS_RAISES"):
        raise_for(address)
    sys.argv = ["publisher", *words]
    try:
        cli.main()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    return 0


def main() -> None:
    """Fork a command a line of JSON (words, environment, log) and print its process id; of a line with ``wait``, print
    the exit status of that process, or null while it lives and ``block`` is not asked for.
    """
    warm_up()
    ended: dict[int, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if pid := asked.pop("wait", 0):
            if pid not in ended:
                found, status = os.waitpid(pid, 0 if asked["block"] else os.WNOHANG)
                if found:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            print(json.dumps(ended.get(pid)), flush=True)
        else:
            asked["log"] = Path(asked["log"])
            print(fork(partial(be, **asked)), flush=True)


if __name__ == "__main__":
    main()
