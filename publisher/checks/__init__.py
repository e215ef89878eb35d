"""Named rules over an issue, one file each, and the engine that collects all they find."""

from publisher.checks.engine import Checked, check_across, check_issue, check_reading, check_repository
from publisher.checks.registry import rules
from publisher.diagnostics import Code, catalogue

__all__ = ["Checked", "check_across", "check_issue", "check_reading", "check_repository", "load_all", "rules"]


def load_all() -> dict[str, Code]:
    """Import every module below this room that enters codes: the whole catalogue up to here, by name."""
    rules()
    return catalogue()
