"""Named rules over an issue, and the engine that collects all they find. A rule is given a :class:`Context`."""

from publisher.checks.context import Context
from publisher.checks.engine import check_issue
from publisher.checks.registry import rules

__all__ = ["Context", "check_issue", "rules"]
