"""The rules: one module each in ``publisher.checks.rules``, found by being there.

The page of a rule's code stands in ``publisher/diagnostics/pages``. The module holds ``CODE`` and ``check(context)``
over one issue, or two functions for what concerns several: ``gather(issue)`` returns what the rule has to know of one,
as plain values that a cache can hold, and ``compare(gathered, wanted)`` looks at those of all, for what concerns the
slugs ``wanted`` (``None``: all of them). ``check`` and ``compare`` yield diagnostics.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from publisher.checks import rules as package
from publisher.checks.context import Context
from publisher.diagnostics import Code, Diagnostic
from publisher.issue import Issue


@dataclass(frozen=True, slots=True)
class Rule:
    """One named rule."""

    name: str
    codes: tuple[str, ...]
    check: Callable[[Context], Iterable[Diagnostic]] | None
    gather: Callable[[Issue], Any] | None
    compare: Callable[[Sequence[Any], frozenset[str] | None], Iterable[Diagnostic]] | None


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, by name."""
    found = []
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        name = module.name.replace("_", "-")
        codes = tuple(value.name for value in vars(loaded).values() if isinstance(value, Code))
        functions = (getattr(loaded, function, None) for function in ("check", "gather", "compare"))
        found.append(Rule(name, codes, *functions))
    return tuple(found)
