"""Translate a driver's error for the operator: one line says what happened, one what to do.

A driver's message may quote a row, and so an address: only messages known not to do so are passed on.
"""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL

from publisher.diagnostics import say
from publisher.documents.yaml import read_data
from publisher.errors import ConflictError, DatabaseError


class UnreadableError(ValueError):
    """Stored value that cannot be parsed; the message names the value without quoting it."""


_CONFLICTS = {"40P01", "40001", "23503", "23505"}
"""SQLSTATEs: deadlock_detected, serialization_failure, foreign_key_violation, unique_violation."""

Answer = TypeVar("Answer")


def despite_conflicts(transaction: Callable[[], Answer], tries: int = 2) -> Answer:
    """Run a whole transaction, and again after a ConflictError with another machine, up to ``tries`` times."""
    for left in reversed(range(tries)):
        try:
            return transaction()
        except ConflictError:
            if not left:
                raise
            time.sleep(0.05)  # let the other transaction go first
    raise AssertionError


def explain(error: BaseException, url: URL) -> DatabaseError:
    """Return the DatabaseError for a driver's error."""
    if url.get_backend_name() == "sqlite":
        return _of_sqlite(error, url)
    return _of_postgresql(error, url)


def _of_sqlite(error: BaseException, url: URL) -> DatabaseError:
    if isinstance(error, UnreadableError):
        _, corrupt, advice = next(row for row in _known()["sqlite"] if row[1].endswith("is corrupt"))
        message = say("{means}: {what} cannot be read", means=say(corrupt, at=url.database), what=error)
        return DatabaseError(message, help=say(advice))
    text = str(error)
    for parts, means, advice in _known()["sqlite"]:
        if any(part in text for part in parts):
            return DatabaseError(say(means, at=url.database), help=say(advice))
    reason: str = text.splitlines()[0] if text else say("unknown reason")
    return DatabaseError(say("the database {path} failed: {reason}", path=url.database, reason=reason))


def _of_postgresql(error: BaseException, url: URL) -> DatabaseError:
    at = url.set(username=None, password=None, query={}).render_as_string().partition("://")[2]
    state = getattr(error, "sqlstate", None)
    if state is None:
        text = str(error)
        for part, code in (("authentication failed", "28"), ("does not exist", "3D000")):
            if part in text:
                state = code
    if state is None:
        message = say("the database server at {at} cannot be reached", at=at)
        return DatabaseError(message, help=say("start it, or correct PUBLISHER_DATABASE_URL"))
    for codes, means, advice in _known()["postgresql"]:
        if str(state).startswith(tuple(codes)):
            kind = ConflictError if state in _CONFLICTS else DatabaseError
            return kind(say(means, at=at), help=say(advice))
    advice = say("see the server's log")
    return DatabaseError(say("the database at {at} failed with SQLSTATE {state}", at=at, state=state), help=advice)


@cache
def _known() -> dict[str, list[tuple[list[str], str, str]]]:
    found = read_data(Path(__file__).with_suffix(".yaml"))
    return {kind: [(row["of"], row["means"], row["action"]) for row in rows] for kind, rows in found.items()}


def unusable_url(reason: str) -> DatabaseError:
    """Return the error for an unusable database URL, without the URL, which may hold a password."""
    advice = say("write sqlite:///path/to/file.db or postgresql://host/name in PUBLISHER_DATABASE_URL or config.yaml")
    return DatabaseError(say("the database URL cannot be used: {reason}", reason=reason), help=advice)
