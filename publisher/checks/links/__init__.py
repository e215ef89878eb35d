"""Are the links alive? The only check that leaves this machine, and only with ``check --links``."""

from publisher.checks.links.checker import check_links
from publisher.checks.parts import Link

__all__ = ["Link", "check_links"]
