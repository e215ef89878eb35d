"""What a driver's error means to an operator: one line that says what happened, one that says what to do.

A driver's message may quote a row, and a row may hold an address: only the messages known not to are passed on.
"""

from __future__ import annotations

from sqlalchemy import URL

from publisher.errors import DatabaseError

_SQLITE = (
    # part of SQLite's message, ours, help
    ("readonly", "the database {at} is read-only", "make the file and its folder writable for this user"),
    ("read-only", "the database {at} is read-only", "make the file and its folder writable for this user"),
    (
        "unable to open",
        "the database {at} cannot be opened",
        "check that the path is a file and its folder is writable",
    ),
    ("disk is full", "the disk with the database {at} is full", "free some space and run the command again"),
    ("disk I/O", "the disk with the database {at} fails or is full", "check the disk, then run the command again"),
    ("not a database", "the file {at} is not a SQLite database", "restore it from a backup, or move it away"),
    *(
        (part, "the database {at} is corrupt", "restore it from a backup, or recover it with sqlite3 .recover")
        # The last three: the schema was brought up to date on opening, and what is quoted may be an address.
        for part in ("malformed", "Could not decode to UTF-8", "no such column", "no such table")
    ),
    ("locked", "the database {at} is busy with another process", "wait for the other command to end, then try again"),
)

_POSTGRESQL = (
    # SQLSTATE or its class, ours, help: https://www.postgresql.org/docs/current/errcodes-appendix.html
    ("28", "the database server at {at} refuses the login", "check the user and password in PUBLISHER_DATABASE_URL"),
    ("3D000", "the database {at} does not exist", "create it with createdb"),
    ("25006", "the database {at} is read-only", "connect to the primary server"),
    ("42501", "the database user may not do this at {at}", "grant it the rights on the schema"),
    ("53100", "the disk of the database server at {at} is full", "free some space and run the command again"),
    ("53", "the database server at {at} is out of resources", "free some, then run the command again"),
    ("57P", "the database server at {at} is shutting down", "run the command again when it is back"),
    ("40", "the database at {at} ended a transaction for another", "run the command again"),
)


class UnreadableError(ValueError):
    """A value that we wrote cannot be read again: the message names it, and holds none of it."""


def explain(error: BaseException, url: URL) -> DatabaseError:
    """The DatabaseError for a driver's error."""
    if url.get_backend_name() == "sqlite":
        return _of_sqlite(error, url)
    return _of_postgresql(error, url)


def _of_sqlite(error: BaseException, url: URL) -> DatabaseError:
    if isinstance(error, UnreadableError):
        return DatabaseError(
            f"the database {url.database} is corrupt: {error} cannot be read", help="restore it from a backup"
        )
    text = str(error)
    for part, message, action in _SQLITE:
        if part in text:
            return DatabaseError(message.format(at=url.database), help=action)
    return DatabaseError(f"the database {url.database} failed: {text.splitlines()[0] if text else 'unknown reason'}")


def _of_postgresql(error: BaseException, url: URL) -> DatabaseError:
    at = url.set(username=None, password=None, query={}).render_as_string().partition("://")[2]
    state = getattr(error, "sqlstate", None)
    if state is None:
        text = str(error)
        for part, code in (("authentication failed", "28"), ("does not exist", "3D000")):
            if part in text:
                state = code
    for code, message, action in _POSTGRESQL:
        if state is not None and str(state).startswith(code):
            return DatabaseError(message.format(at=at), help=action)
    if state is None:
        return DatabaseError(
            f"the database server at {at} cannot be reached", help="start it, or correct PUBLISHER_DATABASE_URL"
        )
    return DatabaseError(f"the database at {at} failed with SQLSTATE {state}", help="see the server's log")


def lacks_driver() -> DatabaseError:
    """PostgreSQL is asked for and psycopg is not installed."""
    return DatabaseError("PostgreSQL needs psycopg", help="pip install 'newsletter-publisher[postgres]'")


def unusable_url(reason: str) -> DatabaseError:
    """The URL names no database we can use. The URL itself may hold a password and is not repeated."""
    return DatabaseError(
        f"the database URL cannot be used: {reason}",
        help="write sqlite:///path/to/file.db or postgresql://host/name in PUBLISHER_DATABASE_URL or config.yaml",
    )
