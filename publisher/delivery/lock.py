"""The files of a mailing beside a SQLite database: its sender's lock, and a mark of its progress.

The lock prevents two senders of one mailing. The kernel releases it when the process ends, so its holder knows that
all earlier holders are dead. The mark detects an old ledger: it is written after claims are committed and before
they are submitted, so a ledger behind its mark was restored, copied without its WAL, or created anew. If an
operator declares such a ledger right, mark and ledger get the same random word, which older copies of the database
lack. PostgreSQL is used from many machines without a shared file; there the database itself detects that it was
loaded from a dump: ``origins`` holds the id of the transaction that wrote its row, with the first mailing. Dumps
and logical replication copy the values of a row but not its system column ``xmin`` (PostgreSQL manual, System
Columns), so in such a copy the two differ. VACUUM, pg_upgrade, base backups and physical replicas keep both.
"""

import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from sqlalchemy import URL, Connection, case, cast, delete, literal_column, or_, select, text, update
from sqlalchemy.types import String

from publisher.audience.tables import enrolments
from publisher.database import Database
from publisher.database.bulk import insert_into, insert_once
from publisher.database.migrate import file_of
from publisher.delivery.tables import LEFT_TO_MONTH, UNFINISHED, mailings, origins, recipients, settled_marks
from publisher.diagnostics import counted, say
from publisher.documents.atomic import write_file
from publisher.errors import DatabaseError, UsageError, refusal
from publisher.issue.folder import SERIES


def lock_path(url: URL, slug: str, ending: str = "lock") -> Path | None:
    """Return the path of an issue's lock file; None if the database is not a file."""
    file = file_of(url)
    return Path(f"{file}.{slug.replace('/', '_')}.{ending}") if file else None


@contextmanager
def mailing_lock(database: Database, slug: str) -> Iterator[bool]:
    """Hold the mailing's lock during the block; yield whether it proves that all other senders are dead (SQLite).

    Raises DatabaseError with the process id if another sender holds it.
    """
    path = lock_path(database.engine.url, slug)
    if path is None:
        yield False
        return
    advice = say("make the database's folder writable for this user")
    with refusal(say("the lock file {path} cannot be opened", path=str(path)), advice, DatabaseError):
        file = path.open("a+")
    with file:
        # is_held takes the lock briefly: try several times before reporting it as held
        if not _acquire(file, tries=4):
            file.seek(0)
            holder = file.read(20).strip()
            message = say("another sender is sending {slug}", slug=slug)
            if holder:
                message = say("another sender, process {holder}, is sending {slug}", holder=holder, slug=slug)
            advice = say(
                "wait for it to end, or stop it with Ctrl-C; several machines need PostgreSQL (docs/scaling.md)"
            )
            raise DatabaseError(message, help=advice)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield True


def is_held(database: Database, slug: str) -> bool:
    """Whether a sender holds the mailing's lock."""
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


@dataclass(frozen=True, slots=True)
class Mark:
    """Progress of a mailing. ``generation`` rises by one per batch of claims; ``handled`` counts the claimed
    recipients.

    ``settled`` is the word of an operator's later decision (:func:`settle_mark`); ``earlier`` are references of earlier
    mailings of the issue, which a restored ledger may lack.
    """

    reference: str
    digest: str
    generation: int
    handled: int
    settled: str | None = None
    earlier: Sequence[str] | None = None

    @property
    def mailings(self) -> list[str]:
        """The references of all mailings of the issue."""
        return [*(self.earlier or ()), self.reference]


def mark_path(url: URL, slug: str) -> Path | None:
    """Return the path of an issue's mark; None if the database is not a file."""
    return lock_path(url, slug, "mark")


def write_mark(path: Path, mark: Mark) -> None:
    """Write the mark atomically. Raises DatabaseError, in which case nothing may be submitted."""
    advice = say("make room, or the folder writable; send again")
    with refusal(say("the mark {path} cannot be written", path=str(path)), advice, DatabaseError):
        values = {name: value for name, value in asdict(mark).items() if value is not None}
        write_file(path, json.dumps(values).encode() + b"\n")


def read_mark(path: Path | None) -> Mark | None:
    """Return the mark; None if there is none. Raises UsageError if it cannot be read."""
    if path is None:
        return None
    try:
        return Mark(**json.loads(path.read_text(encoding="ascii")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        advice = say("see docs/backup.md; delete it once you know who was mailed")
        raise UsageError(say("the mark {path} cannot be read", path=str(path)), help=advice) from error


def unknown_mail(url: URL, connection: Connection | None, slug: str) -> str | None:
    """Return what was mailed of an issue without the ledger's knowledge, as a sentence; None if there is nothing."""
    return all_unknown_mail(url, connection, [slug]).get(slug)


def all_unknown_mail(url: URL, connection: Connection | None, slugs: Sequence[str]) -> dict[str, str]:
    """Return the results of :func:`unknown_mail` by slug, without those that are None.

    ``connection`` is None if there is no database at ``url``.
    """
    found = mailed_since_dump(connection, slugs) if connection else {}
    for slug in slugs:
        if slug not in found and (fault := _by_mark(url, connection, slug)):
            found[slug] = fault
    return found


def _by_mark(url: URL, connection: Connection | None, slug: str) -> str | None:
    mark = read_mark(mark_path(url, slug))
    if mark is None:
        return None
    if connection and _is_known(connection, slug, mark):
        return None
    return counted(
        "{n:,} message of mailing {reference} had left or was about to, and this database knows less of it",
        "{n:,} messages of mailing {reference} had left or were about to, and this database knows less of it",
        mark.handled,
        reference=mark.reference,
    )


def _is_known(connection: Connection, slug: str, mark: Mark) -> bool:
    if mark.settled:
        word = select(settled_marks.c.word).where(settled_marks.c.slug == slug)
        return connection.execute(word).scalar() == mark.settled
    query = select(mailings.c.generation).where(mailings.c.reference == mark.reference)
    known = connection.execute(query).scalar()
    return known is not None and known >= mark.generation


def how_to_settle(slug: str) -> str:
    """Return the actions an operator can take."""
    return say(
        "restore the newest copy; or publisher events apply, and compare the archive page; then publisher publish "
        "--mailed {slug} mails nobody, --unmailed {slug} mails whom this database has as pending and no event names "
        "(docs/backup.md)",
        slug=slug,
    )


def refuse_unknown_mail(database: Database, connection: Connection, slug: str) -> None:
    """Raise UsageError if messages were mailed that the ledger does not know."""
    if fault := unknown_mail(database.engine.url, connection, slug):
        message = say("{slug}: {fault}: was it restored? Nothing was sent", slug=slug, fault=fault)
        raise UsageError(message, help=how_to_settle(slug))


def settle_mark(connection: Connection, slug: str) -> None:
    """Record an operator's decision that the ledger is right, so that older copies of the database are detected.

    The mark is written first: if the commit fails, the operator has to decide again. Raises DatabaseError.
    """
    settle(connection, slug)
    path = mark_path(connection.engine.url, slug)
    if path is None or (mark := read_mark(path)) is None:
        return
    m, word = mailings.c, secrets.token_hex(8)
    later = case((m.generation > mark.generation, m.generation), else_=mark.generation)  # later than in any copy
    connection.execute(update(mailings).where(m.reference == mark.reference).values(generation=later))
    write_settled_mark(connection, slug, word)
    write_mark(path, replace(mark, settled=word))


DIGEST = "digest/"
"""Prefix of the slug of a month's edition: ``digest/2026-11``."""

_ZONE = timedelta(hours=14)  # largest distance of a time zone from UTC
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('publisher origins'))")
_WRITER = cast(literal_column("origins.xmin"), String)


def mailed_since_dump(connection: Connection, slugs: Iterable[str]) -> dict[str, str]:
    """Return, by slug, why an issue or step may have been mailed without this PostgreSQL database knowing of it.

    Only unfinished mailings are checked, and slugs without a page in the archive: steps of series and a month's
    edition.
    """
    if (writer := _copied(connection)) is None:
        return {}
    asked, settled = _asked(connection), _settled(connection, writer)
    why = say("this database came out of a dump, and messages may have left since that was made")
    return {slug: why for slug in slugs if ("/" in slug or slug in asked) and slug not in settled}


def settle(connection: Connection, slug: str) -> None:
    """Record an operator's decision that this copy is right about an issue or a step."""
    if writer := _copied(connection):
        write_settled_mark(connection, slug, writer)


def write_settled_mark(connection: Connection, slug: str, word: str) -> None:
    """Store an operator's word about an issue or a step, replacing an earlier one."""
    written = insert_into(connection, settled_marks).values(slug=slug, word=word)
    connection.execute(written.on_conflict_do_update(index_elements=["slug"], set_={"word": word}))


def adopt_database(connection: Connection, now: datetime, steps: Iterable[str] | None = None) -> None:
    """Mark this PostgreSQL database as the original; a copy stays a copy while any issue or step needs a decision.

    ``steps`` are those of the repository, which may have been mailed without the copy. If they are unknown, a copy
    with enrolments stays a copy. Does nothing while another transaction does this.
    """
    if connection.dialect.name != "postgresql" or not connection.scalar(_ALONE):
        return
    if writer := _copied(connection):
        started = connection.scalar(select(enrolments.c.series).limit(1)) is not None
        asked = _asked(connection) | _last_month(connection, now) | {*(steps or ())}
        if asked <= _settled(connection, writer) and (steps is not None or not started):
            connection.execute(delete(origins))
    if insert_once(connection, origins, {"id": 1, "writer": ""}):
        connection.execute(update(origins).values(writer=_WRITER))


def _copied(connection: Connection) -> str | None:
    """Return the writer of the row in a copied database; None if this is not a copy."""
    if connection.dialect.name != "postgresql":
        return None
    return connection.scalar(select(_WRITER).select_from(origins).where(origins.c.writer != _WRITER))


def _settled(connection: Connection, writer: str) -> set[str]:
    return {*connection.scalars(select(settled_marks.c.slug).where(settled_marks.c.word == writer))}


def _asked(connection: Connection) -> set[str]:
    """Return the slugs of unfinished mailings and of steps in this database."""
    m = mailings.c
    return {*connection.scalars(select(m.slug).where(or_(text(UNFINISHED), m.slug.startswith(f"{SERIES}/"))))}


def _last_month(connection: Connection, now: datetime) -> set[str]:
    """Return last month's editions, in any time zone, that subscribers wait for and this copy has not mailed."""
    m, found = mailings.c, set()
    for day in (now - _ZONE, now + _ZONE):
        end = day.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        first = (end - timedelta(days=1)).replace(day=1)
        left = select(m.id).join(recipients, recipients.c.mailing_id == m.id)
        left = left.where(LEFT_TO_MONTH, m.frozen_at >= first - _ZONE, m.frozen_at < end + _ZONE)
        slug = f"{DIGEST}{first:%Y-%m}"
        known = select(m.id).where(m.slug == slug)
        if not connection.scalar(known.limit(1)) and connection.scalar(left.limit(1)):
            found.add(slug)
    return found
