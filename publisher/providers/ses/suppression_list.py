"""Amazon SES's own account-level suppression list.

https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html. SES mails nobody on it, charges for the
try and counts it as a bounce; so whoever is there is better never mailed from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from publisher.audience.suppressions import Reason
from publisher.providers.ses.aws import call, client

PAGE = 1000
"""Entries a call: SES's own limit."""
_REASONS = {Reason.BOUNCE: "BOUNCE", Reason.COMPLAINT: "COMPLAINT"}


class SesSuppressionList:
    """See :class:`~publisher.providers.provider.SuppressionList`. SES takes about one entry a second."""

    def __init__(self, region: str | None) -> None:
        self._ses = client("sesv2", region, attempts=8)

    def entries(self) -> Iterator[list[tuple[str, str]]]:
        """Whom SES suppresses after a bounce or a complaint."""
        wanted: dict[str, Any] = {"Reasons": ["BOUNCE", "COMPLAINT"], "PageSize": PAGE}
        while True:
            read = partial(self._ses.list_suppressed_destinations, **wanted)
            answer = call("SES's suppression list cannot be read", read)
            found = answer.get("SuppressedDestinationSummaries", [])
            yield [(str(entry["EmailAddress"]), str(entry.get("Reason", ""))) for entry in found]
            if not answer.get("NextToken"):
                return
            wanted["NextToken"] = answer["NextToken"]

    def add(self, entries: Iterable[tuple[str, Reason]]) -> int:
        """Put them on the list, one after another."""
        found = list(entries)
        for address, reason in found:
            put = partial(self._ses.put_suppressed_destination, EmailAddress=address, Reason=_REASONS[reason])
            call("SES's suppression list cannot be written", put)
        return len(found)
