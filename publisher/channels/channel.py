"""Channels on which issues are announced: their interface, and how they are found."""

import logging
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from publisher.config import Config
from publisher.config.model import ChannelConfig
from publisher.config.plugins import CHANNELS, plugin_class
from publisher.diagnostics import say
from publisher.edition.model import Edition
from publisher.errors import UsageError


@dataclass(frozen=True, slots=True)
class Post:
    """Announcement in plain text. ``summary`` is the subtitle, otherwise the preheader; ``text`` is the final body."""

    slug: str
    title: str
    summary: str
    url: str
    language: str
    text: str


class RefusedError(Exception):
    """Certain failure: nothing was posted. The message is a code without any address: it is stored and shown."""


class Channel(ABC):
    """Base class of channels. A subclass's entry point is called ``name``; ``address`` comes from the environment."""

    name: ClassVar[str]

    @abstractmethod
    def __init__(self, address: str) -> None:
        """Open the channel. Raises UsageError if the address is invalid or a library is missing. No network call."""

    @abstractmethod
    def post(self, post: Post) -> None:
        """Post once. Raises RefusedError if certainly nothing was posted; any other error means uncertain."""


def open_channels(config: Config) -> dict[str, Channel]:
    """Open the channels of config.yaml, by name. Raises UsageError (no address, no library), PluginError."""
    found = {}
    for one in config.channels:
        address = os.environ.get(one.variable, "").strip()
        if not address:
            told = say("the channel {name} has no address", name=one.name)
            advice = say("set {variable} to it where publisher runs, or delete it from channels", variable=one.variable)
            raise UsageError(told, help=advice)
        found[one.name] = _class(one.via)(address)
    return found


@cache
def _class(name: str) -> type[Channel]:
    if name == "apprise":
        return AppriseChannel
    return plugin_class(CHANNELS, name, Channel)  # type: ignore[type-abstract]


def channels_for(config: Config, edition: Edition) -> list[str]:
    """The names of the channels on which an issue is announced."""
    language = f"{edition.language}-".lower()
    return [one.name for one in config.channels if not one.language or language.startswith(f"{one.language}-".lower())]


def post_of(config: Config, channel: ChannelConfig, edition: Edition) -> Post:
    """Create the announcement of an issue on a channel."""
    summary = edition.subtitle or edition.preheader
    values: Mapping[str, str] = {
        "title": edition.title,
        "summary": summary,
        "url": f"{config.newsletter.url.rstrip('/')}/issues/{edition.slug}/",
        "newsletter": config.newsletter.name,
    }
    text = channel.fill(values)
    return Post(edition.slug, edition.title, summary, values["url"], edition.language, text)


_ANSWERED = re.compile(r"\berror=(4\d\d)\b")
_UNREACHED = re.compile(r"NewConnectionError|ConnectTimeoutError|NameResolutionError")


class AppriseChannel(Channel):
    """Channel through one service of apprise. Only an error code of its log, which contains addresses, is kept."""

    name = "apprise"

    def __init__(self, address: str) -> None:
        try:
            import apprise
        except ImportError as error:
            advice = "pip install 'newsletter-publisher[channels]'"
            raise UsageError(say("announcements need apprise"), help=advice) from error
        apprise.logger.propagate = False  # its log, and that of the HTTP library, contains addresses
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
        self._apprise = apprise
        self._to = apprise.Apprise()
        with apprise.LogCapture():  # type: ignore[no-untyped-call] # which would print the address that it cannot read
            known = self._to.add(address)
        if not known or len(self._to) != 1:
            unknown = say("the address of a channel is none that apprise knows")
            told = say("a channel has one address") if known else unknown
            raise UsageError(told, help=say("see apprise's list of services for its form; a channel has one"))
        self._to[0].retry = 0  # a missing answer must not cause a second post

    def post(self, post: Post) -> None:
        """See :class:`Channel`."""
        apprise = self._apprise
        with apprise.LogCapture(level=logging.DEBUG, fmt="%(message)s") as log:
            done = self._to.notify(title=post.title, body=post.text, body_format=apprise.NotifyFormat.TEXT)
            said = log.getvalue()
        if done:
            return
        to = self._to[0]
        if len(to) > 1 or to.overflow_mode == apprise.OverflowMode.SPLIT:  # another target or part may have been posted
            raise TimeoutError("no certain answer")
        if answered := _ANSWERED.search(said):
            raise RefusedError(f"status-{answered[1]}")
        if _UNREACHED.search(said):
            raise RefusedError("unreached")
        raise TimeoutError("no certain answer")
