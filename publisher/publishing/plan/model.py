"""The plan as data; its renderers stand apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from publisher.delivery.series import StepPlan
from publisher.diagnostics import Diagnostic
from publisher.edition.model import Edition
from publisher.publishing.due import IssueDecision

Spread = tuple[datetime, datetime]
"""When an issue with ``deliver_at`` reaches the first readers, and the last, by the time zones that they are in."""


class ChangeKind(StrEnum):
    """What a change does to an issue."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    SAME = "same"  # its files changed, and nothing that readers get
    BROKEN = "broken"  # it cannot be built now
    SHARED = "shared"  # only what all issues share changed: the theme or config.yaml


class MailLink(NamedTuple):
    """A link of the email, with its words."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Numbers only. ``expression`` is the segment; None for everybody."""

    expression: str | None
    recipients: int
    excluded: dict[str, int] = field(default_factory=dict)
    variants: dict[str, int] = field(default_factory=dict)  # recipients by the variant they would get


@dataclass(frozen=True, slots=True)
class EditionChange:
    """One edition, before and after. A diff is lines that begin with ``+``, ``-``, a space or ``@@``."""

    slug: str
    how: ChangeKind
    was: Edition | None = None
    now: Edition | None = None
    text: tuple[str, ...] = ()
    structure: tuple[str, ...] = ()
    links_gained: tuple[MailLink, ...] = ()
    links_lost: tuple[MailLink, ...] = ()
    found: tuple[Diagnostic, ...] = ()  # errors and warnings that the base does not have
    settled: tuple[Diagnostic, ...] = ()  # those that only the base has
    audience: Audience | None = None
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen now. ``ledger`` says whether a database was asked; without one nothing is known of mailings."""

    decisions: tuple[IssueDecision, ...]
    work: bool  # whether publish would do anything
    ledger: bool
    commit: str | None = None
    base: str | None = None
    shared: tuple[str, ...] = ()  # files of the theme and config.yaml that differ from the base
    changes: tuple[EditionChange, ...] = ()
    others: int = 0  # further editions that only a shared change touches, not shown
    notes: tuple[str, ...] = ()
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    steps: tuple[StepPlan, ...] = ()
