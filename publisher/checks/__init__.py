"""Named rules over an issue, and the engine that collects all they find. A rule is given a ``context.Context``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from publisher.checks.engine import check_issue

__all__ = ["check_issue"]


def __getattr__(name: str) -> Any:
    if name != "check_issue":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from publisher.checks.engine import check_issue  # who finds that nothing changed need not wait for the rules

    return check_issue
