"""Providers of mail submission: one package each, behind :class:`Provider`, found by name and imported on first use."""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

from publisher.config.model import Config
from publisher.config.plugins import BUILT_IN, PROVIDERS, plugin_class, transport_names
from publisher.diagnostics import say
from publisher.mail.message import Composed, Envelope
from publisher.providers.events import Event, EventError
from publisher.providers.outcomes import Outcome, Verdict, submitted
from publisher.providers.provider import Provider, Quota, Transport
from publisher.providers.reading import object_of

__all__ = [
    "Composed", "Envelope", "Outcome", "Provider", "Quota", "Transport", "Verdict", "events_of", "first", "is_event",
    "open_provider", "open_transport", "providers", "read_events", "submitted",
]  # fmt: skip

Answer = TypeVar("Answer")


@cache
def _class(name: str) -> type[Provider]:
    if name in BUILT_IN:
        return import_module(f"{__name__}.{name}").PROVIDER  # type: ignore[no-any-return]
    return plugin_class(PROVIDERS, name, Provider)  # type: ignore[type-abstract]


def open_provider(config: Config) -> Provider:
    """Return the provider that ``config`` names."""
    return _class(config.delivery.transport)(config)


def open_transport(config: Config, *, single: bool = False) -> Transport:
    """Return the transport of the provider that ``config`` names; see :meth:`Provider.transport`."""
    return open_provider(config).transport(single=single)


def providers(config: Config) -> Iterator[Provider]:
    """Yield every provider, the configured one first: feedback may come from another one behind an SMTP relay."""
    yield open_provider(config)
    yield from (_class(name)(config) for name in transport_names() if name != config.delivery.transport)


def first(config: Config, ask: Callable[[Provider], Answer | None]) -> Answer | None:
    """Return the first answer that is not None, asking the configured provider before all others; otherwise None."""
    return next((answer for answer in map(ask, providers(config)) if answer is not None), None)


def is_event(value: Any) -> bool:
    """Whether a JSON value has a key of any provider's events."""
    return isinstance(value, dict) and any(not value.keys().isdisjoint(_class(n).event_keys) for n in transport_names())


def read_events(text: str) -> tuple[Event, ...]:
    """Return the events in a JSON text of any provider. Raises EventError."""
    return events_of(object_of(text))


def events_of(value: Any) -> tuple[Event, ...]:
    """Return the events in a JSON value of any provider. Raises EventError."""
    if isinstance(value, EventError):
        raise value
    if not isinstance(value, dict):
        raise EventError(say("not a JSON object"))
    for name in transport_names():
        if not value.keys().isdisjoint((provider := _class(name)).event_keys):
            return provider.events_of(value)
    raise EventError(say("it has the keys of no provider's event"))
