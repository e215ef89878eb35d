"""Are the links alive? The only check that leaves this machine, and only with ``check --links``."""

from publisher.checks.addresses import Link
from publisher.checks.links.checker import check_links

__all__ = ["Link", "check_links"]
