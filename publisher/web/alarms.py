"""Alarms that go off while nobody is at a terminal, by events and by links: told to the webhook, and to the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from publisher.config import Config
from publisher.database import Database
from publisher.delivery.mailings import was_mailed
from publisher.delivery.tripwires import Tripped, alert
from publisher.errors import DatabaseError
from publisher.feedback.alarms import tripped_by
from publisher.feedback.apply import Applied

AGAIN = 3600.0
"""Seconds before the same tripwire of the same issue is told again: events come by the thousand."""

log = logging.getLogger("publisher.web")


class Alarms:
    """What was told, and when. Used by one thread at a time."""

    def __init__(self, config: Config, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._database, self._clock = config, database, clock
        self._told: dict[tuple[str, str], float] = {}

    def tell(self, applied: Applied) -> None:
        """Tell what these events set off. Runs after SNS has its answer: a webhook that hangs holds up nobody."""
        try:
            tripped = tripped_by(self._database, applied)
        except DatabaseError as error:
            log.error("%s (%s)", error.message, error.help)
            return
        self._shout(tripped)

    def unknown_link(self, reference: str) -> None:
        """Tell of a link that we signed for somebody whom neither the audience nor the ledger knows.

        Whom the ledger knows was erased, and is nobody's business.
        """
        try:
            with self._database.connect() as connection:
                if was_mailed(connection, reference):
                    return
        except DatabaseError as error:
            log.error("%s (%s)", error.message, error.help)
            return
        message = "a reader left by a link of ours that this database knows nobody for, and may still be mailed"
        advice = "is this the newsletter's own database? After a move or a restore, bring over what the old one knows"
        self._shout([Tripped("unknown-link", "", message, advice, stops=False)])

    def _shout(self, tripped: Sequence[Tripped]) -> None:
        now = self._clock()
        fresh = [t for t in tripped if now - self._told.get((t.name, t.issue), float("-inf")) >= AGAIN]
        for trip in fresh:
            self._told[trip.name, trip.issue] = now
            log.error("%s: %s; %s", trip.name, trip.message, trip.help)
        if note := alert(self._config, fresh):
            log.warning("%s", note)
