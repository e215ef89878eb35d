"""The one protocol of transports: hand messages to a provider and say what became of each recipient.

A transport never raises for what became of a recipient: that is an :class:`~publisher.providers.outcomes.Outcome`. It
raises :class:`~publisher.errors.TransportError` from ``open`` only, before anything was claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from publisher.mail.message import Composed, Envelope
from publisher.providers.outcomes import Outcome


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
    """Hands messages to a provider.

    ``name`` says which in messages; ``account`` names what shares one quota. ``most`` is the largest batch of a call,
    ``parallel`` how many calls may be in flight, each from a thread of its own.
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
