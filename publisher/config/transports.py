"""The names that ``delivery.transport`` may have: our own, and those of other packages' entry points."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from publisher.diagnostics import say
from publisher.documents.validate import BAD_VALUE, refuse

BUILT_IN = ("folder", "smtp", "ses", "postmark")
"""Each is a folder of :mod:`publisher.providers`."""
GROUP = "publisher.providers"


@cache
def plugins() -> dict[str, EntryPoint]:
    """The providers that other packages bring, by name; a name of ours stays ours."""
    return {found.name: found for found in entry_points(group=GROUP) if found.name not in BUILT_IN}


def transport_names() -> tuple[str, ...]:
    """Every name, ours first."""
    return (*BUILT_IN, *sorted(plugins()))


def known_transport(value: str) -> str:
    """``value``, where there is such a provider. Nothing is imported to know."""
    if value in BUILT_IN or value in plugins():
        return value
    *others, last = (repr(name) for name in transport_names())
    message = say("delivery.transport cannot be {value!r}", value=value[:40])
    raise refuse(BAD_VALUE, message, say("write {others} or {last}", others=", ".join(others), last=last))
