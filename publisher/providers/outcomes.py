"""The outcome table: what a provider's answer, or a missing answer, proves about a message.

A submission was accepted, was not accepted, or its outcome is unknown. Only a message *proved* not sent may be
tried again automatically. Each provider has its own table of signals; a signal in no table means uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from typing import Any

from publisher.diagnostics import say
from publisher.documents.yaml import read_data
from publisher.errors import without_addresses
from publisher.providers.reading import plain

_NAMED = itemgetter("of", "means", "action")


class Verdict(StrEnum):
    """Knowledge about one submission."""

    SUBMITTED = "submitted"  # the provider accepted it
    RETRY = "retry"  # not sent: try again soon
    UNREACHED = "unreached"  # not sent: no connection; the run waits, and ends if that lasts
    THROTTLED = "throttled"  # not sent: too fast; try again more slowly
    LATER = "later"  # not sent: the daily quota is used up; stop until hours later
    PAUSED = "paused"  # not sent: sending is switched off for the account or configuration set; stop
    STOP = "stop"  # not sent: every message is refused until an operator acts; stop
    REJECTED = "rejected"  # not sent: the provider refuses this message or recipient permanently
    REFUSED = "refused"  # not sent: call refused; due to the recipient if other calls are accepted, otherwise to all
    UNCERTAIN = "uncertain"  # unknown

    @property
    def not_sent(self) -> bool:
        """Whether it is proved that the message was not sent and may be tried again."""
        return self in _NOT_SENT


_NOT_SENT = frozenset(Verdict) - {Verdict.SUBMITTED, Verdict.REJECTED, Verdict.UNCERTAIN}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of one attempt for one recipient. ``code`` names the signal and never contains an address."""

    verdict: Verdict
    code: str = ""
    message_id: str | None = None


def submitted(message_id: str | None) -> Outcome:
    """Return the outcome of a message that the provider accepted under ``message_id``."""
    return Outcome(Verdict.SUBMITTED, "", message_id)


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """Contents of a provider's ``outcomes.yaml``.

    ``verdicts`` maps each kind of signal (``codes``, ``exceptions``…) to the verdict of each signal;
    ``explanations`` maps a signal to its meaning and the action for an operator.
    """

    verdicts: Mapping[str, Mapping[Any, Verdict]]
    explanations: Mapping[str, tuple[str, str]]

    @classmethod
    def read(cls, folder: Path) -> OutcomeTable:
        """Read the table from a provider's folder."""
        tables = read_data(folder / "outcomes.yaml")
        explained = tables.pop("explanations")
        return cls(
            {kind: {signal: Verdict(name) for signal, name in table.items()} for kind, table in tables.items()},
            {code: (say(means), say(action)) for codes, means, action in map(_NAMED, explained) for code in codes},
        )

    def of_exception(self, error: BaseException) -> Outcome:
        """Return an exception's outcome, by its class or nearest base class in the table; otherwise uncertain."""
        named = self.verdicts["exceptions"]
        verdict = next((named[c.__name__] for c in type(error).__mro__ if c.__name__ in named), Verdict.UNCERTAIN)
        return Outcome(verdict, type(error).__name__)


def in_words(code: str, text: str) -> str:
    """Return the code and the provider's text, without addresses and characters that no database can store."""
    said = plain(without_addresses(text))
    return f"{code}: {said}" if said else code
