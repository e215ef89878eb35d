"""Registry of rules, one module each: built-in modules in ``publisher.checks.rules``; those of other packages, by the
entry point group ``publisher.rules``; the newsletter's own files, listed in ``checks.rules``.

A module contains its codes, and ``check(context)`` for one issue, or two functions for rules across issues: ``gather``
returns the facts of one issue as plain values that can be cached, and ``compare(gathered, wanted)`` compares the facts
of all, and reports on the slugs ``wanted`` (``None``: all). Built-in rules gather from a ``Context`` and compare a
dict by slug, with None for an issue that cannot be read; plug-ins gather from an ``Issue`` and compare a list.
``affected(before, after)`` may return the slugs whose findings can differ after a change of facts (dicts by slug);
without it, all are compared again. ``check`` and ``compare`` yield diagnostics. The pages of built-in codes are in
``publisher/diagnostics/pages``. A plug-in may have a list instead of ``check``: ``rules = [callable(issue)]``.
"""

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from inspect import getdoc
from itertools import chain
from types import ModuleType
from typing import Any

from publisher.checks import rules as package
from publisher.checks.context import Context
from publisher.config import Config
from publisher.config.names import every_code
from publisher.config.plugins import RULES, broken, in_a_line, load_plugin, plugin_name, plugins
from publisher.diagnostics import Code, Diagnostic, Place, Severity, Span, define, say
from publisher.diagnostics.catalogue import pages
from publisher.documents import TextFile
from publisher.errors import PluginError

UNUSABLE = define("unusable-rules", Severity.ERROR, fixed=True)
_ADVICE = say("correct it, or take it out of checks.rules in config.yaml")


@dataclass(frozen=True, slots=True)
class Rule:
    """Named rule; ``plugin`` is the file or package that provides it, and empty for a built-in rule."""

    name: str
    codes: tuple[Code, ...]
    check: Callable[[Context], Iterable[Diagnostic]] | None
    gather: Callable[[Any], Any] | None
    compare: Callable[[Any, frozenset[str] | None], Iterable[Diagnostic]] | None
    affected: Callable[[Mapping[str, Any], Mapping[str, Any]], set[str]] | None
    plugin: str = ""

    @property
    def key(self) -> str:
        """Key of its facts, unique even if a plug-in's rule has the name of another."""
        return self.plugin or self.name


def rules(config: Config | None) -> tuple[Rule, ...]:
    """Return all rules for a newsletter; for None, without those of files. Raises PluginError."""
    return (*own_rules(), *_packages(), *(_of_file(file) for file in (config.rule_files if config else ())))


def codes(config: Config | None) -> dict[str, Code]:
    """Return all codes by name, including those of plug-ins. Raises PluginError."""
    return every_code() | {code.name: code for rule in rules(config) if rule.plugin for code in rule.codes}


@cache
def own_rules() -> tuple[Rule, ...]:
    """The built-in rules, sorted by name."""
    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(_rule(importlib.import_module(f"{package.__name__}.{name}"), name) for name in names)


@cache
def _packages() -> tuple[Rule, ...]:
    found = []
    for entry in plugins(RULES).values():
        try:
            found.append(_rule(load_plugin(entry), entry.name, plugin_name(entry)))
        except ValueError as error:
            raise broken(entry, say("cannot be used: {reason}", reason=error)) from error
    return tuple(found)


@cache
def _of_file(file: TextFile) -> Rule:
    """Execute a rule file of the newsletter, once for each content, and return its rule. Raises PluginError."""
    name = file.path.rpartition("/")[2].removesuffix(".py")
    module = ModuleType(f"publisher_rules_{name}_{sha256(file.text.encode()).hexdigest()[:16]}")
    sys.modules[module.__name__] = module  # needed by dataclasses for annotations
    try:
        exec(compile(file.text, file.path, "exec"), vars(module))  # noqa: S102 - config.yaml lists the file
        return _rule(module, name, file.path)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        message = say("{path} cannot be used: {reason}", path=file.path, reason=in_a_line(error))
        raise PluginError(message, help=_ADVICE) from error


def unusable(config: Config) -> list[Diagnostic]:
    """Return findings for the newsletter's rule files that cannot be loaded, at the failing lines."""
    found = []
    for file in config.rule_files:
        try:
            _of_file(file)
        except PluginError as error:
            cause = error.__cause__ or error
            place = Place(file.path, Span.point(line_in(file.path, cause) or 1))
            message = say("the rule cannot be used: {error}", error=in_a_line(cause))
            found.append(UNUSABLE.at(place, message, help=_ADVICE))
    return found


def line_in(path: str, error: BaseException) -> int | None:
    """The last line of a file in an exception's traceback, or None."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == path]
    return lines[-1] if lines else None


def _rule(module: Any, name: str, plugin: str = "") -> Rule:
    """Create the rule of a module. Raises ValueError if a plug-in's module is invalid."""
    found = tuple(dict.fromkeys(value for value in vars(module).values() if isinstance(value, Code)))
    named = {each: getattr(module, each, None) for each in ("check", "gather", "compare", "affected")}
    rule = Rule(name.replace("_", "-"), found, **named, plugin=plugin)
    if not plugin:
        return rule
    if taken := [code.name for code in found if code.name in pages()]:
        raise ValueError(say("the code {code} is one of publisher's own", code=taken[0]))
    if (listed := getattr(module, "rules", None)) is not None:
        rule = replace(rule, check=lambda context: chain.from_iterable(one(context.issue) for one in listed))
    if not callable(rule.check) and not (callable(rule.gather) and callable(rule.compare)):
        wanted = say("it has to hold rules = [callable(issue)], or gather(issue) and compare(gathered, wanted)")
        raise ValueError(wanted)
    page = getdoc(module) or "It has no page."
    return replace(rule, codes=tuple(replace(code, page=code.page or page, fixed=False) for code in found))
