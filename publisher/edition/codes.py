"""The codes of the gates."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from publisher import edition
from publisher.diagnostics import Code


@cache
def gate_codes() -> frozenset[str]:
    """The codes that only a rendering can find."""
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(edition.__path__, f"{edition.__name__}.")]
    return frozenset(value.name for module in modules for value in vars(module).values() if isinstance(value, Code))
