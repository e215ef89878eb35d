"""Every code there is: those of the checks, of the gates, and of the rooms below."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from publisher import checks, config, edition
from publisher.checks.levels import check_levels
from publisher.diagnostics import Code, Diagnostic, catalogue


@cache
def every_code() -> dict[str, Code]:
    """The whole catalogue, by name: every module that may enter a code is imported."""
    for room in (checks, config, edition):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)
    return catalogue()


@cache
def gate_codes() -> frozenset[str]:
    """The codes that only a rendering can find."""
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(edition.__path__, f"{edition.__name__}.")]
    return frozenset(value.name for module in modules for value in vars(module).values() if isinstance(value, Code))


def wrong_levels(root: Path, levels: object) -> list[Diagnostic]:
    """What is wrong with ``checks.levels`` of the config, which holds ``levels``; most configs have none."""
    if not levels:
        return []
    every_code()
    return check_levels(root)
