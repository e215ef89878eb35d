"""The interface of a provider: one base class whose defaults are those of a provider without optional features.

A provider's package defines a subclass and names it ``PROVIDER``. It imports its own libraries inside methods.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeVar

from publisher.audience.address import AddressError, read_address
from publisher.audience.suppressions import Reason, all_suppressions, erased_among
from publisher.audience.suppressions import suppress as put
from publisher.config.model import Config
from publisher.database import Database
from publisher.diagnostics import say
from publisher.mail.message import Composed, Envelope
from publisher.providers.events import Event, EventError
from publisher.providers.outcomes import Outcome

PATIENCE = 8.0
"""Seconds that one check of ``publisher doctor`` may take."""


class Level(StrEnum):
    """Result of a check."""

    OK = "ok"
    WARNING = "warning"  # mail goes out, and something may go wrong later
    FAULT = "fault"  # readers would not get mail, or could not unsubscribe
    SKIPPED = "skipped"  # does not apply here; the message says why


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check of ``publisher doctor``. ``help`` is a command or an edit; ``check`` is the check's name."""

    check: str = field(default="", kw_only=True)  # set by the caller
    level: Level
    message: str
    help: str | None = None


# Each takes the message, and optionally the help.
ok = partial(Finding, Level.OK)
warning = partial(Finding, Level.WARNING)
fault = partial(Finding, Level.FAULT)
skipped = partial(Finding, Level.SKIPPED)

Question = Callable[[], Finding]
"""A check of ``publisher doctor``. Raises ServiceError if the service does not answer."""
TakeIn = Callable[[Sequence[str]], None]
"""Commits the given bodies; if it raises, they stay in the queue."""
Pull = Callable[[TakeIn, bool], Iterator[int]]
"""Applies a queue's events, endlessly if the flag is True; yields the messages per batch. Raises ServiceError."""

About = TypeVar("About")


def by_name(questions: Iterable[Callable[[About], Finding]], about: About) -> dict[str, Question]:
    """Bind ``questions`` to ``about``; the keys are the functions' names with hyphens."""
    return {question.__name__.replace("_", "-"): partial(question, about) for question in questions}


class WebhookRefusedError(Exception):
    """Webhook request that failed its checks. ``status`` and ``reason`` are the HTTP answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Notice:
    """Webhook request that passed its checks.

    ``id`` is equal for repeats of the request by the provider, or empty. ``fault`` is why the body could not be
    read. ``note`` is the log message for a request that is not about any message.
    """

    events: tuple[Event, ...] = ()
    id: str = ""
    fault: str = ""
    note: str = ""


class Webhook(Protocol):
    """Endpoint for a provider's events: ``/webhooks/<name>``, with at most ``limit`` bytes per body."""

    name: str
    limit: int

    def believe(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Check a request; the names of ``headers`` are in lower case. This may wait seconds for the network.

        Raises WebhookRefusedError, and ServiceError if the provider should try again.
        """
        ...


class SuppressionList(ABC):
    """Provider's own list of addresses that it never mails. All methods raise ServiceError."""

    @abstractmethod
    def entries(self) -> Iterator[list[tuple[str, str]]]:
        """Yield pages of addresses, each with the provider's reason."""

    @abstractmethod
    def add(self, entries: Iterable[tuple[str, Reason]]) -> int:
        """Add addresses with the reason bounce or complaint. Return their number. Safe to repeat."""

    def pull(self, database: Database, title: str) -> tuple[int, int]:
        """Suppress the addresses on the list of provider ``title``. Return their number and how many were new here."""
        seen = new = 0
        for page in self.entries():
            keys: dict[str, str] = {}
            for address, reason in page:
                with suppress(AddressError):  # the list may have addresses that no subscriber can have
                    keys[read_address(address).mailbox_key] = reason
            seen += len(page)
            with database.begin() as connection:
                for key in sorted(keys.keys() - erased_among(connection, keys)):
                    new += put(connection, key, Reason.PROVIDER, f"{title}: {keys[key]}".strip())
        return seen, new

    def push(self, database: Database) -> int:
        """Add the addresses that bounced or complained here. Return their number. Safe to repeat.

        Suppressions by an operator are not added: providers have no reason code for them.
        """
        told = {Reason.BOUNCE, Reason.COMPLAINT}
        with database.connect() as connection:
            found = [(s.mailbox_key, s.reason) for s in all_suppressions(connection) if s.reason in told]
        return self.add(found)


@dataclass(frozen=True, slots=True)
class Quota:
    """Provider's limits: recipients per second, and recipients left today. None means no limit."""

    rate: float | None = None
    left_today: int | None = None
    note: str = ""  # for the operator
    paused: bool = False  # the account's sending is switched off
    shutdown: bool = False  # the provider has shut the account down
    sandbox: bool = False  # only verified addresses get mail


class Transport(Protocol):
    """Submits messages to a provider and returns an :class:`Outcome` per recipient, never an exception.

    ``name`` is used in messages; transports with the same ``account`` share a quota. ``most`` is the largest batch
    per call, ``parallel`` the number of concurrent calls, each from its own thread. An optional attribute ``relays
    = True`` means that its answers may be those of the receiving servers.
    """

    name: str
    account: str
    most: int
    parallel: int

    def open(self, composed: Composed) -> Quota:
        """Prepare for the messages of ``composed``. Raises TransportError if nothing can be sent at all."""
        ...

    def quota(self) -> Quota:
        """Return the provider's current limits; the default is no limit. Raises TransportError."""
        return Quota()

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Submit a message to each envelope, at most once. Return the outcomes in the same order."""
        ...

    def close(self) -> None:
        """Close connections, if any."""
        return


class Provider(ABC):
    """Service that accepts messages. ``name`` is its ``delivery.transport``, ``title`` its name in messages."""

    name: ClassVar[str]
    title: ClassVar[str]
    tells: ClassVar[bool] = False
    """Whether it reports events after submission."""
    endings: ClassVar[Mapping[str, tuple[str, str]]] = MappingProxyType({})
    """Meaning and action for each outcome code that ends a run."""
    event_keys: ClassVar[frozenset[str]] = frozenset()
    """A JSON object with one of these keys is an event of this provider, or wraps one."""
    spf: ClassVar[str] = "a mx"
    """Mechanisms that an SPF record needs for this provider; ``include:…`` is checked."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @abstractmethod
    def transport(self, *, single: bool = False) -> Transport:
        """Return a transport; with ``single``, one that takes whole messages, one at a time."""

    def written(self, slug: str) -> Path | None:  # noqa: ARG002
        """Return the folder of an issue's messages; None if they leave this machine."""
        return None

    def envelope_domain(self, domain: str) -> str | None:
        """Return the envelope sender's domain if ``newsletter.from`` has ``domain``; None: the provider's own."""
        return domain

    def questions(self) -> Mapping[str, Question]:
        """Return the checks of ``publisher doctor``, by name."""
        return {}

    def webhook(self) -> Webhook | None:
        """Return the endpoint for its events; None if it is not configured."""
        return None

    def queue(self, url: str | None = None) -> Pull | None:  # noqa: ARG002
        """Return the function that applies events from its queue (at ``url``); None if there is no queue."""
        return None

    def suppression_list(self) -> SuppressionList | None:
        """Return its suppression list; None if it has none. Raises ServiceError."""
        return None

    @classmethod
    def events_of(cls, value: Any) -> tuple[Event, ...]:
        """Return the events in a JSON object with one of ``event_keys``. Raises EventError."""
        raise EventError(say("{name} reports no events such as {kind}", name=cls.name, kind=type(value).__name__))
