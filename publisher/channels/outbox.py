"""The outbox of announcements: one row per issue and channel, entered when the mailing begins.

As in the ledger, a claim is committed before the call. A claim whose run died, or that got no answer, is uncertain, and
is posted again only if an operator says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, select, update

from publisher.channels.tables import announcements
from publisher.database.bulk import insert_once

LEASE = timedelta(minutes=15)
"""Longer than any call: a run without a result after this time counts as dead."""


class AnnouncementState(StrEnum):
    """State of an announcement."""

    PENDING = "pending"  # the mailing is not complete
    CLAIMED = "claimed"  # being posted, or its run died
    POSTED = "posted"
    REFUSED = "refused"  # certainly not posted: the next run tries again
    UNCERTAIN = "uncertain"  # may or may not have been posted


DOUBTFUL = (AnnouncementState.UNCERTAIN, AnnouncementState.REFUSED)
FREE = (AnnouncementState.PENDING, AnnouncementState.REFUSED)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One issue on one channel; ``reason`` is a code without any address."""

    slug: str
    channel: str
    state: AnnouncementState
    reason: str
    changed_at: datetime

    def as_object(self) -> dict[str, str]:
        """The announcement in the JSON of ``publish``, ``status`` and ``reconcile``."""
        at = self.changed_at.isoformat()
        return {"issue": self.slug, "channel": self.channel, "state": self.state, "reason": self.reason, "at": at}


c = announcements.c


def enter(connection: Connection, slug: str, channels: Iterable[str]) -> None:
    """Add an issue to the outbox, once per channel."""
    for channel in channels:
        fresh = {"state": AnnouncementState.PENDING, "reason": "", "changed_at": datetime.now(UTC)}
        insert_once(connection, announcements, {"slug": slug, "channel": channel, **fresh})


def entries(connection: Connection, slug: str | None = None) -> list[Announcement]:
    """The announcements of one issue, or of all."""
    query = select(*[c[field.name] for field in fields(Announcement)]).order_by(c.slug, c.channel)
    rows = connection.execute(query.where(c.slug == slug) if slug is not None else query)
    return [Announcement(row[0], row[1], AnnouncementState(row[2]), *row[3:]) for row in rows]


def recover(connection: Connection, age: timedelta = timedelta(0)) -> None:
    """Mark claims older than ``age``, whose runs have died, as uncertain."""
    dead = (c.state == AnnouncementState.CLAIMED) & (c.changed_at <= datetime.now(UTC) - age)
    _write(connection, dead, AnnouncementState.UNCERTAIN, "run-died")


def claim(connection: Connection, one: Announcement) -> bool:
    """Claim an announcement; False if another run has it."""
    return _write(connection, _this(one) & c.state.in_(FREE), AnnouncementState.CLAIMED) == 1


def record(connection: Connection, one: Announcement, state: AnnouncementState, reason: str) -> None:
    """Record the outcome of a claimed announcement."""
    open_ = c.state.in_((AnnouncementState.CLAIMED, AnnouncementState.UNCERTAIN))
    _write(connection, _this(one) & open_, state, reason)


def settle(connection: Connection, one: Announcement, *, posted: bool) -> bool:
    """Record an operator's decision: it was posted, or is to be posted again. False if it has changed since shown."""
    state = AnnouncementState.POSTED if posted else AnnouncementState.PENDING
    as_shown = (c.state == one.state) & (c.changed_at == one.changed_at)
    return _write(connection, _this(one) & as_shown, state, "operator") == 1


def _this(one: Announcement) -> ColumnElement[bool]:
    return (c.slug == one.slug) & (c.channel == one.channel)


def _write(connection: Connection, where: ColumnElement[bool], state: AnnouncementState, reason: str = "") -> int:
    values = {"state": state, "reason": reason[:80], "changed_at": datetime.now(UTC)}
    return connection.execute(update(announcements).where(where).values(values)).rowcount
