"""Amazon SES's own account-level suppression list: learn from it, and teach it.

https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html. SES mails nobody on it, charges for the
try and counts it as a bounce; so whoever is there is better never mailed from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from publisher.audience.address import AddressError, read_address
from publisher.audience.forgetting import forgotten_among
from publisher.audience.suppressions import Reason, all_suppressions, suppress
from publisher.database import Database
from publisher.providers.ses.aws import client, patiently

PAGE = 1000
"""Entries a call: SES's own limit."""
_REASONS = {Reason.BOUNCE: "BOUNCE", Reason.COMPLAINT: "COMPLAINT"}


def open_list(region: str | None) -> Any:
    """A client for the list. Raises ServiceError."""
    return client("sesv2", region)


def pull(database: Database, ses: Any, *, sleep: Callable[[float], None] = time.sleep) -> tuple[int, int]:
    """Suppress whom SES suppresses; how many there are, and how many were new here. Raises ServiceError."""
    seen = new = 0
    for page in _pages(ses, sleep):
        keys: dict[str, str] = {}
        for entry in page:
            try:
                keys[read_address(str(entry["EmailAddress"])).mailbox_key] = str(entry.get("Reason", ""))
            except AddressError:
                continue  # SES takes addresses that no subscriber of ours can have
        seen += len(page)
        with database.begin() as connection:
            for key in sorted(keys.keys() - forgotten_among(connection, keys)):
                new += suppress(connection, key, Reason.PROVIDER, f"SES: {keys[key]}".strip())
    return seen, new


def push(database: Database, ses: Any, *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Tell SES who bounced or complained here; how many. Safe to repeat. SES takes about one a second.

    What an operator suppressed by hand stays here: SES knows no reason for it. Raises ServiceError.
    """
    with database.connect() as connection:
        found = [(s.mailbox_key, _REASONS[s.reason]) for s in all_suppressions(connection) if s.reason in _REASONS]
    for address, reason in found:
        put = partial(ses.put_suppressed_destination, EmailAddress=address, Reason=reason)
        patiently("SES's suppression list cannot be written", put, sleep)
    return len(found)


def _pages(ses: Any, sleep: Callable[[float], None]) -> Iterator[list[dict[str, Any]]]:
    wanted: dict[str, Any] = {"Reasons": ["BOUNCE", "COMPLAINT"], "PageSize": PAGE}
    while True:
        answer = patiently(
            "SES's suppression list cannot be read",
            lambda: ses.list_suppressed_destinations(**wanted),
            sleep,
        )
        yield answer.get("SuppressedDestinationSummaries", [])
        if not answer.get("NextToken"):
            return
        wanted["NextToken"] = answer["NextToken"]
