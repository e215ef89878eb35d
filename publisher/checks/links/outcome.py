"""What became of one link: a value, and the pure reading of status codes and failures into it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What is known of a link."""

    ALIVE = "alive"
    MOVED = "moved"  # answers, after a permanent redirect (RFC 9110 §15.4.2, §15.4.9)
    DEAD = "dead"  # certainly gone: 404, 410, no such host, redirects without end
    UNSURE = "unsure"  # did not answer as it should this time: time-out, 5xx, 429, TLS, refused to robots
    PRIVATE = "private"  # leads to an address no reader can reach

    @property
    def lasting(self) -> bool:
        """Whether it is worth remembering for a day; a passing trouble is not."""
        return self in {State.ALIVE, State.MOVED, State.DEAD}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a link. ``detail`` completes "the link …"; ``target`` is where it has moved to."""

    state: State
    detail: str = ""
    target: str | None = None


def of_status(status: int) -> Outcome:
    """The outcome of a final status code (RFC 9110 §15)."""
    if status < 400:
        return Outcome(State.ALIVE)
    if status in {404, 410}:
        return Outcome(State.DEAD, f"answers {status}: {'gone' if status == 410 else 'not found'}")
    if status in {401, 402, 403, 406, 451, 999}:  # asks who we are; a reader's browser may well be let in
        return Outcome(State.UNSURE, f"answers {status}, perhaps only to programs")
    if status == 429:
        return Outcome(State.UNSURE, "asks for fewer requests (429)")
    if status >= 500:
        return Outcome(State.UNSURE, f"answers {status}: the server is in trouble")
    return Outcome(State.DEAD, f"answers {status}")
