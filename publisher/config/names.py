"""Names in config.yaml that are defined by higher packages: codes in ``checks.levels``, words in ``labels``.

Imports go from higher to lower packages only, so these are imported dynamically, and only if config.yaml uses them.
"""

import difflib
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Named
from functools import cache

from pydantic_core import PydanticCustomError

from publisher.config.model import Config
from publisher.diagnostics import Code, Diagnostic, Fault, Place, Severity, catalogue, define, either, listed, say
from publisher.documents import Entry, Mapping, find
from publisher.documents.validate import BAD_VALUE, UNKNOWN_KEY, canonical_language
from publisher.language import Locale, covers, nearest, spoken
from publisher.language.locale import CATEGORIES, LABELS, labels

UNKNOWN_LEVEL = define("level-of-unknown-code", Severity.ERROR, fixed=True)
FIXED_LEVEL = define("level-of-fixed-code", Severity.ERROR, fixed=True)
UNKNOWN_LANGUAGE = define("language-unknown", Severity.WARNING)
_ROOMS = ("publisher.checks", "publisher.config", "publisher.edition", "publisher.channels")
PLACEHOLDER = re.compile(r"%\((?P<old>\w+)\)[sd]|\{(?P<new>\w+)\}")
"""A placeholder: ``%(count)d`` or ``%(count)s`` in the words of the edition, ``{count}`` in all other words."""
_ANY_PLACEHOLDER = re.compile(r"%\((\w*)\)[sd]?|\{(\w+)\}")


@cache
def every_code() -> dict[str, Code]:
    """The whole catalogue of codes by name; imports every module that may register one."""
    for room in _ROOMS:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            importlib.import_module(module.name)
    return catalogue()


@cache
def every_word() -> Named[str, Named[str, str]]:
    """The names allowed in ``labels``, each with its placeholders and how they are written."""
    words: dict[str, Named[str, str]] = {}
    for name, texts in labels().items():
        everywhere = "{newsletter}" if name.startswith(LABELS["service"]) else ""
        places = PLACEHOLDER.finditer("".join([*texts, everywhere]))
        words[name] = {found["old"] or found["new"]: found[0] for found in places}
    return words


def unsupported_language(language: str, config: Config) -> Fault | None:
    """Findings for a language that has no catalog, unless ``labels`` provides every word."""
    name = nearest(language)
    if name and covers(name, language):
        return None
    own = dict(Locale.of(language, config.labels).labels)
    if own and own.keys() >= {word for word in labels() if not word.endswith(CATEGORIES)}:
        return None
    known, other = listed(one.replace("_", "-") for one in spoken()), (name or "en").replace("_", "-")
    told = say("publisher has no {language} translation: readers would see {other}", language=language, other=other)
    advice = say("the languages are {known}; labels in config.yaml can hold the words of another", known=known)
    return Fault(UNKNOWN_LANGUAGE, told, advice)


def wrong_names(path: str, node: Mapping, config: Config) -> list[Diagnostic]:
    """Findings for unknown names in config.yaml (``path``) and in the rule files it lists, each at its place."""
    levels, own = find(node, ("checks", "levels")), node.get("labels")
    found: list[Diagnostic] = []
    if config.rule_files or config.checks.levels:
        registry = importlib.import_module("publisher.checks.registry")
        found += registry.unusable(config)
        if isinstance(levels, Mapping) and not found:
            found += _levels(path, levels.entries, registry.codes(config))
    for language in own.entries if isinstance(own, Mapping) else ():
        found += _language(path, language)
        for word in language.value.entries if isinstance(language.value, Mapping) else ():
            found += _word(path, word)
    return found


def _levels(path: str, entries: Iterable[Entry], known: Named[str, Code]) -> Iterator[Diagnostic]:
    for entry in entries:
        name, place = entry.key.text, Place(path, entry.key.span)
        if name not in known:
            near = difflib.get_close_matches(name, known, 3)
            advice = say("write {words}", words=either(near)) if near else say("publisher explain shows every code")
            yield UNKNOWN_LEVEL.at(place, say("there is no code {name}", name=name), help=advice)
        elif known[name].fixed:
            message = say("{name} prevents building or guards readers: its level cannot be changed", name=name)
            yield FIXED_LEVEL.at(place, message, help=say("delete the line"))


def _language(path: str, entry: Entry) -> Iterator[Diagnostic]:
    try:
        canonical_language(entry.key.text.replace("_", "-"))
    except PydanticCustomError as error:
        said = error.context or {}
        yield BAD_VALUE.at(Place(path, entry.key.span), say("labels: {told}", told=said["message"]), help=said["help"])


def _word(path: str, entry: Entry) -> Iterator[Diagnostic]:
    name, place = entry.key.text, Place(path, entry.key.span)
    if name not in every_word():
        near = difflib.get_close_matches(name, every_word(), 1, 0.7)
        ends = sorted(word for word in every_word() if word.partition("_")[2] == name)
        advice = say("write one of {names}", names=listed(w for w in every_word() if "_" not in w))
        if near or ends:
            advice = say("write {words}", words=either(near or ends[:3]))
        yield UNKNOWN_KEY.at(place, say("there is no word {name} in what readers see", name=name), help=advice)
        return
    filled = every_word()[name]
    for found in _ANY_PLACEHOLDER.finditer(getattr(entry.value, "text", "")):
        inside = found[1] or found[2] or ""
        near = [filled[one] for one in difflib.get_close_matches(inside, filled, 1, 0.6)]
        if filled.get(inside, " ")[:-1] == found[0][:-1] or (found[2] and not near):
            continue  # valid with %s or %d, or the braces are the author's own
        advice = say("write {words}", words=either(near or sorted(filled.values()))) if filled else say("delete it")
        message = say("{place} is not filled in here: readers would see it as it is", place=found[0])
        yield BAD_VALUE.at(Place(path, entry.value.span), message, help=advice)
