"""A simulated provider: it records every message that it accepted, whatever the sender learnt of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from publisher.mail.message import Composed, Envelope
from publisher.providers.events import BounceType, Event, EventKind
from publisher.providers.outcomes import Outcome, Verdict, submitted
from publisher.providers.provider import Quota
from tests.simulation.machinery import Clock, Fate

PER_CALL = 3


class Accepted(NamedTuple):
    """A message that was taken: to whom, under which of our ids, and the provider's own."""

    address: str
    recipient: str
    attempt: int
    message_id: str
    variant: str
    at: datetime


@dataclass
class Provider:
    """The state of a provider between calls."""

    clock: Clock
    chance: Random
    rate: float = 40.0
    left_today: int = 10_000
    up: bool = True
    poisoned: set[str] = field(default_factory=set)  # addresses that it refuses
    accepted: list[Accepted] = field(default_factory=list)
    waiting: list[Event] = field(default_factory=list)  # events that have not been told yet
    told: list[Event] = field(default_factory=list)

    @property
    def quota(self) -> Quota:
        return Quota(self.rate, self.left_today)

    def take(self, envelope: Envelope, variant: str = "") -> str:
        """Accept a message; its id."""
        message_id = f"m{len(self.accepted) + 1}"
        who = envelope.address, envelope.recipient, envelope.attempt
        self.accepted.append(Accepted(*who, message_id, variant, self.clock.now))
        self.left_today -= 1
        if not envelope.recipient.startswith("confirm-"):
            self._foretell(envelope, message_id)
        return message_id

    def _foretell(self, envelope: Envelope, message_id: str) -> None:
        fate, tag = self.chance.random(), envelope.recipient if self.chance.random() < 0.7 else None
        kinds: list[tuple[EventKind, str]] = [(EventKind.SEND, "")]
        if fate < 0.04:
            kinds.append((EventKind.BOUNCE, BounceType.PERMANENT))
        elif fate < 0.10:
            kinds += [(EventKind.DELIVERY_DELAY, ""), (EventKind.BOUNCE, BounceType.TRANSIENT)]
        elif fate < 0.11:
            kinds.append((EventKind.REJECT, ""))
        else:
            kinds.append((EventKind.DELIVERY, ""))
            if fate < 0.13:
                kinds.append((EventKind.COMPLAINT, "abuse"))
        for delay, (kind, type_) in enumerate(kinds):
            at = self.clock.now + timedelta(seconds=delay)
            self.waiting.append(Event(kind, message_id, at, envelope.address, recipient=tag, type=type_))


class SimulatedTransport:
    """One process's connection to it. ``meanwhile`` is called while a call is under way."""

    name = account = "simulated"
    most, parallel = PER_CALL, 2

    def __init__(self, provider: Provider, fate: Fate, meanwhile: Callable[[], None]) -> None:
        self._provider, self._fate, self._meanwhile = provider, fate, meanwhile
        self.heard = 0  # recipients that calls were made for

    def open(self, composed: Composed) -> Quota:
        self._composed = composed
        return self._provider.quota

    def quota(self) -> Quota:
        return self._provider.quota

    def close(self) -> None:
        """Nothing is held."""

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        self._meanwhile()
        self._fate.point()  # claimed, and never called
        provider, chance = self._provider, self._provider.chance
        self.heard += len(envelopes)
        if not provider.up:
            return [Outcome(Verdict.UNREACHED, "down")] * len(envelopes)
        if chance.random() < 0.03:
            return [Outcome(Verdict.THROTTLED, "slower")] * len(envelopes)
        if len(envelopes) > 1 and any(one.address in provider.poisoned for one in envelopes):
            outcomes = [Outcome(Verdict.UNCERTAIN, "poisoned call")] * len(envelopes)
        else:
            outcomes = [self._answer(envelope) for envelope in envelopes]
        self._fate.point()  # taken, and nobody heard the answer
        self._meanwhile()
        if chance.random() < 0.04:
            return [Outcome(Verdict.UNCERTAIN, "answer lost")] * len(envelopes)
        return outcomes

    def _answer(self, envelope: Envelope) -> Outcome:
        provider = self._provider
        if provider.left_today <= 0:
            return Outcome(Verdict.LATER, "daily")
        if envelope.address in provider.poisoned:
            return Outcome(Verdict.REJECTED, "poison")
        if provider.chance.random() < 0.04:
            return Outcome(Verdict.RETRY, "busy")
        return submitted(provider.take(envelope, self._composed.of(envelope).letter.name))
