"""What a driver's error means to an operator: one line that says what happened, one that says what to do.

A driver's message may quote a row, and a row may hold an address: only the messages known not to are passed on.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL
from sqlalchemy.exc import IntegrityError

from publisher.documents.yaml import read_data
from publisher.errors import DatabaseError


class UnreadableError(ValueError):
    """A value that we wrote cannot be read again: the message names it, and holds none of it."""


def is_conflict(error: Exception) -> bool:
    """Whether another transaction was in the way, so that the whole of this one is to be tried again."""
    if isinstance(error, IntegrityError):
        return True
    state = getattr(getattr(error.__cause__, "orig", None), "sqlstate", None)
    return state in {"40P01", "40001"}  # PostgreSQL: deadlock_detected, serialization_failure


Answer = TypeVar("Answer")


def despite_conflicts(transaction: Callable[[], Answer], tries: int = 2) -> Answer:
    """What a whole transaction returns; tried again where another machine was at the same rows at the same moment."""
    for left in reversed(range(tries)):
        try:
            return transaction()
        except (IntegrityError, DatabaseError) as error:
            if not left or not is_conflict(error):
                raise
    raise AssertionError


def explain(error: BaseException, url: URL) -> DatabaseError:
    """The DatabaseError for a driver's error."""
    if url.get_backend_name() == "sqlite":
        return _of_sqlite(error, url)
    return _of_postgresql(error, url)


def _of_sqlite(error: BaseException, url: URL) -> DatabaseError:
    if isinstance(error, UnreadableError):
        corrupt = next(row for row in _known()["sqlite"] if row["means"].endswith("is corrupt"))
        message = f"{corrupt['means'].format(at=url.database)}: {error} cannot be read"
        return DatabaseError(message, help=corrupt["action"])
    text = str(error)
    for row in _known()["sqlite"]:
        if any(part in text for part in row["of"]):
            return DatabaseError(row["means"].format(at=url.database), help=row["action"])
    return DatabaseError(f"the database {url.database} failed: {text.splitlines()[0] if text else 'unknown reason'}")


def _of_postgresql(error: BaseException, url: URL) -> DatabaseError:
    at = url.set(username=None, password=None, query={}).render_as_string().partition("://")[2]
    state = getattr(error, "sqlstate", None)
    if state is None:
        text = str(error)
        for part, code in (("authentication failed", "28"), ("does not exist", "3D000")):
            if part in text:
                state = code
    if state is None:
        message = f"the database server at {at} cannot be reached"
        return DatabaseError(message, help="start it, or correct PUBLISHER_DATABASE_URL")
    for row in _known()["postgresql"]:
        if str(state).startswith(tuple(row["of"])):
            return DatabaseError(row["means"].format(at=at), help=row["action"])
    return DatabaseError(f"the database at {at} failed with SQLSTATE {state}", help="see the server's log")


@cache
def _known() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = read_data(Path(__file__).with_suffix(".yaml"))
    return found


def unusable_url(reason: str) -> DatabaseError:
    """The URL names no database we can use. The URL itself may hold a password and is not repeated."""
    advice = "write sqlite:///path/to/file.db or postgresql://host/name in PUBLISHER_DATABASE_URL or config.yaml"
    return DatabaseError(f"the database URL cannot be used: {reason}", help=advice)
