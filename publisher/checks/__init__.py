"""Named rules over an issue, one file each, and the engine that collects all they find."""

from publisher.checks.engine import check_issue
from publisher.checks.registry import rules
from publisher.diagnostics import Code, catalogue

__all__ = ["check_issue", "load_all", "rules"]


def load_all() -> dict[str, Code]:
    """Import every module below this room that enters codes: the whole catalogue up to here, by name."""
    rules()
    return catalogue()
