"""Local time: an issue with ``deliver_at`` reaches each reader at that time of their own day.

The moment of each recipient is frozen with it, as ``recipients.not_before``. Until then it waits: ``held`` keeps it
from every claim, so a claim costs the same however many wait.
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
"""Recipients whose time has come that a transaction frees: a fifth of a second in which other writers wait."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A time on a day, in each reader's zone; ``home`` is that of readers who chose none."""

    day: date
    at: time
    home: ZoneInfo
    expires_after: timedelta

    @classmethod
    def of(cls, config: Config, edition: Edition) -> LocalTime | None:
        """That of an issue with ``deliver_at``."""
        newsletter, expires_after = config.newsletter, config.publish.expires_after
        return cls(edition.date, edition.deliver_at, newsletter.zone, expires_after) if edition.deliver_at else None

    @property
    def opens(self) -> datetime:
        """The first moment in any time zone, which is UTC+14."""
        return datetime.combine(self.day, self.at, timezone(timedelta(hours=14)))

    @property
    def closes(self) -> datetime:
        """The last: UTC-12."""
        return datetime.combine(self.day, self.at, timezone(timedelta(hours=-12)))

    def instant(self, name: str | None = None) -> datetime:
        """The moment in a time zone: the first at which its clocks have come so far. Unknown names are the home's."""
        try:
            zone = ZoneInfo(name) if name else self.home
        except (KeyError, ValueError, OSError):  # a database of time zones that is older than the importing machine's
            zone = self.home
        wanted = datetime.combine(self.day, self.at)
        first, last = (wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
        if last.astimezone(zone).replace(tzinfo=None) == wanted:
            return last  # of the two of an overlap, fold 0 is the first
        while last - first > timedelta(seconds=1):  # a gap: its end is the first second beyond what was wanted
            middle = first + timedelta(seconds=(last - first) // timedelta(seconds=2))
            beyond = middle.astimezone(zone).replace(tzinfo=None) >= wanted
            first, last = (first, middle) if beyond else (middle, last)
        return last

    def moments(self, connection: Connection) -> dict[datetime, list[str]]:
        """The moments at which somebody's time comes, with the zones of readers; of home there may be no name."""
        found = defaultdict[datetime, list[str]](list, {self.instant(): []})
        for name in connection.execute(select(subscribers.c.timezone).distinct()).scalars():
            if name:
                found[self.instant(name)].append(name)
        return dict(sorted(found.items()))

    def moment(self, connection: Connection) -> ColumnElement[datetime]:
        """Each subscriber's moment, as SQL."""
        named = [(subscribers.c.timezone.in_(zones), at) for at, zones in self.moments(connection).items() if zones]
        home = literal(self.instant(), Instant)
        return case(*((test, literal(at, Instant)) for test, at in named), else_=home) if named else home


def local_time_of(config: Config, edition: Edition, now: datetime | None = None) -> LocalTime | None:
    """When to mail an issue; None: at once, as where its time expired everywhere and somebody sends it all the same."""
    found = LocalTime.of(config, edition)
    return found if found and (now or datetime.now(UTC)) - found.expires_after <= found.closes else None


def wake(connection: Connection, mailing_id: int, now: datetime, expires_after: timedelta | None) -> int:
    """Free recipients whose time has come, and exclude them where it passed too long ago; how many, of one batch."""
    r = recipients.c
    due = select(r.number).where(r.mailing_id == mailing_id, WAITS, r.not_before <= now).order_by(r.not_before)
    batch = due.limit(BATCH).with_for_update(skip_locked=True)  # SQLite has one writer, and leaves this out
    late = false() if expires_after is None else r.not_before < now - expires_after
    values = {
        "held": 0,
        "state": case((late, RecipientState.EXCLUDED), else_=r.state),
        "reason": case((late, Exclusion.EXPIRED), else_=r.reason),
    }
    chosen = update(recipients).where(r.mailing_id == mailing_id, WAITS, r.number.in_(batch))
    return connection.execute(chosen.values(values)).rowcount
