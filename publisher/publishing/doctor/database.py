"""The database: reachable, writable, migrated (opening it migrates), and fit for how it is used."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text

from publisher.audience.tables import subscribers
from publisher.config.placeholders import unready
from publisher.database import open_database
from publisher.publishing.doctor.model import Finding, fault, ok
from publisher.publishing.doctor.world import World


def config(world: World) -> Finding:
    """Is config.yaml a real newsletter's?"""
    if found := unready(world.config):
        return fault("config", "; ".join(one.message for one in found), found[0].help)
    return ok("config", "names a real newsletter" if world.sends else "is read; the folder transport mails nobody")


def database(world: World) -> Finding:
    """Can it be opened and written? A failure is a DatabaseError, whose words are the finding."""
    opened = open_database(world.config)
    try:
        with opened.begin() as connection:
            # A write that changes nothing: a read-only database or a full disk shows here, not in mid-mailing.
            connection.execute(subscribers.update().where(subscribers.c.id < 0).values(name=""))
            if opened.dialect == "postgresql":
                now = connection.execute(
                    text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS float)")
                ).scalar_one()
                world.saw_clock("the database", datetime.fromtimestamp(now, UTC), datetime.now(UTC))
    finally:
        opened.close()
    return ok("database", f"{opened.url} is open, writable and up to date")
