"""The outcome table: what an answer, or the lack of one, proves about a message.

Three things can be known of a submission: it was accepted, it was not, or neither. Only what is *proved* not sent may
ever be tried again by itself. Each provider has its table of signals; what no table names is uncertain.
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
    """What is known of one submission."""

    SUBMITTED = "submitted"  # the provider accepted it
    RETRY = "retry"  # not sent: try again soon
    UNREACHED = "unreached"  # not sent: nobody answered; the run waits, and ends if that lasts
    THROTTLED = "throttled"  # not sent: too fast; try again more slowly
    LATER = "later"  # not sent: the daily quota is used up; stop until hours later
    PAUSED = "paused"  # not sent: the account's or configuration set's sending is switched off; stop
    STOP = "stop"  # not sent: nothing will be until somebody acts; stop
    REJECTED = "rejected"  # not sent: the provider refuses this message or recipient for good
    REFUSED = "refused"  # not sent: a call refused; the recipient's fault where others are accepted, else everybody's
    UNCERTAIN = "uncertain"  # unknown

    @property
    def not_sent(self) -> bool:
        """Whether it is proved that the message did not leave and may be tried again."""
        return self in _NOT_SENT


_NOT_SENT = frozenset(Verdict) - {Verdict.SUBMITTED, Verdict.REJECTED, Verdict.UNCERTAIN}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient in one attempt. ``code`` names the signal; it never holds an address."""

    verdict: Verdict
    code: str = ""
    message_id: str | None = None


def submitted(message_id: str | None) -> Outcome:
    """Accepted by the provider under ``message_id``."""
    return Outcome(Verdict.SUBMITTED, "", message_id)


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """A provider's ``outcomes.yaml``.

    ``verdicts`` says by kind of signal (``codes``, ``exceptions``…) what each proves; ``explanations`` what a signal
    means to an operator, and what to do.
    """

    verdicts: Mapping[str, Mapping[Any, Verdict]]
    explanations: Mapping[str, tuple[str, str]]

    @classmethod
    def read(cls, folder: Path) -> OutcomeTable:
        """The table in the folder of a provider."""
        tables = read_data(folder / "outcomes.yaml")
        explained = tables.pop("explanations")
        return cls(
            {kind: {signal: Verdict(name) for signal, name in table.items()} for kind, table in tables.items()},
            {code: (say(means), say(action)) for codes, means, action in map(_NAMED, explained) for code in codes},
        )

    def of_exception(self, error: BaseException) -> Outcome:
        """What an exception proves, by its class or the nearest base class that the table names."""
        named = self.verdicts["exceptions"]
        verdict = next((named[c.__name__] for c in type(error).__mro__ if c.__name__ in named), Verdict.UNCERTAIN)
        return Outcome(verdict, type(error).__name__)


def in_words(code: str, text: str) -> str:
    """The code and what the provider says, without addresses, and without what no database keeps."""
    said = plain(without_addresses(text))
    return f"{code}: {said}" if said else code
