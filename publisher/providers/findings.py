"""What ``publisher doctor`` says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PATIENCE = 8.0
"""Seconds that one question may take."""


class Level(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    WARNING = "warning"  # mail goes out, and something may go wrong later
    FAULT = "fault"  # readers would not get mail, or could not leave
    SKIPPED = "skipped"  # does not apply here; the message says why


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``help`` is what to type, or to write where."""

    check: str
    level: Level
    message: str
    help: str | None = None


def ok(check: str, message: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, message)


def warning(check: str, message: str, help: str | None = None) -> Finding:
    """Mail goes out, but."""
    return Finding(check, Level.WARNING, message, help)


def fault(check: str, message: str, help: str | None = None) -> Finding:
    """Not ready."""
    return Finding(check, Level.FAULT, message, help)


def skipped(check: str, message: str) -> Finding:
    """Does not apply."""
    return Finding(check, Level.SKIPPED, message)
