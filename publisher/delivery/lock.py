"""The lock that keeps two senders from sharing one SQLite mailing, and proves the death of the one before.

The kernel drops it with the process, however that ends; so whoever holds it may say that all earlier holders are dead.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import URL

from publisher.database import Database
from publisher.errors import DatabaseError


def lock_path(url: URL, slug: str) -> Path | None:
    """The lock file of an issue's mailing, beside the database; None where the database is no file."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or ":memory:" in name:
        return None
    name = name.removeprefix("file:").partition("?")[0]  # SQLite takes file: URIs too
    return Path(f"{name}.{slug}.lock")


@contextmanager
def mailing_lock(database: Database, slug: str) -> Iterator[bool]:
    """Hold the lock for the block; yields whether it is one that proves all others dead (SQLite).

    Raises DatabaseError, naming the process, where another sender holds it.
    """
    path = lock_path(database.engine.url, slug)
    if path is None:
        yield False
        return
    try:
        file = path.open("a+")
    except OSError as error:
        raise DatabaseError(
            f"the lock file {path} cannot be opened: {error.strerror}",
            help="make the database's folder writable for this user",
        ) from error
    with file:
        # status looks at the lock by taking it for an instant: ask more than once before believing it held
        if not _acquire(file, tries=4):
            file.seek(0)
            holder = file.read(20).strip()
            raise DatabaseError(
                f"another sender{f', process {holder},' if holder else ''} is sending {slug}",
                help="wait for it to end, or stop it with Ctrl-C; several machines need PostgreSQL (docs/scaling.md)",
            )
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield True


def is_held(database: Database, slug: str) -> bool:
    """Whether a sender holds the mailing's lock just now."""
    path = lock_path(database.engine.url, slug)
    if path is None or not path.exists():
        return False
    try:
        with path.open("r+") as file:
            return not _acquire(file)
    except OSError:
        return False


def _acquire(file: IO[str], tries: int = 1) -> bool:
    import fcntl

    for again in range(tries):
        time.sleep(0.05 if again else 0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False
