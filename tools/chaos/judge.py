"""The end of a chaos run: events settle recipients, the rest is released and sent, then the account must be correct."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from publisher.database import Database
from publisher.delivery import mailings
from publisher.delivery.settle import release_uncertain, settle, uncertain
from publisher.delivery.states import Account
from publisher.providers.events import EventKind
from tests.delivery.world import SLUG


@dataclass(frozen=True)
class Verdict:
    """What came out."""

    account: Account
    accepted: int
    duplicates: int
    missing: int

    @property
    def fine(self) -> bool:
        """Nobody twice, nobody missing, the account sums to the audience with nothing left."""
        a = self.account
        return self.duplicates == self.missing == a.left == a.rejected == 0 and a.submitted + a.excluded == a.audience


def ask(url: str, path: str) -> Any:
    """What the stub says."""
    with urllib.request.urlopen(f"{url}{path}") as answer:
        return json.load(answer)


def tell(url: str, **settings: Any) -> None:
    """Change the stub's settings."""
    request = urllib.request.Request(f"{url}/stub/settings", json.dumps(settings).encode(), method="POST")
    urllib.request.urlopen(request).close()


def apply_events(database: Database, url: str) -> None:
    """Every Send event of the stub, twice and backwards."""
    events = ask(url, "/stub/events")
    for start in range(0, len(events), 5000):
        with database.begin() as connection:
            for event in [*events[start : start + 5000], *reversed(events[start : start + 5000])]:
                mail, now = event["mail"], datetime.now(UTC)
                recipient = mail["tags"]["recipient"][0]
                settle(connection, EventKind.SEND, now, recipient=recipient, message_id=mail["messageId"])


def release(database: Database) -> int:
    """Release what no event settled."""
    with database.begin() as connection:
        mailing = mailings.newest(connection, SLUG)
        return release_uncertain(connection, mailing.id, uncertain(connection, mailing.id)) if mailing else 0


def judge(database: Database, url: str) -> Verdict:
    """Compare the ledger with what the provider accepted."""
    with database.connect() as connection:
        mailing = mailings.newest(connection, SLUG)
        assert mailing is not None
        account = mailings.account(connection, mailing.id)
    summary = ask(url, "/stub/summary")
    duplicates = summary["accepted"] - summary["distinct"]
    return Verdict(account, summary["accepted"], duplicates, account.recipients - summary["distinct"])
