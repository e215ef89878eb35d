"""Run the readers' service under uvicorn, with limits that keep slow connections from starving it.

Request heads, bodies and answers have deadlines, and each network has a share of the connections. uvicorn itself waits
for a head without limit, and counts idle connections against all clients. Here an idle connection costs no other client
its place: if there are too many, the one that has kept the service waiting longest is dropped.
"""

import asyncio
import logging
import socket
import sys
from functools import cache
from typing import Any

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from publisher.config import Config
from publisher.diagnostics import say
from publisher.errors import refusal
from publisher.web.app import create_app
from publisher.web.forms import asker
from publisher.web.service import Service

MOST = 1000  # concurrent connections
SHARE = 64  # connections per network; none for proxies in FORWARDED_ALLOW_IPS, which serve many clients
SECONDS = {"head": 10.0, "body": 20.0, "answer": 60.0}
"""Deadlines for a request's head, then its body, then the answer."""
GRACE = 10  # seconds that running requests may take at shutdown


def run(config: Config, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises UsageError if the port cannot be bound."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    listener = listen(host, port)
    service = Service.open(config)
    bound = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    logging.getLogger("publisher.web").info("serving readers at http://%s:%d/", shown, bound)
    allow_files(4 * MOST)
    server_of(service).run(sockets=[listener])


def server_of(service: Service) -> uvicorn.Server:
    """Return the uvicorn server with its limits."""
    return uvicorn.Server(uvicorn.Config(
        create_app(service), http=Connection, ws="none",
        access_log=False,  # a path holds a token, which identifies a person
        log_config=None, log_level="warning", server_header=False, timeout_graceful_shutdown=GRACE,
        limit_concurrency=2 * MOST,  # MOST bounds connections; this bounds requests that hang
        h11_max_incomplete_event_size=32 * 1024,
    ))  # fmt: skip


def allow_files(wanted: int) -> None:
    """Raise the soft limit on open files to what the connections need; many systems start at 1,024."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises UsageError if the port cannot be bound."""
    with refusal(say("{host}:{port} cannot be listened on", host=host, port=port), say("name another host or port")):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # IPPROTO_TCP, otherwise asyncio does not set TCP_NODELAY, and answers wait 40 ms for a delayed acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)  # clients that connect before the service is ready wait
    return listener


class Connection(H11Protocol):
    """HTTP connection with a deadline for each stage."""

    asker = ""
    since = 0.0
    _stage: tuple[str, Any] | None = None
    _deadline: asyncio.TimerHandle | None = None

    @property
    def stage(self) -> str:
        """What is awaited: ``head`` and ``body`` from the client, ``answer`` from the application."""
        if self.cycle is None or self.cycle.response_complete:
            return "head"
        return "body" if self.cycle.more_body else "answer"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline; drop another idle connection if there are too many."""
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
        """Cancel the deadline."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process data, and update the deadline."""
        super().data_received(data)
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Refuse invalid HTTP, unless an answer to the same request is in progress: a client must not get two."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)

    def on_response_complete(self) -> None:
        """Start the deadline for the next head."""
        super().on_response_complete()
        self._watch()

    def drop(self) -> None:
        """Abort the connection."""
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
    """Drop the connection that has kept us waiting longest; there is one, because the newest is waiting too."""
    min((one for one in connections if one.stage != "answer"), key=lambda one: one.since).drop()


@cache
def _proxies(setting: str) -> Any:
    return ProxyHeadersMiddleware(lambda *_: asyncio.sleep(0), setting).trusted_hosts
