"""The status of issues: each with its mailing's state and account, and the tripwires that went off."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from publisher.config.model import Config
from publisher.database import Database
from publisher.delivery import ledger, lock, mailings, tripwires
from publisher.delivery.endings import status_row
from publisher.delivery.mailings import Mailing
from publisher.delivery.prepare import ready_issues
from publisher.delivery.states import mailing_state
from publisher.delivery.tripwires import Tripped
from publisher.errors import UsageError


def statuses(config: Config, database: Database, slug: str | None = None) -> tuple[list[dict[str, Any]], list[Tripped]]:
    """A row for ``slug``, or for each issue there is a folder or a mailing of. Raises UsageError: no such issue."""
    from publisher.issue import discover

    known = discover(config.root)
    with database.connect() as connection:
        found = {mailing.slug: mailing for mailing in mailings.every_newest(connection)}
        if slug is not None and slug not in found and slug not in known:
            raise UsageError(
                f"there is no issue {slug}", help=f"the newest is {known[-1]}" if known else f"publisher new {slug}"
            )
        wanted = [slug] if slug is not None else sorted({*known, *found})
        rows, tripped = [], []
        for name in wanted:
            mailing = found.get(name)
            rows.append(_row(connection, database, name, mailing))
            if mailing is not None:
                tripped += tripwires.after_the_fact(connection, mailing)
    if slug is None:
        tripped += tripwires.overdue(ready_issues(config, without=found), found, config)
    return rows, tripped


def _row(connection: Connection, database: Database, slug: str, mailing: Mailing | None) -> dict[str, Any]:
    if mailing is None:
        return status_row(slug, None, None, mailing_state(None))
    account = mailings.account(connection, mailing.id)
    if database.dialect == "sqlite":
        busy = account.left > 0 and lock.is_held(database, slug)
    else:
        busy = ledger.at_work(connection, mailing.id)
    return status_row(slug, mailing, account, mailing_state(account, mailing.operator, at_work=busy))
