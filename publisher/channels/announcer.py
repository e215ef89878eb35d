"""Announcements through apprise, which knows some hundred services by the URL of a channel."""

from __future__ import annotations

import logging
import re

from publisher.channels.channel import Channel, Post, RefusedError
from publisher.errors import UsageError

_ANSWERED = re.compile(r"\berror=(4\d\d)\b")
_UNREACHED = re.compile(r"NewConnectionError|ConnectTimeoutError|NameResolutionError")


class AppriseChannel(Channel):
    """One service of apprise. Its log says why a post failed; it holds addresses, so none of it is kept but a code."""

    name = "apprise"

    def __init__(self, address: str) -> None:
        try:
            import apprise
        except ImportError as error:
            advice = "pip install 'newsletter-publisher[channels]'"
            raise UsageError("announcements need apprise", help=advice) from error
        apprise.logger.propagate = False  # its lines hold addresses, and so do those of what it calls with
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
        self._apprise = apprise
        self._to = apprise.Apprise()
        with apprise.LogCapture():  # type: ignore[no-untyped-call] # which would print the address that it cannot read
            known = self._to.add(address)
        if not known or len(self._to) != 1:
            told = "the address of a channel is none that apprise knows" if not known else "a channel has one address"
            raise UsageError(told, help="see apprise's list of services for its form; a channel has one")
        self._to[0].retry = 0  # a lost answer is not an order to post again

    def post(self, post: Post) -> None:
        """See :class:`Channel`."""
        apprise = self._apprise
        with apprise.LogCapture(level=logging.DEBUG, fmt="%(message)s") as log:
            done = self._to.notify(title=post.title, body=post.text, body_format=apprise.NotifyFormat.TEXT)
            said = log.getvalue()
        if done:
            return
        to = self._to[0]
        if len(to) > 1 or to.overflow_mode == apprise.OverflowMode.SPLIT:  # another target, or part, may be there
            raise TimeoutError("no certain answer")
        if answered := _ANSWERED.search(said):
            raise RefusedError(f"status-{answered[1]}")
        if _UNREACHED.search(said):
            raise RefusedError("unreached")
        raise TimeoutError("no certain answer")
