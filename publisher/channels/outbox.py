"""The outbox of announcements: a row an issue and channel, entered when its mailing begins.

As in the ledger, a claim is committed before the call. What was claimed by who died, or got no answer, is uncertain,
and only an operator has it posted again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, select, update

from publisher.channels.tables import announcements
from publisher.database.bulk import insert_once

LEASE = timedelta(minutes=15)
"""Longer than any call: who has recorded nothing by then is dead."""


class AnnouncementState(StrEnum):
    """What became of an announcement."""

    PENDING = "pending"  # its mailing is not complete
    CLAIMED = "claimed"  # about to be posted, or its run died
    POSTED = "posted"
    REFUSED = "refused"  # proved not posted: the next run tries again
    UNCERTAIN = "uncertain"  # nobody knows whether it was posted


DOUBTFUL = (AnnouncementState.UNCERTAIN, AnnouncementState.REFUSED)
FREE = (AnnouncementState.PENDING, AnnouncementState.REFUSED)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One issue on one channel; ``reason`` is a code, without any address."""

    slug: str
    channel: str
    state: AnnouncementState
    reason: str
    changed_at: datetime

    def as_object(self) -> dict[str, str]:
        """As the JSON of ``publish``, ``status`` and ``reconcile`` has it."""
        at = self.changed_at.isoformat()
        return {"issue": self.slug, "channel": self.channel, "state": self.state, "reason": self.reason, "at": at}


c = announcements.c
_COLUMNS = [c[field.name] for field in fields(Announcement)]


def enter(connection: Connection, slug: str, channels: Iterable[str]) -> None:
    """Put an issue into the outbox, once a channel."""
    for channel in channels:
        fresh = {"state": AnnouncementState.PENDING, "reason": "", "changed_at": datetime.now(UTC)}
        insert_once(connection, announcements, {"slug": slug, "channel": channel, **fresh})


def entries(connection: Connection, slug: str | None = None) -> list[Announcement]:
    """The announcements, of all issues or of one."""
    query = select(*_COLUMNS).order_by(c.slug, c.channel)
    rows = connection.execute(query.where(c.slug == slug) if slug is not None else query)
    return [Announcement(row[0], row[1], AnnouncementState(row[2]), *row[3:]) for row in rows]


def recover(connection: Connection, age: timedelta = timedelta(0)) -> None:
    """What was claimed before ``age``, by runs that are dead, is uncertain."""
    dead = (c.state == AnnouncementState.CLAIMED) & (c.changed_at <= datetime.now(UTC) - age)
    _write(connection, dead, AnnouncementState.UNCERTAIN, "run-died")


def claim(connection: Connection, one: Announcement) -> bool:
    """Claim it; False where somebody else has it."""
    return _write(connection, _this(one) & c.state.in_(FREE), AnnouncementState.CLAIMED) == 1


def record(connection: Connection, one: Announcement, state: AnnouncementState, reason: str) -> None:
    """Write what became of a claimed one."""
    open_ = c.state.in_((AnnouncementState.CLAIMED, AnnouncementState.UNCERTAIN))
    _write(connection, _this(one) & open_, state, reason)


def settle(connection: Connection, one: Announcement, *, posted: bool) -> bool:
    """An operator's word on an uncertain one: it is there, or it is to be posted again. False: it is not as it was."""
    state = AnnouncementState.POSTED if posted else AnnouncementState.PENDING
    as_shown = (c.state == one.state) & (c.changed_at == one.changed_at)
    return _write(connection, _this(one) & as_shown, state, "operator") == 1


def _this(one: Announcement) -> ColumnElement[bool]:
    return (c.slug == one.slug) & (c.channel == one.channel)


def _write(connection: Connection, where: ColumnElement[bool], state: AnnouncementState, reason: str = "") -> int:
    values = {"state": state, "reason": reason[:80], "changed_at": datetime.now(UTC)}
    return connection.execute(update(announcements).where(where).values(values)).rowcount
