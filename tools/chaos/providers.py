"""The three providers as servers on loopback, with one interface: what they accepted, and their faults."""

from __future__ import annotations

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from tests.stubs.postmark import TOKEN, PostmarkServer
from tests.stubs.ses import SesServer, Settings
from tests.stubs.smtp import Relay

_AFTER = ("reset-after", "close-after", "500-after", "truncated-after", "empty-after", "short-after")


class Stub(ABC):
    """``delivery`` is for config.yaml, ``environment`` for the commands. ``tells``: it has events of what it took."""

    name: str
    delivery: dict[str, Any]
    environment: dict[str, str]
    tells = True

    @property
    @abstractmethod
    def accepted(self) -> list[tuple[str, str]]:
        """The addressees of the messages that it accepted, with our recipient ids."""

    @property
    @abstractmethod
    def taken(self) -> int:
        """How many messages it accepted."""

    @abstractmethod
    def refuse(self, address: str) -> None:
        """Refuse this recipient from now on."""

    @abstractmethod
    def lose(self, share: float) -> None:
        """Accept this share of the calls without answering."""

    @abstractmethod
    def fail(self, *, failing: bool) -> None:
        """Answer every call with a server error, or stop doing so."""

    @abstractmethod
    def hang_up(self) -> None:
        """Refuse connections until :meth:`open`."""

    @abstractmethod
    def open(self) -> None:
        """Listen, at the same port each time."""

    @abstractmethod
    def events(self) -> Iterator[dict[str, Any]]:
        """The events for each message that it accepted."""


class Ses(Stub):
    name = "SES"

    def __init__(self) -> None:
        self._server = SesServer(Settings(render=False, latency=0.02))
        self.delivery = {"transport": "ses", "ses": {"region": "eu-west-1", "configuration_set": "newsletter"}}
        self.environment = {
            "AWS_ENDPOINT_URL_SESV2": self._server.url,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        self._server.__enter__()

    @property
    def accepted(self) -> list[tuple[str, str]]:
        return [(one.to, one.tags["recipient"]) for one in list(self._server.account.accepted)]

    @property
    def taken(self) -> int:
        return len(self._server.account.accepted)

    def refuse(self, address: str) -> None:
        self._server.account.change({"poison": [address]})

    def lose(self, share: float) -> None:
        self._server.account.change({"faults": dict.fromkeys(_AFTER, share / len(_AFTER)) if share else {}})

    def fail(self, *, failing: bool) -> None:
        self._server.account.change({"outage": {"status": 503} if failing else {}})

    def hang_up(self) -> None:
        self._server.__exit__()

    def open(self) -> None:
        account, port = self._server.account, self._server.server_address[1]
        self._server = SesServer(port=port)
        self._server.account = account
        self._server.__enter__()

    def events(self) -> Iterator[dict[str, Any]]:
        yield from self._server.account.events()


class Postmark(Stub):
    name = "Postmark"
    delivery = {"transport": "postmark", "postmark": {"stream": "broadcast"}}  # noqa: RUF012

    def __init__(self) -> None:
        self._server = PostmarkServer().__enter__()
        self._server.account.bodies = False
        self.environment = {"PUBLISHER_POSTMARK_URL": self._server.url, "PUBLISHER_POSTMARK_TOKEN": TOKEN}

    @property
    def accepted(self) -> list[tuple[str, str]]:
        return [(one["To"], one["Metadata"]["recipient"]) for one in list(self._server.account.accepted)]

    @property
    def taken(self) -> int:
        return len(self._server.account.accepted)

    def refuse(self, address: str) -> None:
        self._server.account.codes[address] = 406  # inactive recipient

    def lose(self, share: float) -> None:
        lost = [random.choice(_AFTER) if random.random() < share else "" for _ in range(5_000)]
        self._server.account.faults = lost if share else []

    def fail(self, *, failing: bool) -> None:
        self._server.account.refuse = (503, {}) if failing else None

    def hang_up(self) -> None:
        self._server.__exit__()

    def open(self) -> None:
        self._server.__enter__()

    def events(self) -> Iterator[dict[str, Any]]:
        for one in list(self._server.account.accepted):
            about = {"MessageID": one["MessageID"], "Recipient": one["To"], "Metadata": one["Metadata"]}
            yield {"RecordType": "Delivery", "DeliveredAt": "2026-11-29T00:00:00Z", **about}


class Smtp(Stub):
    name = "SMTP"
    tells = False

    def __init__(self) -> None:
        self._relay = Relay().__enter__()
        self.delivery = {"transport": "smtp", "smtp": {"host": "127.0.0.1", "port": self._relay.port}}
        self.environment = {}

    @property
    def accepted(self) -> list[tuple[str, str]]:
        return list(self._relay.accepted)

    @property
    def taken(self) -> int:
        return len(self._relay.accepted)

    def refuse(self, address: str) -> None:
        self._relay.refused[address] = "550 5.1.1 no such user"

    def lose(self, share: float) -> None:
        self._relay.lost = share / 20  # of messages; the others' is of calls

    def fail(self, *, failing: bool) -> None:
        self._relay.answer = "451 4.3.0 try later" if failing else ""

    def hang_up(self) -> None:
        self._relay.__exit__()

    def open(self) -> None:
        self._relay.__enter__()

    def events(self) -> Iterator[dict[str, Any]]:
        yield from ()


def lines(stub: Stub, chance: random.Random) -> str:
    """The events as a file for ``publisher events apply``: in no order, and every tenth twice."""
    told = [json.dumps(one) for one in stub.events()]
    told += told[::10]
    chance.shuffle(told)
    return "\n".join([*told, ""])
