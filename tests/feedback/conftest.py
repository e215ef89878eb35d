"""A real ledger for feedback: subscribers, a frozen mailing, claims and outcomes as a sender makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from publisher.audience import store as audience
from publisher.audience.address import read_address
from publisher.audience.model import ConsentSource
from publisher.audience.suppressions import all_suppressions
from publisher.audience.tables import subscribers
from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.delivery.freeze import freeze
from publisher.delivery.ledger import Ledger
from publisher.delivery.mailings import Mailing, newest
from publisher.delivery.mailings import account as account_of
from publisher.delivery.states import Account
from publisher.delivery.tables import recipients
from publisher.edition.model import Slotted
from publisher.feedback.apply import Applied, Applier
from publisher.mail.message import MailContent
from publisher.providers import read_events
from publisher.providers.outcomes import Outcome, Verdict, submitted

SLUG = "2026-05-04-weekly"


@dataclass
class Room:
    """A newsletter's database, with short cuts for tests."""

    config: Config
    database: Database

    def subscribe(self, *addresses: str) -> None:
        with self.database.begin() as connection:
            for address in addresses:
                audience.add(connection, read_address(address), how=ConsentSource.IMPORT)

    def freeze(self, slug: str = SLUG) -> Mailing:
        body = Slotted(("hello",))
        letter = MailContent(slug, "Weekly", body, "en", "sha256:0", None, body, body)
        with self.database.begin() as connection:
            return freeze(connection, letter)

    def send(
        self, mailing: Mailing, outcome: Callable[[str], Outcome] = lambda recipient: submitted(recipient)
    ) -> None:
        """Claim everybody and record ``outcome(recipient id)``; message ids are ``m-<recipient id>``."""
        ledger = Ledger(self.database, mailing)
        ledger.open()
        claims = ledger.record_and_claim([], 1000, 2).claims
        found = [(claim, outcome(f"m-{mailing.recipient(claim.number)}")) for claim in claims]
        ledger.record_and_claim(found)
        ledger.close()

    def recipients(self, mailing: Mailing) -> dict[str, str]:
        """Recipient ids by address, in the order of the mailing."""
        query = (
            select(subscribers.c.address, recipients.c.number)
            .join(recipients, recipients.c.reference == subscribers.c.reference)
            .where(recipients.c.mailing_id == mailing.id)
            .order_by(recipients.c.number)
        )
        with self.database.connect() as connection:
            return {address: mailing.recipient(number) for address, number in connection.execute(query)}

    def newest(self, slug: str) -> Mailing:
        with self.database.connect() as connection:
            found = newest(connection, slug)
        assert found is not None
        return found

    def recipients_of(self, slug: str) -> dict[str, str]:
        return self.recipients(self.newest(slug))

    def apply(self, *lines: str) -> Applied:
        applier = Applier(self.database, self.config)
        applier.apply([event for line in lines for event in read_events(line)])
        applier.settle_waiting()
        return applier.applied

    def account(self, slug: str = SLUG) -> Account:
        mailing = self.newest(slug)
        with self.database.connect() as connection:
            return account_of(connection, mailing.id)

    def suppressed(self) -> dict[str, str]:
        with self.database.connect() as connection:
            return {s.mailbox_key: s.reason.value for s in all_suppressions(connection)}


def uncertain(_recipient: str) -> Outcome:
    return Outcome(Verdict.UNCERTAIN, "ReadTimeoutError")


def open_room(folder: Path) -> Room:
    (folder / "issues").mkdir(parents=True, exist_ok=True)
    newsletter = {"name": "Weekly", "url": "https://news.example.com/", "from": "W <w@news.example.com>"}
    config = Config.model_validate({"newsletter": newsletter}).model_copy(update={"root": folder})
    return Room(config, open_database(config))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    found = open_room(tmp_path)
    yield found
    found.database.close()
