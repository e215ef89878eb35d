"""A lease in the database: one run of publish at a time, on any number of machines.

The holder renews it every few seconds. A lease not renewed for :data:`TERM` is free; one whose process is dead on this
very machine is free at once. A renewal in the future (a clock was set back) counts from when it is first seen. Each
acquisition increments the fence; the holder calls :meth:`Lease.check` before every step with an outside effect, so that
a process that slept and lost the lease stops there.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select, update

from publisher.database import Database
from publisher.database.bulk import insert_once
from publisher.database.engine import clock
from publisher.diagnostics import say
from publisher.errors import DatabaseError
from publisher.publishing.tables import leases

TERM = 30.0  # seconds without renewal after which a lease is free

BEAT = 8.0
NAME = "publish"


class LeaseLostError(DatabaseError):
    """Another run holds the lease, or has taken it over."""


@dataclass
class Lease:
    """Held lease."""

    database: Database
    fence: int
    holder: str
    _stop: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Renew the lease. Raises LeaseLostError if it is no longer ours."""
        with self.database.begin() as connection:
            self.check_in(connection)

    def check_in(self, connection: Connection) -> None:
        """Renew it within a transaction, which then commits only if the lease is ours. Raises LeaseLostError."""
        mine = (leases.c.name == NAME) & (leases.c.holder == self.holder) & (leases.c.fence == self.fence)
        if connection.execute(update(leases).where(mine).values(beat=clock(connection))).rowcount != 1:
            message = say("another run of publish took over while this one was not answering; this one stops")
            raise LeaseLostError(message, help=say("publisher publish goes on once that run has ended"))

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            with suppress(DatabaseError):  # the next check reports it
                self.check()


@contextmanager
def take(database: Database, *, waiting: Callable[[str], None] = lambda _: None) -> Iterator[Lease]:
    """Hold the lease for the block.

    If another run holds it, wait for the end of its term (``waiting`` is called with the holder's description).
    Raises LeaseLostError as soon as the holder renews it.
    """
    lease = _take(database, waiting)
    beats = threading.Thread(target=lease._beat, name="publish lease", daemon=True)
    beats.start()
    try:
        yield lease
    finally:
        lease._stop.set()
        beats.join(timeout=2)
        with suppress(DatabaseError), database.begin() as connection:
            mine = (leases.c.name == NAME) & (leases.c.holder == lease.holder)
            connection.execute(update(leases).where(mine).values(holder=None))


def _take(database: Database, waiting: Callable[[str], None]) -> Lease:
    holder, first = secrets.token_hex(8), None
    while True:
        with database.begin() as connection:
            row, now = _row(connection), clock(connection)
            beat = row.beat if row.beat <= now + TERM else now
            free = row.holder is None or beat < now - TERM or _is_dead(row.host, row.pid)
            if free:
                mine = {"fence": row.fence + 1, "holder": holder, "host": _host(), "pid": os.getpid()}
                connection.execute(update(leases).where(leases.c.name == NAME).values(beat=now, **mine))
                return Lease(database, row.fence + 1, holder)
            if beat != row.beat:
                connection.execute(update(leases).where(leases.c.name == NAME).values(beat=beat))
        seen = (row.holder, beat)
        if first is None:
            first = seen
            waiting(say("process {pid} on {host}", pid=row.pid, host=row.host))
        elif seen != first:
            message = say("another run of publish is at work: process {pid} on {host}", pid=row.pid, host=row.host)
            advice = say("wait for it to end; then publisher publish says there is nothing left to do")
            raise LeaseLostError(message, help=advice)
        time.sleep(1.0)


def _row(connection: Connection) -> Row[Any]:
    insert_once(connection, leases, {"name": NAME, "fence": 0, "holder": None, "host": "", "pid": 0, "beat": 0.0})
    # On PostgreSQL FOR UPDATE makes runs queue here. SQLite has a single writer and ignores it.
    return connection.execute(select(leases).where(leases.c.name == NAME).with_for_update()).one()


def _host() -> str:
    """Return the host name, on Linux with the PID namespace: two containers may have the same host name."""
    with suppress(OSError):
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    return socket.gethostname()


def _is_dead(host: str, pid: int) -> bool:
    """Whether the process is known to be dead: it ran on this machine and no longer exists."""
    if host != _host():
        return False
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False
