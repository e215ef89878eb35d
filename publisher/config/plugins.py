"""Plug-ins of other packages, found by entry point and imported on demand: providers, channels and rules."""

import traceback
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from publisher.diagnostics import listed, say
from publisher.documents.validate import refuse
from publisher.errors import PluginError, without_addresses

PROVIDERS, RULES, CHANNELS = "publisher.providers", "publisher.rules", "publisher.channels"
BUILT_IN = ("folder", "smtp", "ses", "postmark")
"""Folders of :mod:`publisher.providers`; a plug-in cannot replace one of these names."""
_TAKEN = {PROVIDERS: BUILT_IN, CHANNELS: ("apprise",)}
Kind = TypeVar("Kind")


@cache
def plugins(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group, by name. Imports nothing."""
    taken = _TAKEN.get(group, ())
    return {found.name: found for found in sorted(entry_points(group=group)) if found.name not in taken}


def plugin_name(entry: EntryPoint) -> str:
    """A plug-in's name for messages, with the name of its package."""
    return f"{entry.name} of {entry.dist.name} {entry.dist.version}" if entry.dist else entry.name


def broken(entry: EntryPoint, told: str) -> PluginError:
    """A PluginError for a plug-in that cannot be used."""
    package = entry.dist.name if entry.dist else entry.name
    advice = say("mend it, or uninstall {package}", package=package)
    return PluginError(say("the plug-in {name} {told}", name=plugin_name(entry), told=told), help=advice)


def load_plugin(entry: EntryPoint) -> Any:
    """Import the object of an entry point. Raises PluginError for any exception of its code."""
    try:
        return entry.load()
    except (Exception, SystemExit) as error:
        raise broken(entry, say("cannot be loaded: {reason}", reason=in_a_line(error))) from error


def plugin_class(group: str, name: str, base: type[Kind]) -> type[Kind]:
    """The subclass of ``base`` at the entry point ``name``, whose ``name`` must be the same. Raises PluginError."""
    entry = plugins(group)[name]
    found = load_plugin(entry)
    if not (isinstance(found, type) and issubclass(found, base) and found.__dict__.get("name") == name):
        raise broken(entry, say("is not a {kind} whose name is {name!r}", kind=base.__name__, name=name))
    return found


def plugin_error_of(error: BaseException) -> PluginError | None:
    """A PluginError if ``error`` was raised through a plug-in's code, otherwise None."""
    modules = {
        entry.module.partition(".")[0]: entry
        for name in (PROVIDERS, RULES, CHANNELS)
        for entry in plugins(name).values()
    }
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if entry := modules.get(str(frame.f_globals.get("__name__")).partition(".")[0]):
            return broken(entry, say("failed: {reason}", reason=in_a_line(error)))
    return None


def in_a_line(error: BaseException) -> str:
    """Type and message of an exception, without addresses that a provider's message may quote."""
    return without_addresses(f"{type(error).__name__}: {error}")


def transport_names() -> tuple[str, ...]:
    """The possible values of ``delivery.transport``, built-in ones first."""
    return (*BUILT_IN, *plugins(PROVIDERS))


def known_transport(value: str) -> str:
    """Validate that there is such a provider."""
    return value if value in BUILT_IN else _known(value, "delivery.transport", transport_names())


def known_channel(value: str) -> str:
    """Validate that there is such a kind of channel."""
    return _known(value, "via", (*_TAKEN[CHANNELS], *plugins(CHANNELS)))


def _known(value: str, key: str, names: tuple[str, ...]) -> str:
    if value in names:
        return value
    *others, last = (repr(name) for name in names)
    message = say("{key} cannot be {value!r}", key=key, value=value[:40])
    write = say("write {others} or {last}", others=listed(others), last=last)
    raise refuse(message, write if others else say("write {words}", words=last))
