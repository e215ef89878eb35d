"""What the rooms above declare and config.yaml may name: codes of findings, and words that readers see.

Imports run down the house, so these modules are loaded by name, and only where config.yaml names something of theirs.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from functools import cache

from publisher.diagnostics import Code, catalogue

_ROOMS = ("publisher.checks", "publisher.config", "publisher.edition")
_WORDS = ("publisher.edition.language", "publisher.site.words", "publisher.web.words")
PLACEHOLDER = re.compile(r"%\((?P<old>\w+)\)[sd]|\{(?P<new>\w+)\}")
"""A place that is filled in: ``%(count)d`` or ``%(count)s`` in the words of the edition, ``{count}`` in the others."""


@cache
def every_code() -> dict[str, Code]:
    """The whole catalogue, by name: every module that may enter a code is imported."""
    for room in _ROOMS:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            importlib.import_module(module.name)
    return catalogue()


@cache
def every_word() -> Mapping[str, Mapping[str, str]]:
    """The names that ``labels`` may have, each with what is filled in there: its name, and how it is written."""
    words: dict[str, Mapping[str, str]] = {}
    for module in _WORDS:
        declared: Mapping[str, Iterable[str]] = importlib.import_module(module).declared()
        for name, texts in declared.items():
            places = (found for text in texts for found in PLACEHOLDER.finditer(text))
            words[name] = {found["old"] or found["new"]: found[0] for found in places}
    return words
