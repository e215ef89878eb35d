"""Run the readers' service under uvicorn, with connections that cannot starve it.

Heads, bodies and answers have deadlines, and each network has a share. uvicorn waits for a head for ever, and counts
who is silent against everybody. Here nobody is turned away for the silent: when there are too many connections, the
one that has kept the service waiting longest makes room.
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

MOST = 1000  # connections at once
SHARE = 64  # of one network. A proxy of FORWARDED_ALLOW_IPS passes on many people's requests and has no limit.
SECONDS = {"head": 10.0, "body": 20.0, "answer": 60.0}
"""How long a request's head may take, then its body, then the answer to it."""
GRACE = 10  # seconds that requests under way may take when the service is told to stop


def run(config: Config, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises UsageError where the port cannot be had."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    listener = listen(host, port)
    service = Service.open(config)
    bound = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    logging.getLogger("publisher.web").info("serving readers at http://%s:%d/", shown, bound)
    allow_files(4 * MOST)
    server_of(service).run(sockets=[listener])


def server_of(service: Service) -> uvicorn.Server:
    """The server, with its limits."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(service),
            http=Connection,
            ws="none",
            access_log=False,  # a path holds a token, and a token is somebody's
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=GRACE,
            limit_concurrency=2 * MOST,  # never reached by connections; by requests that hang
            h11_max_incomplete_event_size=32 * 1024,
        )
    )


def allow_files(wanted: int) -> None:
    """Let this process open as many files as its connections need; many systems begin at 1,024."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UsageError where the port cannot be had."""
    with refusal(say("{host}:{port} cannot be listened on", host=host, port=port), say("choose another with --port")):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Named as TCP, or asyncio leaves TCP_NODELAY off, and every answer waits 40 ms for a delayed acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)  # whoever comes before the service is ready waits
    return listener


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

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; an answer to its beginning that is not there yet would be a second one."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)

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
