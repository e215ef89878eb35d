"""Local time: an issue with ``deliver_at`` is mailed to each recipient at that time in their time zone.

Each recipient's time is frozen as ``recipients.not_before``. Until then ``held`` excludes the row from all claims,
so the cost of a claim does not depend on how many recipients wait.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, case, false, literal, select, update

from publisher.audience.tables import subscribers
from publisher.config.model import Config
from publisher.database.metadata import Instant
from publisher.delivery.states import Exclusion, RecipientState
from publisher.delivery.tables import WAITS, recipients
from publisher.edition.model import Edition

BATCH = 5_000
"""Recipients freed per transaction: other writers wait a fifth of a second."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Time on a day, in each subscriber's time zone; ``home`` is the zone of subscribers without one."""

    day: date
    at: time
    home: ZoneInfo
    expires_after: timedelta

    @classmethod
    def of(cls, config: Config, edition: Edition) -> LocalTime | None:
        """Return the local time of an issue; None without ``deliver_at``."""
        newsletter, expires_after = config.newsletter, config.publish.expires_after
        return cls(edition.date, edition.deliver_at, newsletter.zone, expires_after) if edition.deliver_at else None

    @property
    def opens(self) -> datetime:
        """The earliest such time in any zone, which is UTC+14."""
        return datetime.combine(self.day, self.at, timezone(timedelta(hours=14)))

    @property
    def closes(self) -> datetime:
        """The latest such time in any zone, which is UTC-12."""
        return datetime.combine(self.day, self.at, timezone(timedelta(hours=-12)))

    def instant(self, name: str | None = None) -> datetime:
        """Return the first instant at which clocks in zone ``name`` show the time. Unknown names mean ``home``."""
        try:
            zone = ZoneInfo(name) if name else self.home
        except (KeyError, ValueError, OSError):  # the importing machine's time zone database may be newer
            zone = self.home
        wanted = datetime.combine(self.day, self.at)
        first, last = (wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
        if last.astimezone(zone).replace(tzinfo=None) == wanted:
            return last  # in an overlap, fold 0 is the earlier instant
        while last - first > timedelta(seconds=1):  # in a gap: bisect for its end
            middle = first + timedelta(seconds=(last - first) // timedelta(seconds=2))
            beyond = middle.astimezone(zone).replace(tzinfo=None) >= wanted
            first, last = (first, middle) if beyond else (middle, last)
        return last

    def moments(self, connection: Connection) -> dict[datetime, list[str]]:
        """Return the instants for all subscribers, each with its zone names; that of ``home`` may have none."""
        found = defaultdict[datetime, list[str]](list, {self.instant(): []})
        for name in connection.execute(select(subscribers.c.timezone).distinct()).scalars():
            if name:
                found[self.instant(name)].append(name)
        return dict(sorted(found.items()))

    def moment(self, connection: Connection) -> ColumnElement[datetime]:
        """Return each subscriber's instant as an SQL expression."""
        named = [(subscribers.c.timezone.in_(zones), at) for at, zones in self.moments(connection).items() if zones]
        home = literal(self.instant(), Instant)
        return case(*((test, literal(at, Instant)) for test, at in named), else_=home) if named else home


def local_time_of(config: Config, edition: Edition, now: datetime | None = None) -> LocalTime | None:
    """Return an issue's local time; None (mail it at once) without ``deliver_at`` or if that has expired everywhere."""
    found = LocalTime.of(config, edition)
    return found if found and (now or datetime.now(UTC)) - found.expires_after <= found.closes else None


def wake(connection: Connection, mailing_id: int, now: datetime, expires_after: timedelta | None) -> int:
    """Free one batch of recipients whose time has come, or exclude them if it passed too long ago. Return how many."""
    r = recipients.c
    due = select(r.number).where(r.mailing_id == mailing_id, WAITS, r.not_before <= now).order_by(r.not_before)
    batch = due.limit(BATCH).with_for_update(skip_locked=True)  # ignored by SQLite, which has one writer
    late = false() if expires_after is None else r.not_before < now - expires_after
    values = {
        "held": 0,
        "state": case((late, RecipientState.EXCLUDED), else_=r.state),
        "reason": case((late, Exclusion.EXPIRED), else_=r.reason),
    }
    chosen = update(recipients).where(r.mailing_id == mailing_id, WAITS, r.number.in_(batch))
    return connection.execute(chosen.values(values)).rowcount
