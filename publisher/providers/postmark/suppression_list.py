"""The suppression list of a message stream: https://postmarkapp.com/developer/api/suppressions-api."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from publisher.audience.suppressions import Reason
from publisher.errors import ServiceError
from publisher.providers.postmark.api import ask, make_client, stream_path

PAGE = 50
"""Addresses a call: Postmark's limit."""


class PostmarkSuppressionList:
    """See :class:`~publisher.providers.provider.SuppressionList`. What we add, Postmark calls ManualSuppression."""

    def __init__(self, stream: str) -> None:
        self._path = f"{stream_path(stream)}/suppressions"

    def entries(self) -> Iterator[list[tuple[str, str]]]:
        """All of them: Postmark gives the list as a whole."""
        with closing(make_client()) as client:
            answer = ask(client, "GET", f"{self._path}/dump", "Postmark's suppression list cannot be read")
        yield [(str(one["EmailAddress"]), str(one["SuppressionReason"])) for one in answer["Suppressions"]]

    def add(self, entries: Iterable[tuple[str, Reason]]) -> int:
        """Put them on the list, fifty a call."""
        addresses, failed = [address for address, _ in entries], 0
        with closing(make_client()) as client:
            for at in range(0, len(addresses), PAGE):
                wanted = {"Suppressions": [{"EmailAddress": address} for address in addresses[at : at + PAGE]]}
                answer = ask(client, "POST", self._path, "Postmark's suppression list cannot be written", json=wanted)
                failed += sum(one.get("Status") == "Failed" for one in answer["Suppressions"])
        if failed:
            raise ServiceError(f"Postmark did not take {failed} of {len(addresses)} addresses", help="run it again")
        return len(addresses)
