"""Connections that cannot starve the service: deadlines for heads, bodies and answers, and a share for each network.

uvicorn waits for a head for ever, and counts who is silent against everybody. Here nobody is turned away for the
silent: when there are too many connections, the one that has kept the service waiting longest makes room.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from publisher.web.forms import asker

MOST = 1000
"""Connections at once."""
SHARE = 64
"""Of one network. A proxy of FORWARDED_ALLOW_IPS passes on many people's requests and has no limit."""
SECONDS = {"head": 10.0, "body": 20.0, "answer": 60.0}
"""How long a request's head may take, then its body, then the answer to it."""


class Connection(H11Protocol):
    """One connection."""

    asker = ""
    since = 0.0
    _stage: tuple[str, Any] | None = None
    _deadline: asyncio.TimerHandle | None = None

    @property
    def stage(self) -> str:
        """What is awaited: ``head`` and ``body`` from the client, ``answer`` from us."""
        if self.cycle is None or self.cycle.response_complete:
            return "head"
        return "body" if self.cycle.more_body else "answer"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the place, or somebody's who is silent."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        self.asker = asker(host)
        self._watch()
        everybody = [other for other in self.connections if isinstance(other, Connection)]
        neighbours = [other for other in everybody if other.asker == self.asker]
        if len(neighbours) > SHARE and host not in _proxies(str(self.config.forwarded_allow_ips)):
            _make_room(neighbours)
        elif len(everybody) > MOST:
            _make_room(everybody)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in, and see what is awaited now."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """The next head is awaited."""
        super().on_response_complete()
        self._watch()

    def drop(self) -> None:
        """Hang up."""
        self.connections.discard(self)
        self.transport.abort()

    def _watch(self) -> None:
        if self._stage == (self.stage, self.cycle):
            return
        self._stage, self.since = (self.stage, self.cycle), self.loop.time()
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(SECONDS[self.stage], self.drop)


def _make_room(connections: list[Connection]) -> None:
    """Drop the one that has been silent longest; the newest is silent too, so there is one."""
    min((one for one in connections if one.stage != "answer"), key=lambda one: one.since).drop()


@cache
def _proxies(setting: str) -> Any:
    return ProxyHeadersMiddleware(lambda *_: asyncio.sleep(0), setting).trusted_hosts
