"""What the rest of the package may ask of a provider: one class, whose answers are those of one that can do nothing.

A provider's folder defines a subclass and names it ``PROVIDER``. Its own libraries load inside methods, when asked.
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
from publisher.audience.suppressions import Reason, all_suppressions, forgotten_among
from publisher.audience.suppressions import suppress as put
from publisher.config.model import Config
from publisher.database import Database
from publisher.diagnostics import say
from publisher.mail.message import Composed, Envelope
from publisher.providers.events import Event, EventError
from publisher.providers.outcomes import Outcome

PATIENCE = 8.0
"""Seconds that one question of ``publisher doctor`` may take."""


class Level(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    WARNING = "warning"  # mail goes out, and something may go wrong later
    FAULT = "fault"  # readers would not get mail, or could not leave
    SKIPPED = "skipped"  # does not apply here; the message says why


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question. ``help`` is what to type, or to write where; ``check`` the question's name."""

    check: str = field(default="", kw_only=True)  # filled in by who asks
    level: Level
    message: str
    help: str | None = None


# Each is called with the message, and the help where there is any.
ok = partial(Finding, Level.OK)
warning = partial(Finding, Level.WARNING)
fault = partial(Finding, Level.FAULT)
skipped = partial(Finding, Level.SKIPPED)

Question = Callable[[], Finding]
"""A question of ``publisher doctor``. Raises ServiceError where nobody answers."""
TakeIn = Callable[[Sequence[str]], None]
"""Commits the bodies it is given, or raises, and then they stay in the queue."""
Pull = Callable[[TakeIn, bool], Iterator[int]]
"""Takes in a queue's events, with True for ever; yields the number of messages of each batch. Raises ServiceError."""

About = TypeVar("About")


def by_name(questions: Iterable[Callable[[About], Finding]], about: About) -> dict[str, Question]:
    """Questions of one thing by the names of their functions, with hyphens."""
    return {question.__name__.replace("_", "-"): partial(question, about) for question in questions}


class WebhookRefusedError(Exception):
    """A request to a webhook is not believed. ``status`` is the HTTP status to answer with, ``reason`` goes along."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Notice:
    """A request to a webhook that is believed.

    ``id`` is the same each time the provider repeats it, or empty. ``fault`` says why its body could not be read.
    ``note`` is for the log, of a request that says nothing of a message.
    """

    events: tuple[Event, ...] = ()
    id: str = ""
    fault: str = ""
    note: str = ""


class Webhook(Protocol):
    """Where a provider posts its events: ``/webhooks/<name>``, with at most ``limit`` bytes."""

    name: str
    limit: int

    def believe(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Check a request; the names of ``headers`` are in lower case. It may wait for the network, for seconds.

        Raises WebhookRefusedError, and ServiceError where the provider is to try again.
        """
        ...


class SuppressionList(ABC):
    """The provider's own list of addresses that it never mails. All methods raise ServiceError."""

    @abstractmethod
    def entries(self) -> Iterator[list[tuple[str, str]]]:
        """Pages of addresses, each with the provider's reason."""

    @abstractmethod
    def add(self, entries: Iterable[tuple[str, Reason]]) -> int:
        """Put addresses on it, for a bounce or a complaint; how many. Safe to repeat."""

    def pull(self, database: Database, title: str) -> tuple[int, int]:
        """Suppress whom the provider ``title`` suppresses; how many there are, and how many were new here."""
        seen = new = 0
        for page in self.entries():
            keys: dict[str, str] = {}
            for address, reason in page:
                with suppress(AddressError):  # providers take addresses that no subscriber of ours can have
                    keys[read_address(address).mailbox_key] = reason
            seen += len(page)
            with database.begin() as connection:
                for key in sorted(keys.keys() - forgotten_among(connection, keys)):
                    new += put(connection, key, Reason.PROVIDER, f"{title}: {keys[key]}".strip())
        return seen, new

    def push(self, database: Database) -> int:
        """Tell the provider who bounced or complained here; how many. Safe to repeat.

        What an operator suppressed by hand stays here: a provider knows no reason for it.
        """
        told = {Reason.BOUNCE, Reason.COMPLAINT}
        with database.connect() as connection:
            found = [(s.mailbox_key, s.reason) for s in all_suppressions(connection) if s.reason in told]
        return self.add(found)


@dataclass(frozen=True, slots=True)
class Quota:
    """What the provider allows: recipients a second, and how many more today. None where it sets no limit."""

    rate: float | None = None
    left_today: int | None = None
    note: str = ""  # what an operator ought to know
    paused: bool = False  # the account's sending is switched off
    shutdown: bool = False  # the provider has shut the account down
    sandbox: bool = False  # only verified addresses get mail


class Transport(Protocol):
    """Hands messages to a provider and says what became of each recipient: an :class:`Outcome`, never an exception.

    ``name`` says which in messages; ``account`` names what shares one quota. ``most`` is the largest batch of a call,
    ``parallel`` how many calls may be in flight, each from a thread of its own. One may have
    ``relays = True`` besides: its answers may be those of the receivers, one by one.
    """

    name: str
    account: str
    most: int
    parallel: int

    def open(self, composed: Composed) -> Quota:
        """Prepare for the messages of ``composed``. Raises TransportError where nothing can be sent at all."""
        ...

    def quota(self) -> Quota:
        """Read again what the provider allows; nothing is limited where it is not said. Raises TransportError."""
        return Quota()

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Submit a message to each, at most once; the outcomes in the same order."""
        ...

    def close(self) -> None:
        """Let go of connections; most hold none."""
        return


class Provider(ABC):
    """Who takes messages. ``name`` is what ``delivery.transport`` says, ``title`` what people call it."""

    name: ClassVar[str]
    title: ClassVar[str]
    tells: ClassVar[bool] = False
    """Whether it tells afterwards, by itself, what became of a message."""
    endings: ClassVar[Mapping[str, tuple[str, str]]] = MappingProxyType({})
    """For the code of an outcome that ends a run: what it means, and what to do."""
    event_keys: ClassVar[frozenset[str]] = frozenset()
    """A JSON object with one of these keys is an event of this provider, or wraps one."""
    spf: ClassVar[str] = "a mx"
    """What an SPF record has to hold for it; ``include:…`` is looked for."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @abstractmethod
    def transport(self, *, single: bool = False) -> Transport:
        """What submits messages; ``single`` asks for one that takes whole messages, one at a time."""

    def written(self, slug: str) -> Path | None:  # noqa: ARG002
        """The folder in which the messages of an issue lie; None where they leave this machine."""
        return None

    def envelope_domain(self, domain: str) -> str | None:
        """The domain of the envelope's sender, where ``newsletter.from`` has ``domain``; None: the provider's own."""
        return domain

    def questions(self) -> Mapping[str, Question]:
        """What ``publisher doctor`` asks it, by name."""
        return {}

    def webhook(self) -> Webhook | None:
        """Where its events come in; None where nobody has set it up."""
        return None

    def queue(self, url: str | None = None) -> Pull | None:  # noqa: ARG002
        """What takes in the events of its queue (at ``url``); None where it has none."""
        return None

    def suppression_list(self) -> SuppressionList | None:
        """Its list of addresses it never mails. Raises ServiceError."""
        return None

    @classmethod
    def events_of(cls, value: Any) -> tuple[Event, ...]:
        """The events in a JSON object with one of ``event_keys``. Raises EventError."""
        raise EventError(say("{name} tells no events such as {kind}", name=cls.name, kind=type(value).__name__))
