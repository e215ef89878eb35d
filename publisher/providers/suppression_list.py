"""What we suppress and what a provider suppresses, each told to the other."""

from __future__ import annotations

from publisher.audience.address import AddressError, read_address
from publisher.audience.forgetting import forgotten_among
from publisher.audience.suppressions import Reason, all_suppressions, suppress
from publisher.database import Database
from publisher.providers.provider import SuppressionList


def pull(database: Database, theirs: SuppressionList, title: str) -> tuple[int, int]:
    """Suppress whom the provider suppresses; how many there are, and how many were new here. Raises ServiceError."""
    seen = new = 0
    for page in theirs.entries():
        keys: dict[str, str] = {}
        for address, reason in page:
            try:
                keys[read_address(address).mailbox_key] = reason
            except AddressError:
                continue  # providers take addresses that no subscriber of ours can have
        seen += len(page)
        with database.begin() as connection:
            for key in sorted(keys.keys() - forgotten_among(connection, keys)):
                new += suppress(connection, key, Reason.PROVIDER, f"{title}: {keys[key]}".strip())
    return seen, new


def push(database: Database, theirs: SuppressionList) -> int:
    """Tell the provider who bounced or complained here; how many. Safe to repeat. Raises ServiceError.

    What an operator suppressed by hand stays here: a provider knows no reason for it.
    """
    told = {Reason.BOUNCE, Reason.COMPLAINT}
    with database.connect() as connection:
        found = [(s.mailbox_key, s.reason) for s in all_suppressions(connection) if s.reason in told]
    return theirs.add(found)
