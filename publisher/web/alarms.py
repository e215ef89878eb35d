"""Alarms that events set off while nobody is at a terminal: told to ``alerts.webhook``, and to the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from publisher.config import Config
from publisher.database import Database
from publisher.delivery.tripwires import alert
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
        now = self._clock()
        fresh = [t for t in tripped if now - self._told.get((t.name, t.issue), float("-inf")) >= AGAIN]
        for trip in fresh:
            self._told[trip.name, trip.issue] = now
            log.error("%s: %s; %s", trip.name, trip.message, trip.help)
        if note := alert(self._config, fresh):
            log.warning("%s", note)
