"""The veto: an issue that is held is not mailed, whatever its files say."""

from __future__ import annotations

from datetime import UTC, datetime

from publisher.config import Config
from publisher.database import Database
from publisher.errors import UsageError
from publisher.proofing import refuse_unknown
from publisher.publishing import store


def hold(config: Config, database: Database, slug: str, why: str = "") -> str:
    """Hold an issue; what to tell. Raises UsageError: no such issue, or it has gone out."""
    refuse_unknown(config, slug)
    with database.begin() as connection:
        mailed = store.mailed(connection, slug).get(slug)
        if mailed and not mailed.sendable:
            raise UsageError(
                f"{slug} has been mailed: it cannot be held back",
                help="correct it in a commit; publish then says so in the archive",
            )
        at = store.publication(connection, slug).held_at or datetime.now(UTC)
        store.note(connection, slug, held_at=at, held_why=" ".join(why.split()))
    if mailed:
        return f"{slug} is held: publish does not go on with its mailing; publisher pause {slug} stops a sender"
    return f"{slug} is held: publish does not mail it until publisher hold {slug} --release"


def release(config: Config, database: Database, slug: str) -> str:
    """Let an issue go; what to tell. Its veto window and its schedule count on as before."""
    with database.begin() as connection:
        if store.publication(connection, slug).held_at is None:
            refuse_unknown(config, slug)
            return f"{slug} is not held"
        store.note(connection, slug, held_at=None, held_why="")
    return f"{slug} is released: publish mails it when it is due"
