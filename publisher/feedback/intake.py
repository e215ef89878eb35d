"""Entry points for events: a file, a mailbox, messages of a queue, and a webhook request. All use an Applier."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from publisher.audience.csvfile import PACKED
from publisher.audience.tokens import TokenPayload, Tokens
from publisher.config import Config
from publisher.database import Database
from publisher.delivery.settle import recipient_of
from publisher.diagnostics import message_of, say
from publisher.errors import DatabaseError, ServiceError, UsageError
from publisher.feedback.apply import Applied, Applier
from publisher.feedback.reading import Unpacked, documents, is_mail, messages_in, messages_of, unpacked
from publisher.feedback.reports import is_automatic_reply, parse_mail, read_report
from publisher.providers import events_of, read_events
from publisher.providers.events import Event, EventError
from publisher.providers.provider import Notice, Webhook, WebhookRefusedError
from publisher.providers.reading import unreadable

BATCH = 500  # events per commit
Found = tuple[str | int, tuple[Event, ...] | EventError]
"""Place in a file or mailbox, and the events there or the error."""
MOST_FAULTS = 100  # malformed lines that are listed; all are counted


def apply_path(
    applier: Applier, path: Path, tokens: Callable[[], Tokens], progress: Callable[[int], None] = lambda _: None
) -> None:
    """Apply a file of events or a mailbox; see :func:`apply_stream`. Raises OSError, DatabaseError, UsageError."""
    if not path.is_dir():
        with path.open("rb") as stream:
            apply_stream(applier, stream, tokens, progress)
        return
    _apply(applier, _reports(applier, tokens(), messages_in(path)))


def apply_stream(
    applier: Applier, stream: IO[bytes], tokens: Callable[[], Tokens], progress: Callable[[int], None] = lambda _: None
) -> None:
    """Apply JSON events or mailed reports in bounded memory; anything else is noted in ``applied``.

    Safe to repeat, even after a partial run. Raises OSError, DatabaseError, and UsageError: an archive, or no keys for
    mail.
    """

    def found() -> Iterator[Found]:
        plain = unpacked(stream)
        if plain.peek(4).startswith(PACKED):
            way = say("unpack it, and name a file of it")
            raise UsageError(say("this is a spreadsheet or an archive, not a file of events"), help=way)
        if is_mail(plain):
            yield from _reports(applier, tokens(), messages_of(plain))
        else:
            yield from ((number, _events(value)) for number, value in documents(plain, progress))
        if isinstance(plain.raw, Unpacked) and plain.raw.broken:
            yield say("the rest"), EventError(say("the gzip file is broken from here on"))

    _apply(applier, found())


def _apply(applier: Applier, found: Iterable[Found]) -> None:
    batch: list[Event] = []
    for where, events in found:
        if isinstance(events, EventError):
            _note_fault(applier.applied, where, message_of(events))
            continue
        batch += events
        if len(batch) >= BATCH:
            applier.apply(batch)
            batch = []
    applier.apply(batch)
    applier.settle_waiting()


def _events(value: object) -> tuple[Event, ...] | EventError:
    try:
        return events_of(value)
    except EventError as error:
        return error


def _reports(applier: Applier, tokens: Tokens, messages: Iterable[tuple[str, bytes]]) -> Iterator[Found]:
    for where, data in messages:
        try:
            message = parse_mail(data)
            if is_automatic_reply(message):
                applier.applied.replies += 1
                continue
            yield where, (_with_recipient(applier.database, *read_report(message, tokens)),)
        except EventError as error:
            yield where, error


def _with_recipient(database: Database, event: Event, claim: TokenPayload) -> Event:
    with database.connect() as connection:
        recipient = recipient_of(connection, claim.mailing or "", claim.reference)
    if recipient is None:
        raise EventError(say("about a message that is not in this ledger"))
    return replace(event, recipient=recipient)


def take_in(applier: Applier, bodies: Sequence[str]) -> None:
    """Apply queue messages in one commit. A body that is not an event is stored too, because the queue deletes it."""
    events: list[Event] = []
    for body in bodies:
        try:
            events += read_events(body)
        except EventError as error:
            _note_fault(applier.applied, say("a message of the queue"), message_of(error))
            events.append(unreadable(body))
    applier.apply(events)


@dataclass(frozen=True, slots=True)
class Received:
    """Answer to a webhook request: an HTTP status and the reason for the log, without any address."""

    status: int
    reason: str
    applied: Applied | None = None


def believe(webhook: Webhook, body: bytes, headers: Mapping[str, str]) -> Notice | Received:
    """Check one request. Return a notice if there is something to store, otherwise the answer.

    May wait seconds for the network and does not use the database: call it in its own thread.
    """
    try:
        notice = webhook.believe(body, headers)
    except WebhookRefusedError as error:
        return Received(error.status, error.reason)
    except ServiceError as error:
        return Received(503, error.message)
    return Received(200, notice.note) if notice.note else notice


def keep(notice: Notice, *, database: Database, config: Config) -> Received:
    """Apply a notice once. The status is 200 if it was applied now or before, 503 if the provider should try again."""
    applier = Applier(database, config)
    if notice.fault:
        _note_fault(applier.applied, "a request", notice.fault)
    try:
        fresh = applier.apply(notice.events, message=notice.id or None)
        return Received(200, "taken in" if fresh else "taken in before", applier.applied)
    except DatabaseError as error:
        return Received(503, error.message)


def _note_fault(applied: Applied, where: str | int, why: str) -> None:
    applied.faults += 1
    if len(applied.malformed) < MOST_FAULTS:
        applied.malformed.append((say("line {n}", n=where) if isinstance(where, int) else where, why))
