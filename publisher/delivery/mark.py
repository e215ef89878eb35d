"""The high-water mark of a mailing, outside the database: what a ledger that was put back cannot have forgotten.

A JSON file beside the mailing's lock file. It is written after claims are committed and before they are submitted, so
the ledger is never behind it; a ledger that is was restored, copied without its WAL, or made anew. SQLite only: behind
PostgreSQL there are many machines, and no file that all of them see.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, select

from publisher.database import Database
from publisher.delivery.lock import lock_path
from publisher.delivery.tables import mailings
from publisher.documents.atomic import write_file
from publisher.errors import DatabaseError, UsageError


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a mailing had come. ``generation`` rises by one a claim; ``handled`` is recipients claimed in all."""

    reference: str
    digest: str
    generation: int
    handled: int


def mark_path(url: URL, slug: str) -> Path | None:
    """Where the mark of an issue is; None where the database is no file."""
    lock = lock_path(url, slug)
    return lock.with_name(lock.name.removesuffix(".lock") + ".mark") if lock else None


def write_mark(path: Path, mark: Mark) -> None:
    """Write it, whole or not at all. Raises DatabaseError; then nothing may be submitted."""
    try:
        write_file(path, json.dumps(asdict(mark)).encode() + b"\n")
    except OSError as error:
        raise DatabaseError(
            f"the mark {path} cannot be written: {error.strerror}", help="make room, or the folder writable; send again"
        ) from error


def read_mark(path: Path | None) -> Mark | None:
    """The mark; None where there is none. Raises UsageError where it cannot be read."""
    if path is None:
        return None
    try:
        return Mark(**json.loads(path.read_text(encoding="ascii")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"the mark {path} cannot be read", help="see docs/backup.md; delete it once you know who was mailed"
        ) from error


def forgotten(url: URL, connection: Connection | None, slug: str) -> str | None:
    """What was mailed of an issue that the ledger knows less of, in words; None where it knows all.

    ``connection`` is None where there is no database at ``url``.
    """
    mark = read_mark(mark_path(url, slug))
    if mark is None:
        return None
    query = select(mailings.c.generation).where(mailings.c.reference == mark.reference)
    known = connection.execute(query).scalar() if connection else None
    if known is not None and known >= mark.generation:
        return None
    return f"{mark.handled:,} recipients of mailing {mark.reference} were claimed, and this database knows less of it"


def how_to_settle(slug: str) -> str:
    """What an operator can do about it."""
    return (
        "restore the newest copy; or publisher events apply, and compare the archive page; then publisher publish "
        f"--mailed {slug} mails nobody, --unmailed {slug} mails whom this database has as pending (docs/backup.md)"
    )


def refuse_forgetful(database: Database, connection: Connection, slug: str) -> None:
    """Raises UsageError where the ledger knows less than was done."""
    if fault := forgotten(database.engine.url, connection, slug):
        raise UsageError(f"{slug}: {fault}: was it restored? Nothing was sent", help=how_to_settle(slug))


def forget_mark(database: Database, slug: str) -> None:
    """An operator said that the ledger is right."""
    path = mark_path(database.engine.url, slug)
    if path is not None:
        path.unlink(missing_ok=True)
