"""An operator's word about a mailing: pause, resume, cancel."""

from __future__ import annotations

from publisher.database import Database
from publisher.delivery import mailings
from publisher.delivery.states import Account
from publisher.errors import UsageError


def set_operator(database: Database, slug: str, wanted: str) -> Account:
    """Write it; the account at that moment. Raises UsageError where there is nothing to pause, resume or cancel."""
    with database.begin() as connection:
        mailing = mailings.newest(connection, slug)
        if mailing is None:
            raise UsageError(f"nothing of {slug} has been frozen", help="publisher status lists the mailings")
        account = mailings.account(connection, mailing.id)
        if mailing.operator == mailings.CANCELLED and wanted != mailings.CANCELLED:
            raise UsageError(f"{slug} is cancelled for good", help=f"publisher send {slug} mails those not reached yet")
        if account.left == 0 and wanted != mailings.GOING:
            raise UsageError(f"{slug} is done: nothing is left to stop", help=f"publisher status {slug}")
        mailings.set_operator(connection, mailing.id, wanted)
        return account
