"""Gates: rules over a rendered edition. Each is a module with a ``check``; all run, whatever one finds."""

from __future__ import annotations

from publisher.config import Config
from publisher.diagnostics import Diagnostic
from publisher.edition.gates import clients, clip_budget, contrast, head, literal_markup, parity, structure
from publisher.edition.model import Edition
from publisher.issue.model import Issue

GATES = (
    clip_budget.check,
    structure.check,
    head.check,
    contrast.check,
    clients.check,
    parity.check,
    literal_markup.check,
)


def check_edition(edition: Edition, issue: Issue, config: Config) -> list[Diagnostic]:
    """What every gate finds."""
    return [finding for gate in GATES for finding in gate(edition, issue, config)]
