"""The rules: one module each in ``publisher.checks.rules``, found by being there.

A rule's docstring is its page. It begins with one line that states the fault, and has the sections *Why it matters* and
*Example*. The module holds ``CODE`` and one of two functions: ``check(context)`` over one
issue, ``check_all(contexts)`` over all of them; each yields diagnostics.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from publisher.checks import rules as package
from publisher.checks.context import Context
from publisher.diagnostics import Code, Diagnostic


@dataclass(frozen=True, slots=True)
class Rule:
    """One named rule."""

    name: str
    codes: tuple[str, ...]
    check: Callable[[Context], Iterable[Diagnostic]] | None
    check_all: Callable[[Sequence[Context]], Iterable[Diagnostic]] | None


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, by name."""
    found = []
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        name = module.name.replace("_", "-")
        codes = tuple(value.name for value in vars(loaded).values() if isinstance(value, Code))
        found.append(Rule(name, codes, getattr(loaded, "check", None), getattr(loaded, "check_all", None)))
    return tuple(found)
