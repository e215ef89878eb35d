"""The account of a mailing as values: report data and rates, computed by pure functions from counts."""

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

FEW = 5  # a domain with fewer recipients is not named: it could belong to one person


class Domain(NamedTuple):
    """Counts of recipients in state submitted at one domain; ``name`` is None for all other domains."""

    name: str | None
    submitted: int
    delivered: int
    bounced: int
    complained: int


@dataclass(frozen=True, slots=True)
class BounceReason:
    """Number of bounces with one type and subtype in the provider's terms: ``permanent``, ``General``."""

    type: str
    subtype: str
    count: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """Number of rejections with one code; ``detail`` is the provider's text if an event had any."""

    code: str
    detail: str
    count: int


class AnswerCount(NamedTuple):
    """Number of recipients for whom a receiver gave one answer. ``receiver`` is empty for all unknown receivers.

    ``did`` is ``bounced``, ``delayed`` or ``rejected`` (by the relay, at once). ``reason`` is the decoded reason
    or, if unknown, the server's text; empty if fewer than FEW recipients got that text, as it could identify them.
    """

    receiver: str
    did: str
    reason: str
    recipients: int
    cure: str
    source: str

    @property
    def asks(self) -> bool:
        """Whether the sender can do something about it."""
        return bool(self.cure) and not self.cure.startswith("nothing to do")


class LinkClicks(NamedTuple):
    """Tracked link: the readers who followed it, their clicks, and the clicks by machines."""

    url: str
    readers: int
    clicks: int
    machine_clicks: int


class CountedLink(NamedTuple):
    """Counted link of the mail: its number and target, the clicks probably by readers, and the clicks by machines."""

    number: int
    url: str
    clicks: int
    machine_clicks: int


@dataclass(frozen=True, slots=True)
class Tracking:
    """Opens and clicks, if config enables them. Each reader counts once; machines are guessed by user agent."""

    opened: int
    opened_by_machines_only: int
    clicked: int
    clicked_by_machines_only: int
    links: tuple[LinkClicks, ...]


class TimelineStep(NamedTuple):
    """Interval of the timeline with its counts. ``start`` is None for everything after the timeline's end."""

    start: datetime | None
    submitted: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0


@dataclass(frozen=True, slots=True)
class MailingReport:
    """Full report of one mailing, without addresses and without recipients."""

    issue: str
    title: str
    language: str
    sequence: int
    state: MailingState
    digest: str
    commit: str | None
    frozen_at: datetime
    finished_at: datetime | None
    counted: int  # candidates counted in the freezing transaction
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
    folded_at: datetime | None = None  # only click counts change after this time (delivery/folding.py)

    def to_json(self) -> str:
        """Return the JSON that a folded mailing stores."""
        return _adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> MailingReport:
        """Parse the result of :meth:`to_json`."""
        return _adapter().validate_json(text)

    @property
    def balanced(self) -> bool:
        """Whether the counts of the six states add up to the frozen audience."""
        return self.account.audience == self.counted


@cache
def _adapter() -> TypeAdapter[MailingReport]:
    return TypeAdapter(MailingReport)


def named_domains(domains: Sequence[Domain], most: int = 12) -> tuple[Domain, ...]:
    """Return the ``most`` largest domains with at least FEW recipients, and one row for all others."""
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
    """Group counts by minute into at most ``most`` equal steps, and one step for the rest.

    ``minutes`` has the counts of submitted, delivered, bounced and complained. The steps end when 99% of
    submissions and deliveries have happened: one delivery a week later would otherwise compress the first hour.
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
