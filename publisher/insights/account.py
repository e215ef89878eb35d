"""The account of a mailing as values: what the report shows, and every rate, by pure functions over counts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from pydantic import TypeAdapter

from publisher.delivery.states import FEEDBACK, Account, MailingState

FEW = 5  # a domain with fewer recipients than this is not named: it could be one person's own


class Domain(NamedTuple):
    """The recipients at one domain of whom the provider accepted a message; ``name`` is None for all others."""

    name: str | None
    submitted: int
    delivered: int
    bounced: int
    complained: int


@dataclass(frozen=True, slots=True)
class BounceReason:
    """How many bounced for one reason, in the provider's words: ``permanent``, ``General``."""

    type: str
    subtype: str
    count: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """How many were rejected for one reason: a code, with the provider's words where an event brought them."""

    code: str
    detail: str
    count: int


class AnswerCount(NamedTuple):
    """How many recipients one receiver answered so. ``receiver`` is empty for all that nobody knows by name.

    ``did`` is ``bounced``, ``delayed`` or ``rejected`` (by the relay, at once). ``reason`` is the server's own words
    where they mean nothing here, and empty where only a few were told them: they could name a reader.
    """

    receiver: str
    did: str
    reason: str
    recipients: int
    cure: str
    source: str

    @property
    def asks(self) -> bool:
        """Whether there is something to do for the sender."""
        return bool(self.cure) and not self.cure.startswith("nothing to do")


class LinkClicks(NamedTuple):
    """A tracked link: the readers who followed it, their clicks, and the clicks of machines."""

    url: str
    readers: int
    clicks: int
    machine_clicks: int


class CountedLink(NamedTuple):
    """A counted link of the mail: its number, where it leads, clicks that look like readers', and those of machines."""

    number: int
    url: str
    clicks: int
    machine_clicks: int


@dataclass(frozen=True, slots=True)
class Tracking:
    """Opens and clicks, where config asks for them. Readers are counted once; machines are a guess by user agent."""

    opened: int
    opened_by_machines_only: int
    clicked: int
    clicked_by_machines_only: int
    links: tuple[LinkClicks, ...]


class TimelineStep(NamedTuple):
    """A span of the timeline: what happened in it. ``start`` is None for all that came after the timeline's end."""

    start: datetime | None
    submitted: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0


@dataclass(frozen=True, slots=True)
class MailingReport:
    """Everything about one mailing. No address, and no recipient, stands here."""

    issue: str
    title: str
    language: str
    sequence: int
    state: MailingState
    digest: str
    commit: str | None
    frozen_at: datetime
    finished_at: datetime | None
    counted: int  # the candidates counted in the freezing transaction
    account: Account
    unsubscribed: int
    rejections: tuple[Rejection, ...]
    bounces: tuple[BounceReason, ...]
    answers: tuple[AnswerCount, ...]
    complaints: tuple[tuple[str, int], ...]
    domains: tuple[Domain, ...]
    timeline: tuple[TimelineStep, ...]
    tracking: Tracking | None
    clicks: tuple[CountedLink, ...] = ()
    folded_at: datetime | None = None  # since when nothing but the clicks changes (delivery/folding.py)

    def to_json(self) -> str:
        """As a folded mailing keeps it."""
        return _adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> MailingReport:
        """What :meth:`to_json` wrote."""
        return _adapter().validate_json(text)

    @property
    def balanced(self) -> bool:
        """Whether the six states sum to the audience that was frozen."""
        return self.account.audience == self.counted


@cache
def _adapter() -> TypeAdapter[MailingReport]:
    return TypeAdapter(MailingReport)


def named_domains(domains: Sequence[Domain], most: int = 12) -> tuple[Domain, ...]:
    """The largest domains by name, all others in one row: those beyond ``most``, and those with FEW recipients."""
    ranked = sorted(domains, key=lambda domain: (-domain.submitted, domain.name or ""))
    shown = [domain for domain in ranked if domain.name and domain.submitted >= FEW][:most]
    rest = [domain for domain in ranked if domain not in shown]
    if rest:
        shown.append(Domain(None, *(sum(column) for column in zip(*(counts for _, *counts in rest), strict=True))))
    return tuple(shown)


_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7 * 1440, 30 * 1440)
_WIDTHS = tuple(timedelta(minutes=minutes) for minutes in _MINUTES)
_FIELDS = ("submitted", *FEEDBACK)


def timeline(minutes: Mapping[str, Mapping[datetime, int]], most: int = 24) -> tuple[TimelineStep, ...]:
    """Counts by minute → at most ``most`` even steps, and one for the rest.

    ``minutes`` has the counts of submitted, delivered, bounced and complained. The steps end when 99 in 100 submissions
    and deliveries have happened: a straggler of next week would squeeze the first hour flat.
    """
    leading = sorted(
        (moment, count) for name in ("submitted", "delivered") for moment, count in minutes.get(name, {}).items()
    )
    if not leading:
        return ()
    sums = list(accumulate(count for _, count in leading))
    start, end = leading[0][0], leading[bisect_left(sums, sums[-1] * 0.99)][0]
    width = next((w for w in _WIDTHS if (end - start) // w < most), _WIDTHS[-1])
    steps = min(most, (end - start) // width + 1)
    rows = [dict.fromkeys(_FIELDS, 0) for _ in range(steps + 1)]
    for name in _FIELDS:
        for moment, count in minutes.get(name, {}).items():
            rows[min(max(0, (moment - start) // width), steps)][name] += count
    found = [TimelineStep(start + i * width, **row) for i, row in enumerate(rows[:-1])]
    return (*found, TimelineStep(None, **rows[-1])) if any(rows[-1].values()) else tuple(found)
