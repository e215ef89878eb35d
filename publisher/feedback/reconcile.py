"""Settle uncertain recipients by events and, only if an operator asks for it, release them to be mailed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from publisher.database import Database
from publisher.delivery import mailings
from publisher.delivery.ledger import Ledger
from publisher.delivery.lock import is_held, mailing_lock
from publisher.delivery.mailings import Mailing
from publisher.delivery.series import fall_due_again
from publisher.delivery.settle import Uncertain, release_uncertain, uncertain
from publisher.errors import DatabaseError
from publisher.issue.folder import SERIES

PART = 10_000
"""Recipients whom :func:`release` makes pending in one transaction: unsubscriptions wait for it on SQLite."""
YOUNG = timedelta(hours=1)  # events about a younger row may still arrive


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Mailing with its uncertain recipients."""

    mailing: Mailing
    recipients: tuple[Uncertain, ...]

    @property
    def young(self) -> int:
        """How many of them are younger than :data:`YOUNG`."""
        return sum(one.since is not None and one.since > datetime.now(UTC) - YOUNG for one in self.recipients)


def doubtful(database: Database, issue: str | None) -> list[Doubtful]:
    """Return the newest mailing of each issue, or of ``issue``, with its uncertain recipients and dead senders' claims.

    For a series step, also earlier mailings (other editions, or before a restore) that have uncertain recipients.
    """
    with database.connect() as connection:
        found = mailings.every_newest(connection, issue)
        earlier = [one for newest in found for one in mailings.earlier_of_step(connection, newest)]
    for mailing in found:
        _recover(database, mailing)
    with database.connect() as connection:
        every = [Doubtful(m, tuple(uncertain(connection, m.id))) for m in (*found, *earlier)]
    return [one for one in every if one.recipients or one.mailing in found]


def release(database: Database, doubt: Doubtful) -> int:
    """Make uncertain recipients pending. Return how many. Raises DatabaseError if a sender is running (SQLite).

    Only recipients in ``doubt`` whose state has not changed since are released; none if the issue was frozen again.
    Those of an earlier mailing of a series step, which is not continued, become due for the step again. One
    transaction for each :data:`PART`; after an interruption the rest is still uncertain.
    """
    every = doubt.recipients
    with mailing_lock(database, doubt.mailing.slug):
        return sum(_release(database, doubt.mailing, every[at : at + PART]) for at in range(0, len(every), PART))


def _release(database: Database, mailing: Mailing, part: Sequence[Uncertain]) -> int:
    with database.begin() as connection:
        newest = mailings.newest(connection, mailing.slug)
        now = {*uncertain(connection, mailing.id, part[0].number, part[-1].number)}
        still = [one for one in part if one in now]
        if newest and newest.id == mailing.id:
            return release_uncertain(connection, mailing.id, still)
        return fall_due_again(connection, mailing, still) if mailing.slug.startswith(f"{SERIES}/") else 0


def _recover(database: Database, mailing: Mailing) -> None:
    """Make the claims of a sender that died uncertain, as ``send`` does at its start."""
    if is_held(database, mailing.slug):
        return
    try:
        with mailing_lock(database, mailing.slug) as alone:
            Ledger(database, mailing).recover(alone=alone)
    except DatabaseError:
        if not is_held(database, mailing.slug):
            raise  # otherwise a sender has just started, and recovers by itself
