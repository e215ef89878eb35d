"""Run the readers' service under uvicorn."""

from __future__ import annotations

import logging
import socket
import sys

import uvicorn

from publisher.config import Config
from publisher.errors import UsageError
from publisher.web.app import create_app
from publisher.web.connections import MOST, Connection
from publisher.web.service import Service

GRACE = 10
"""Seconds that requests under way may take when the service is told to stop."""


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
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Named as TCP, or asyncio leaves TCP_NODELAY off, and every answer waits 40 ms for a delayed acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)  # whoever comes before the service is ready waits
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}", help="choose another with --port"
        ) from error
    return listener
