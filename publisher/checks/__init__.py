"""Named rules over an issue, and the engine that collects all they find."""

from publisher.checks.engine import check_issue
from publisher.checks.registry import rules

__all__ = ["check_issue", "rules"]
