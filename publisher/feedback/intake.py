"""Three ways in for events: a file of lines, bodies from a queue, and one request from SNS. All end in an Applier."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

from publisher.config import Config
from publisher.database import Database
from publisher.errors import DatabaseError, ServiceError
from publisher.feedback.apply import Applied, Applier
from publisher.feedback.certificates import Certificates, Topic
from publisher.feedback.events import Event, Unknown
from publisher.feedback.scrub import scrub
from publisher.feedback.ses import RAW_LIMIT, EventError, is_greeting, parse
from publisher.feedback.sns import RefusedError, SnsMessage, confirm_subscription, verify

LINE_LIMIT = 1_000_000
"""Bytes of a line: four times what SNS carries."""
BATCH = 500
"""Lines a commit."""
MOST_FAULTS = 100
"""Malformed lines that are told one by one; all are counted."""


def apply_lines(applier: Applier, stream: IO[bytes], *, progress: Callable[[int], None] = lambda _bytes: None) -> None:
    """Apply a JSONL stream in constant memory; what is no event is noted with its line number in ``applied``.

    Safe to repeat, also after a part of it was applied. Raises DatabaseError.
    """
    batch: list[Event] = []
    for count, (number, line) in enumerate(_lines(stream), start=1):
        progress(len(line))
        try:
            batch += _parse_line(line)
        except EventError as error:
            _note_fault(applier.applied, f"line {number}", str(error))
        if count % BATCH == 0:
            applier.apply(batch)
            batch = []
    applier.apply(batch)
    applier.settle_waiting()


def take_in(applier: Applier, bodies: Sequence[str]) -> None:
    """Apply the bodies of a queue's messages in one commit. What is no event is kept too, for the queue forgets it."""
    events: list[Event] = []
    for body in bodies:
        try:
            events += parse(body)
        except EventError as error:
            _note_fault(applier.applied, "a message of the queue", str(error))
            events.append(_unreadable(body))
    applier.apply(events)


@dataclass(frozen=True, slots=True)
class Received:
    """The answer to a request of SNS: an HTTP status, and the reason for the log. Neither holds an address."""

    status: int
    reason: str
    applied: Applied | None = None


def believe(
    body: bytes,
    *,
    config: Config,
    certificates: Certificates,
    confirm: Callable[[Topic, str], None] = confirm_subscription,
    now: datetime | None = None,
) -> SnsMessage | Received:
    """Check one POST of SNS; a notification comes back to be kept, all else is answered at once.

    May wait seconds for a certificate or for the API, and touches no database: call it in a thread of its own.
    """
    try:
        message = verify(body, topics=config.service.sns_topics, certificates=certificates, now=now)
        if message.type == "SubscriptionConfirmation":
            confirm(message.topic, message.token or "")
            return Received(200, f"the subscription to {message.topic.arn} is confirmed")
    except RefusedError as error:
        return Received(error.status, error.reason)
    except ServiceError as error:
        return Received(503, error.message)
    if message.type == "UnsubscribeConfirmation":
        return Received(200, f"SNS ended the subscription to {message.topic.arn}: subscribe again if that is wrong")
    return message


def keep(message: SnsMessage, *, database: Database, config: Config) -> Received:
    """Take in a notification that was believed, once: 200 now or before, 503 try again later."""
    applier = Applier(database, config)
    try:
        events = () if is_greeting(message.body) else parse(message.body)
    except EventError as error:
        _note_fault(applier.applied, "a message of SNS", str(error))
        events = (_unreadable(message.body),)
    try:
        fresh = applier.apply(events, message=message.id)
        return Received(200, "taken in" if fresh else "taken in before", applier.applied)
    except DatabaseError as error:
        return Received(503, error.message)


def receive(
    body: bytes,
    *,
    database: Database,
    config: Config,
    certificates: Certificates,
    confirm: Callable[[Topic, str], None] = confirm_subscription,
    now: datetime | None = None,
) -> Received:
    """Both steps in one: 200 taken in, now or before; 400, 403, 413 refused; 503 try again later."""
    found = believe(body, config=config, certificates=certificates, confirm=confirm, now=now)
    return found if isinstance(found, Received) else keep(found, database=database, config=config)


def _unreadable(body: str) -> Event:
    return Event(Unknown("unreadable", scrub(body, RAW_LIMIT)), "", datetime.now(UTC))


def _note_fault(applied: Applied, where: str, why: str) -> None:
    applied.faults += 1
    if len(applied.malformed) < MOST_FAULTS:
        applied.malformed.append((where, why))


def _parse_line(line: bytes) -> tuple[Event, ...]:
    if len(line) > LINE_LIMIT:
        raise EventError("the line is too long")
    try:
        return parse(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise EventError("not UTF-8") from None


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, the blank left out. Of a line that is too long only the beginning is held."""
    number = 0
    while line := stream.readline(LINE_LIMIT + 2):
        number += 1
        rest = line
        while not rest.endswith(b"\n") and len(rest) > LINE_LIMIT:
            rest = stream.readline(LINE_LIMIT + 2)
        if line.strip():
            yield number, line
