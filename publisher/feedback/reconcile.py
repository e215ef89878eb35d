"""Settle the uncertain from events; and, on an operator's word only, let one be sent to again."""

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

YOUNG = timedelta(hours=1)  # events of a row younger than this may still be on the way


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A mailing with its uncertain recipients."""

    mailing: Mailing
    recipients: tuple[Uncertain, ...]

    @property
    def young(self) -> int:
        """How many of them are younger than :data:`YOUNG`."""
        return sum(one.since is not None and one.since > datetime.now(UTC) - YOUNG for one in self.recipients)


def doubtful(database: Database, issue: str | None) -> list[Doubtful]:
    """The newest mailings, or that of ``issue``, with who is uncertain now; a dead sender's claims are.

    Of a step of a series an earlier mailing too, of another edition or from before a restore, with anybody uncertain.
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
    """Make the uncertain of a mailing pending; how many. Raises DatabaseError while a sender is at it (SQLite).

    Whoever was settled since, or is uncertain anew, was not shown and is left alone; so is everybody of an issue that
    was frozen anew. Those of an earlier mailing of a step, which nobody carries on, fall due for the step again.
    """
    mailing = doubt.mailing
    with mailing_lock(database, mailing.slug), database.begin() as connection:
        newest, now = mailings.newest(connection, mailing.slug), {*uncertain(connection, mailing.id)}
        still = [one for one in doubt.recipients if one in now]
        if newest and newest.id == mailing.id:
            return release_uncertain(connection, mailing.id, still)
        return fall_due_again(connection, mailing, still) if mailing.slug.startswith(f"{SERIES}/") else 0


def _recover(database: Database, mailing: Mailing) -> None:
    """What a sender had claimed when it died becomes uncertain, as ``send`` would make it at its start."""
    if is_held(database, mailing.slug):
        return
    try:
        with mailing_lock(database, mailing.slug) as alone:
            Ledger(database, mailing).recover(alone=alone)
    except DatabaseError:
        if not is_held(database, mailing.slug):
            raise  # else a sender has just begun, and recovers by itself
