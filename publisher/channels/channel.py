"""A channel that issues are announced on: what the package may ask of one, and how it is found."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from publisher.config import Config
from publisher.config.model import ChannelConfig
from publisher.config.plugins import CHANNELS, broken, load_plugin, plugins
from publisher.edition.model import Edition
from publisher.errors import UsageError


@dataclass(frozen=True, slots=True)
class Post:
    """What is announced: plain text. ``summary`` is the subtitle, else the preheader; ``text`` the body, finished."""

    slug: str
    title: str
    summary: str
    url: str
    language: str
    text: str


class RefusedError(Exception):
    """It is certain that nothing was posted. The message is a code without any address: it is kept and shown."""


class Channel(ABC):
    """A subclass is named by the entry point whose name is ``name``. ``address`` comes from the environment."""

    name: ClassVar[str]

    @abstractmethod
    def __init__(self, address: str) -> None:
        """Raises UsageError where the address cannot be used, or a library is missing. Calls nobody."""

    @abstractmethod
    def post(self, post: Post) -> None:
        """Hand it over, once. Raises RefusedError; whatever else it raises makes the outcome uncertain."""


def open_channels(config: Config) -> dict[str, Channel]:
    """Every channel of config.yaml by name. Raises UsageError (no address, no library), PluginError."""
    found = {}
    for one in config.channels:
        address = os.environ.get(one.variable, "").strip()
        if not address:
            told = f"the channel {one.name} has no address"
            raise UsageError(told, help=f"set {one.variable} to it where publisher runs, or delete it from channels")
        found[one.name] = _class(one.via)(address)
    return found


@cache
def _class(name: str) -> type[Channel]:
    if name == "apprise":
        from publisher.channels.announcer import AppriseChannel

        return AppriseChannel
    found = load_plugin(plugins(CHANNELS)[name])
    if not (isinstance(found, type) and issubclass(found, Channel) and found.__dict__.get("name") == name):
        raise broken(plugins(CHANNELS)[name], f"is not a Channel whose name is {name!r}")
    return found


def channels_for(config: Config, edition: Edition) -> list[str]:
    """The names of the channels that an issue is announced on."""
    topics = {topic.casefold() for topic in edition.topics}
    return [
        one.name
        for one in config.channels
        if (one.language is None or f"{edition.language}-".lower().startswith(f"{one.language}-".lower()))
        and (not one.tags or any(tag.casefold() in topics for tag in one.tags))
    ]


def post_of(config: Config, channel: ChannelConfig, edition: Edition) -> Post:
    """The announcement of an issue on a channel."""
    summary = edition.subtitle or edition.preheader
    values: Mapping[str, str] = {
        "title": edition.title,
        "summary": summary,
        "url": f"{config.newsletter.url.rstrip('/')}/issues/{edition.slug}/",
        "newsletter": config.newsletter.name,
    }
    text = channel.fill(values)
    return Post(edition.slug, edition.title, summary, values["url"], edition.language, text)
