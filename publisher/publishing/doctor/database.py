"""The database: reachable, writable, migrated (opening it migrates), and fit for how it is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from publisher.audience.backup import last_backup
from publisher.audience.tables import subscribers
from publisher.config.placeholders import unready
from publisher.database import open_database
from publisher.database.engine import clock, database_url
from publisher.delivery import mailings
from publisher.providers.findings import Finding, fault, ok, skipped, warning
from publisher.publishing.doctor.probes import Probes


def config(probes: Probes) -> Finding:
    """Is config.yaml a real newsletter's?"""
    if found := unready(probes.config):
        return fault("config", "; ".join(one.message for one in found), found[0].help)
    return ok(
        "config",
        "names a real newsletter" if probes.config.delivery.leaves else "is read; the folder transport mails nobody",
    )


def database(probes: Probes) -> Finding:
    """Can it be opened and written? A failure is a DatabaseError, whose words are the finding."""
    opened = open_database(probes.config)
    try:
        with opened.begin() as connection:
            # A write that changes nothing: a read-only database or a full disk shows here, not in mid-mailing.
            connection.execute(subscribers.update().where(subscribers.c.id < 0).values(name=""))
            if opened.dialect == "postgresql":
                probes.saw_clock("the database", datetime.fromtimestamp(clock(connection), UTC), datetime.now(UTC))
    finally:
        opened.close()
    return ok("database", f"{opened.url} is open, writable and up to date")


def backup(probes: Probes) -> Finding:
    """How old is the last backup that was made here?"""
    if database_url(probes.config).get_backend_name() != "sqlite":
        return skipped("backup", "the database is PostgreSQL: pg_dump, or its host, backs it up (docs/backup.md)")
    made = last_backup(probes.config)
    if made is None:
        found = "no publisher backup has been made here"
    elif (age := datetime.now(UTC) - made) > timedelta(days=8):
        found = f"the last backup is {age.days} days old"
    else:
        return ok("backup", f"the last was made {made.isoformat(sep=' ', timespec='minutes')}")
    opened = open_database(probes.config)
    try:
        with opened.connect() as connection:
            mails = probes.config.delivery.leaves and bool(mailings.every_newest(connection))
    finally:
        opened.close()
    return warning("backup", found, "publisher backup FILE, after each issue") if mails else ok("backup", found)
