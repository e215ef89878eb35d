"""What became of one link: a value, and the pure reading of status codes and failures into it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from publisher.diagnostics import Sentence, say


class LinkState(StrEnum):
    """What is known of a link."""

    ALIVE = "alive"
    MOVED = "moved"  # answers, after a permanent redirect (RFC 9110 §15.4.2, §15.4.9)
    DEAD = "dead"  # certainly gone: 404, 410, no such host, redirects without end
    UNSURE = "unsure"  # did not answer as it should this time: time-out, 5xx, 429, TLS, refused to robots
    PRIVATE = "private"  # leads to an address no reader can reach

    @property
    def lasting(self) -> bool:
        """Whether it is worth remembering for a day; a passing trouble is not."""
        return self in {LinkState.ALIVE, LinkState.MOVED, LinkState.DEAD}


@dataclass(frozen=True, slots=True)
class LinkResult:
    """What became of a link. ``detail`` says it; ``target`` is where it has moved to."""

    state: LinkState
    detail: Sentence = say("the link is alive")  # noqa: RUF009 - it never changes
    target: str | None = None


_GONE = {404: say("not found"), 410: say("gone")}


def of_status(status: int) -> LinkResult:
    """The outcome of a final status code (RFC 9110 §15)."""
    if status < 400:
        return LinkResult(LinkState.ALIVE)
    if status in _GONE:
        return LinkResult(LinkState.DEAD, say("the link answers {status}: {why}", status=status, why=_GONE[status]))
    if status in {401, 402, 403, 406, 451, 999}:  # asks who we are; a reader's browser may well be let in
        return LinkResult(LinkState.UNSURE, say("the link answers {status}, perhaps only to programs", status=status))
    if status == 429:
        return LinkResult(LinkState.UNSURE, say("the link asks for fewer requests (429)"))
    if status >= 500:
        return LinkResult(LinkState.UNSURE, say("the link answers {status}: the server is in trouble", status=status))
    return LinkResult(LinkState.DEAD, say("the link answers {status}", status=status))
