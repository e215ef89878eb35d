"""Postmark's HTTP API: client, refusals as one line, suppression list. No address or token is part of a message."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from publisher.audience.suppressions import Reason
from publisher.config.values import LOOPBACK
from publisher.errors import ServiceError, TransportError
from publisher.providers.outcomes import in_words
from publisher.providers.provider import SuppressionList

URL = "https://api.postmarkapp.com"
TOKEN, ACCOUNT_TOKEN = "PUBLISHER_POSTMARK_TOKEN", "PUBLISHER_POSTMARK_ACCOUNT_TOKEN"
PAGE = 50
"""Addresses a call of the suppression list: Postmark's limit."""


def make_client(*, connections: int = 1, seconds: float = 60.0) -> httpx.Client:
    """A client with the server's token, for threads to share. Raises TransportError where there is none.

    Nothing is tried twice: a request that was taken may not come again.
    """
    url = os.environ.get("PUBLISHER_POSTMARK_URL") or URL
    if not (token := os.environ.get(TOKEN, "").strip()):
        raise TransportError("there is no token for Postmark", help=f"set {TOKEN} to the server's API token")
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise TransportError(f"the token would go to {parts.hostname} in the clear", help="begin the URL with https://")
    if not (token.isascii() and token.isprintable()):
        raise TransportError(f"{TOKEN} holds characters that no token has", help="copy it anew from Postmark's console")
    return httpx.Client(
        base_url=url,
        headers={"Accept": "application/json", "X-Postmark-Server-Token": token},
        timeout=httpx.Timeout(seconds, connect=10.0),
        limits=httpx.Limits(max_connections=connections),
        follow_redirects=False,
    )


def ask(client: httpx.Client, method: str, path: str, what: str, **more: Any) -> Any:
    """The JSON of a question that is harmless to repeat. Raises ServiceError; ``what`` names the thing asked for."""
    try:
        answer = client.request(method, path, **more)
        body = answer.json() if answer.content else {}
    except (httpx.HTTPError, ValueError) as error:
        raise ServiceError(f"{what}: {type(error).__name__}", help="is the network up?") from error
    if answer.is_success:
        return body
    code = body.get("ErrorCode") if isinstance(body, dict) else None
    if answer.status_code == 401 or code == 10:
        raise ServiceError("Postmark refuses the token", help=f"set {TOKEN} to the server's API token")
    said = str(body.get("Message", "")) if isinstance(body, dict) else ""
    raise ServiceError(f"{what}: {in_words(f'Postmark answers {answer.status_code}', said)}")


def stream_path(stream: str) -> str:
    """The path of a message stream."""
    return f"/message-streams/{quote(stream, safe='')}"


class PostmarkSuppressionList(SuppressionList):
    """The list of a message stream: https://postmarkapp.com/developer/api/suppressions-api.

    See :class:`~publisher.providers.provider.SuppressionList`. What we add, Postmark calls ManualSuppression.
    """

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
