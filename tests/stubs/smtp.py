"""A relay on loopback that takes messages over real SMTP, with faults to order."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

_ID = re.compile(rb"^Message-ID: <([0-9a-f]{8}-[0-9]+)\.", re.MULTILINE | re.IGNORECASE)


@dataclass
class Relay:
    """``accepted``: to whom, and our recipient id. ``answer`` is given to every message, ``refused`` to a recipient;
    ``lost`` is the share of messages that are taken and not answered; each takes ``seconds``.
    """

    accepted: list[tuple[str, str]] = field(default_factory=list)
    answer: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    lost: float = 0.0
    seconds: float = 0.0
    chance: random.Random = field(default_factory=random.Random)
    port: int = 0
    _controller: Any = None

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if said := self.answer or self.refused.get(address):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        found = _ID.search(envelope.content)
        self.accepted.append((envelope.rcpt_tos[0], found[1].decode() if found else ""))
        await asyncio.sleep(self.seconds)
        if self.chance.random() < self.lost:
            server.transport.abort()
        return "250 2.0.0 Ok"

    def __enter__(self) -> Relay:
        if not self.port:  # aiosmtpd's trial connection goes to the port that it was given: choose one for it
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
