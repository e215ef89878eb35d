"""One life of a sender, as a process that can be killed: at any moment, or at its n-th commit or call.

The failpoints are put around the database and the transport from outside; the code under test knows nothing of them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from publisher.database import Database, open_database
from publisher.delivery import ledger, send, sender
from publisher.mail.message import Envelope, MailContent
from publisher.providers import open_transport
from publisher.providers.outcomes import Outcome
from tests.delivery.world import make_config, make_letter


@dataclass
class Failpoints:
    """Counts the points a life passes; at ``die_at`` it dies as by kill -9. ``passed`` is written to ``log``."""

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
    def begin(self) -> Iterator[Connection]:
        with super().begin() as connection:
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


def quick_leases() -> None:
    """Let a dead sender be noticed within two seconds, as a test needs."""
    ledger.LEASE = 2.0
    sender.BEAT_EVERY = 0.3


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
        os._exit(status)


def main() -> None:
    """``python -m tools.chaos.life ROOT``: prints a line when it starts to send, and exits as ``send`` would."""
    quick_leases()
    sys.exit(live(Path(sys.argv[1]), lambda: print("started", flush=True)))


if __name__ == "__main__":
    main()
