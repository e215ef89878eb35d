"""The status of issues: each with its mailing's state and account, and the tripwires that went off."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from publisher.config.model import Config
from publisher.database import Database
from publisher.delivery import mailings, tripwires
from publisher.delivery.endings import status_row
from publisher.delivery.ledger import at_work
from publisher.delivery.mailings import Mailing
from publisher.delivery.states import mailing_state
from publisher.delivery.tripwires import Tripped
from publisher.issue import Reading, Status, discover, read_issue
from publisher.proofing import refuse_unknown


@dataclass(frozen=True, slots=True)
class Statuses:
    """A row an issue, the tripwires that went off, and the issues whose files cannot be read."""

    rows: list[dict[str, Any]]
    tripped: list[Tripped]
    broken: list[Reading]


def statuses(config: Config, database: Database, slug: str | None = None) -> Statuses:
    """Of ``slug``, or of each issue there is a folder or a mailing of. Raises UsageError: no such issue.

    Without ``slug`` the files of those that have a mailing are not read: they may have changed since as they like.
    """
    known = discover(config.root)
    with database.connect() as connection:
        found = {mailing.slug: mailing for mailing in mailings.every_newest(connection)}
        if slug is not None:
            refuse_unknown(config, slug, also=found)
        wanted = [slug] if slug is not None else sorted({*known, *found})
        rows: list[dict[str, Any]] = []
        tripped: list[Tripped] = []
        for name in wanted:
            mailing = found.get(name)
            rows.append(_row(connection, database, name, mailing))
            if mailing is not None:
                tripped += tripwires.after_the_fact(connection, mailing)
    if slug is None:
        read = readings(config, without=found)
        tripped += tripwires.overdue(ready_issues(read), found, config)
    else:
        read = [read_issue(config, slug)] if slug in known else []
    return Statuses(rows, tripped, [reading for reading in read if reading.issue is None])


def readings(config: Config, without: Collection[str] = ()) -> list[Reading]:
    """Every issue as far as it can be read, but for those in ``without``."""
    return [read_issue(config, slug) for slug in discover(config.root) if slug not in without]


def ready_issues(found: Sequence[Reading]) -> list[tuple[str, date, datetime | None]]:
    """Slug, date and ``publish_at`` of each ready issue that can be read."""
    issues = ((reading.slug, reading.issue) for reading in found)
    return [(slug, i.date, i.publish_at) for slug, i in issues if i is not None and i.status is Status.READY]


def _row(connection: Connection, database: Database, slug: str, mailing: Mailing | None) -> dict[str, Any]:
    if mailing is None:
        return status_row(slug, None, None, mailing_state(None))
    account = mailings.account(connection, mailing.id)
    busy = at_work(database, connection, mailing)
    return status_row(slug, mailing, account, mailing_state(account, mailing.operator, at_work=busy))
