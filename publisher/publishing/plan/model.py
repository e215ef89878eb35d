"""The plan as data; its renderers are separate modules."""

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
"""When an issue with ``deliver_at`` reaches the first and the last readers, by their time zones."""


class ChangeKind(StrEnum):
    """Effect of a change on an issue."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    SAME = "same"  # its files changed, its edition did not
    BROKEN = "broken"  # cannot be built now
    SHARED = "shared"  # changed by the theme or config.yaml only


class MailLink(NamedTuple):
    """Link of the email with its text."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Numbers of recipients. ``expression`` is the segment; None: all subscribers."""

    expression: str | None
    recipients: int
    excluded: dict[str, int] = field(default_factory=dict)
    variants: dict[str, int] = field(default_factory=dict)  # recipients by variant


@dataclass(frozen=True, slots=True)
class EditionChange:
    """Edition before and after. Lines of a diff begin with ``+``, ``-``, a space or ``@@``."""

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
    """Result of a plan. ``ledger``: whether a database was read; without it, mailings are unknown."""

    decisions: tuple[IssueDecision, ...]
    work: bool  # whether publish would do anything
    ledger: bool
    commit: str | None = None
    base: str | None = None
    shared: tuple[str, ...] = ()  # files of the theme and config.yaml that differ from the base
    changes: tuple[EditionChange, ...] = ()
    others: int = 0  # editions changed by shared files only, beyond those shown
    notes: tuple[str, ...] = ()
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    steps: tuple[StepPlan, ...] = ()
