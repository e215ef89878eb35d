"""What readers do, as database transactions. All of it blocks: call it in a thread.

A link that we signed proves access to the mailbox; no other proof is asked for, and none is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from publisher.audience import store
from publisher.audience.address import Address
from publisher.audience.columns import language_tag, time_zone
from publisher.audience.model import MONTHLY, ConsentEvent, ConsentSource, ConsentState, Subscriber, shifted
from publisher.audience.series import enrol, known_series
from publisher.audience.store import Evidence
from publisher.audience.suppressions import Reason, clear_erasure, end_silence, release, suppression
from publisher.audience.tokens import TokenPayload
from publisher.config import Config
from publisher.config.audience import AttributeConfig, fits
from publisher.database import Database
from publisher.delivery.mailings import links_mailed
from publisher.feedback.store import ClickSums, count_clicks
from publisher.web import outbox
from publisher.web.forms import Fields

ASK_AGAIN = timedelta(minutes=5)  # least time between two confirmation mails to a subscriber


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """Contents of a subscribe form."""

    address: Address
    name: str
    language: str | None
    topics: tuple[str, ...]
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Request to unsubscribe: who, how, and the evidence."""

    reference: str
    how: ConsentSource
    evidence: Evidence


class Readers:
    """Actions of readers, each one transaction. On PostgreSQL any may raise ConflictError, and is to be retried."""

    def __init__(self, database: Database, series: Callable[[], set[str]] = set) -> None:
        """``series`` returns the series of the checkout, if any; the database has those of the last publish."""
        self._database, self._series = database, series

    def alive(self) -> None:
        """Raise DatabaseError if the database does not answer or its file was replaced."""
        self._database.refuse_replaced()
        with self._database.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    def ask(self, wish: SubscribeRequest, evidence: Evidence) -> bool:
        """Ask the address to confirm. Return whether a mail is now in the outbox; False if none may be sent.

        The stored data of a known subscriber does not change: anyone can enter any address into a form. Raises
        ConflictError if another machine adds the same new address at the same time.
        """
        with self._database.begin() as connection:
            held = suppression(connection, wish.address.mailbox_key)
            if held and held.reason is not Reason.SILENT:
                return False
            subscriber = store.find(connection, wish.address)
            if subscriber is None:
                subscriber = store.add(
                    connection, wish.address, how=ConsentSource.FORM, state=ConsentState.PENDING, name=wish.name,
                    language=wish.language, timezone=wish.timezone, topics=wish.topics, evidence=evidence,
                )  # fmt: skip
            at = store.now()
            if not store.ask_now(connection, subscriber.id, at, ASK_AGAIN):
                return False
            outbox.enter(connection, subscriber.id, at)
            return True

    def find(self, reference: str) -> Subscriber | None:
        """Return the subscriber that a token names, or None."""
        with self._database.connect() as connection:
            return store.find(connection, reference)

    def link(self, slug: str, number: int) -> str | None:
        """Return the target of a counted link in the mail of an issue, or None."""
        with self._database.connect() as connection:
            return links_mailed(connection, slug).get(slug, {}).get(number)

    def count(self, sums: ClickSums) -> None:
        """Add to the stored click sums."""
        with self._database.begin() as connection:
            count_clicks(connection, sums)

    def confirm(self, claim: TokenPayload, evidence: Evidence) -> Subscriber | None:
        """Confirm the subscriber and enrol them in every series. None if the link names no subscriber, or was made
        before they unsubscribed.
        """
        here = self._series()
        with self._database.begin() as connection:
            subscriber = store.find(connection, claim.reference)
            if subscriber is None or _is_stale(connection, subscriber, claim):
                return None
            if store.confirm(connection, subscriber, ConsentSource.LINK, evidence):
                enrol(connection, [subscriber.id], here | known_series(connection), store.now())
            clear_erasure(connection, subscriber.mailbox_key)
            end_silence(connection, subscriber, ConsentSource.LINK, evidence)
            return subscriber

    def keep(self, reference: str, evidence: Evidence) -> Subscriber | None:
        """Record that the person still reads. Lifts a suppression for silence; undoes no unsubscription."""
        with self._database.begin() as connection:
            subscriber = store.find(connection, reference)
            if subscriber is not None:
                store.record(connection, subscriber.id, ConsentEvent.KEPT, ConsentSource.LINK, evidence)
                release(connection, subscriber.mailbox_key, Reason.SILENT)
            return subscriber

    def leave(self, departures: Iterable[Unsubscribe]) -> list[Subscriber | None]:
        """Unsubscribe all in one transaction; None for a link that names no subscriber, who needs no unsubscription."""
        with self._database.begin() as connection:
            return [self._leave(connection, departure) for departure in departures]

    def _leave(self, connection: Connection, departure: Unsubscribe) -> Subscriber | None:
        subscriber = store.find(connection, departure.reference)
        if subscriber is not None:
            store.unsubscribe(connection, subscriber, departure.how, departure.evidence)
        return subscriber

    def stay(self, reference: str, evidence: Evidence) -> Subscriber | None:
        """Undo the unsubscription."""
        with self._database.begin() as connection:
            subscriber = store.find(connection, reference)
            if subscriber is not None:
                store.stay(connection, subscriber, ConsentSource.LINK, evidence)
                end_silence(connection, subscriber, ConsentSource.LINK, evidence)
            return subscriber

    def prefer(
        self, reference: str, read: Callable[[Subscriber], Choices], evidence: Evidence
    ) -> tuple[Subscriber, Choices] | None:
        """Save the choices that ``read`` returns, if none is wrong. None if the link names no subscriber."""
        with self._database.begin() as connection:
            subscriber = store.find(connection, reference)
            if subscriber is None:
                return None
            choices = read(subscriber)
            if not choices.wrong:
                store.prefer(connection, subscriber, ConsentSource.LINK, evidence=evidence, **choices.columns)
                end_silence(connection, subscriber, ConsentSource.LINK, evidence)
            return store.find(connection, reference) or subscriber, choices


def _is_stale(connection: Connection, subscriber: Subscriber, claim: TokenPayload) -> bool:
    """Whether the person unsubscribed after the link was made: an old mail must not subscribe them again."""
    if subscriber.state is not ConsentState.UNSUBSCRIBED:
        return False
    left = [entry.at for entry in store.history(connection, subscriber.id) if entry.change == ConsentEvent.UNSUBSCRIBED]
    # The time in a token has whole seconds.
    since = left[-1] if left else subscriber.changed_at
    return claim.issued_at is None or claim.issued_at < since.replace(microsecond=0)


PAUSES = ("2w", "1m", "3m")
EACH = "each"
_OFTEN: dict[str | None, str | None] = {"": None, "off": None, EACH: None, MONTHLY: MONTHLY}
KEEP = "keep"  # keep the present pause
LONGEST_TEXT = 200  # characters of a name or an attribute
_FIELDS = frozenset({"action", "name", "language", "timezone", "topics", "pause", "digest"})


@dataclass(frozen=True, slots=True)
class Choices:
    """New values by column; and by field, the word for an error. If there is an error, nothing is saved."""

    columns: Mapping[str, Any]
    wrong: Mapping[str, str]


def editable(config: Config) -> dict[str, AttributeConfig]:
    """Return the attributes that readers may change, by field name."""
    declared = config.audience.attributes.items()
    return {name: one for name, one in declared if one.editable and name not in _FIELDS}


def read_choices(fields: Fields, config: Config, subscriber: Subscriber) -> Choices:
    """Parse the chosen values. A missing field changes nothing, except topics: an unticked checkbox is not sent."""
    given = {name: fields.one(name) for name in fields.values}
    columns, wrong = dict[str, Any](), dict[str, str]()
    if "name" in given:
        columns["name"] = given["name"][:LONGEST_TEXT]
    if "topics" in given or ("name" in given and not fields.is_json):
        columns["topics"] = _topics(fields.many("topics"), config, subscriber)
    for name, read in (("language", language_tag), ("timezone", time_zone)):
        if given.get(name):
            columns[name] = read(given[name])
            if columns[name] is None:
                wrong[name] = "bad_choice"
    if given.get("timezone") == "":
        columns["timezone"] = None
    if (pause := given.get("pause", KEEP)) in PAUSES:
        columns["paused_until"] = shifted(store.now(), pause)
    elif pause in {"", "off"}:
        columns["paused_until"] = None
    elif pause != KEEP:
        wrong["pause"] = "bad_choice"
    if (often := given.get("digest")) in _OFTEN:
        columns["digest"] = _OFTEN[often]
    elif often is not None:
        wrong["digest"] = "bad_choice"
    attributes = dict(subscriber.attributes)
    for name, declared in editable(config).items():
        if (value := given.get(name)) is None:
            continue
        if not value:
            attributes.pop(name, None)
        elif fits(value, declared.type, declared.choices) and len(value) <= LONGEST_TEXT:
            attributes[name] = value
        else:
            wrong[name] = f"bad_{declared.type}"
    return Choices(columns | {"attributes": attributes}, wrong)


def _topics(chosen: tuple[str, ...], config: Config, subscriber: Subscriber) -> list[str]:
    """Return the chosen topics, and those of the subscriber that the page does not offer (an operator's tags)."""
    kept = [topic for topic in subscriber.topics if topic not in config.topics or topic in chosen]
    return [*kept, *(topic for topic in config.topics if topic in chosen and topic not in kept)]
