"""What readers choose and do, as steps in the database. Everything blocks: call it in a thread.

Who holds a link that we signed can read that mailbox: no other proof is asked for, and none is possible.
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
from publisher.audience.suppressions import Reason, end_silence, release, suppression, welcome_back
from publisher.audience.tokens import TokenPayload
from publisher.config import Config
from publisher.config.audience import AttributeConfig, fits
from publisher.database import Database
from publisher.delivery.mailings import links_mailed
from publisher.feedback.store import ClickSums, count_clicks
from publisher.web import outbox
from publisher.web.forms import Fields

ASK_AGAIN = timedelta(minutes=5)  # between two confirmation mails to one mailbox, whoever asks


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """What a subscribe form says."""

    address: Address
    name: str
    language: str | None
    topics: tuple[str, ...]
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Somebody leaves: who, how, and what shows it."""

    reference: str
    how: ConsentSource
    evidence: Evidence


class Readers:
    """The steps, each one transaction: on PostgreSQL another machine may be in its way, and it is to be tried again."""

    def __init__(self, database: Database, series: Callable[[], set[str]] = set) -> None:
        """``series`` tells those of a checkout, where there is one; the database knows of the last run of publish."""
        self._database, self._series = database, series

    def alive(self) -> None:
        """Raises DatabaseError where the database does not answer, or is no longer the newsletter's."""
        self._database.refuse_replaced()
        with self._database.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    def ask(self, wish: SubscribeRequest, evidence: Evidence) -> bool:
        """Somebody would like to subscribe this address. Whether a mail is now in the outbox; False: none may be sent.

        Nothing that is stored about somebody who is known changes: anybody can write any address into a form.
        ConflictError where another machine is asked for the same new address at this moment.
        """
        with self._database.begin() as connection:
            held = suppression(connection, wish.address.mailbox_key)
            if held and held.reason is not Reason.SILENT:
                return False
            subscriber = store.find(connection, wish.address)
            if subscriber is None:
                subscriber = store.add(
                    connection,
                    wish.address,
                    how=ConsentSource.FORM,
                    state=ConsentState.PENDING,
                    name=wish.name,
                    language=wish.language,
                    timezone=wish.timezone,
                    topics=wish.topics,
                    evidence=evidence,
                )
            at = store.now()
            if not store.ask_now(connection, subscriber.id, at, ASK_AGAIN):
                return False
            outbox.enter(connection, subscriber.id, at)
            return True

    def find(self, reference: str) -> Subscriber | None:
        """The subscriber that a token names."""
        with self._database.connect() as connection:
            return store.find(connection, reference)

    def link(self, slug: str, number: int) -> str | None:
        """Where a counted link of the mail of an issue leads."""
        with self._database.connect() as connection:
            return links_mailed(connection, slug).get(slug, {}).get(number)

    def count(self, sums: ClickSums) -> None:
        """Add clicks to those that are counted."""
        with self._database.begin() as connection:
            count_clicks(connection, sums)

    def confirm(self, claim: TokenPayload, evidence: Evidence) -> Subscriber | None:
        """Confirm, and start on every series. None where the link names nobody, or was mailed before the person
        unsubscribed.
        """
        here = self._series()
        with self._database.begin() as connection:
            subscriber = store.find(connection, claim.reference)
            if subscriber is None or _is_stale(connection, subscriber, claim):
                return None
            if store.confirm(connection, subscriber, ConsentSource.LINK, evidence):
                enrol(connection, [subscriber.id], here | known_series(connection), store.now())
            welcome_back(connection, subscriber.mailbox_key)
            end_silence(connection, subscriber, ConsentSource.LINK, evidence)
            return subscriber

    def keep(self, reference: str, evidence: Evidence) -> Subscriber | None:
        """The person still reads; this takes back what their silence led to, and no unsubscription."""
        with self._database.begin() as connection:
            subscriber = store.find(connection, reference)
            if subscriber is not None:
                store.record(connection, subscriber.id, ConsentEvent.KEPT, ConsentSource.LINK, evidence)
                release(connection, subscriber.mailbox_key, Reason.SILENT)
            return subscriber

    def leave(self, departures: Iterable[Unsubscribe]) -> list[Subscriber | None]:
        """Unsubscribe, in one transaction. None for a link that names nobody: they are as unsubscribed as can be."""
        with self._database.begin() as connection:
            return [self._leave(connection, departure) for departure in departures]

    def _leave(self, connection: Connection, departure: Unsubscribe) -> Subscriber | None:
        subscriber = store.find(connection, departure.reference)
        if subscriber is not None:
            store.unsubscribe(connection, subscriber, departure.how, departure.evidence)
        return subscriber

    def stay(self, reference: str, evidence: Evidence) -> Subscriber | None:
        """Take the unsubscription back."""
        with self._database.begin() as connection:
            subscriber = store.find(connection, reference)
            if subscriber is not None:
                store.stay(connection, subscriber, ConsentSource.LINK, evidence)
                end_silence(connection, subscriber, ConsentSource.LINK, evidence)
            return subscriber

    def prefer(
        self, reference: str, read: Callable[[Subscriber], Choices], evidence: Evidence
    ) -> tuple[Subscriber, Choices] | None:
        """Save what ``read`` finds chosen, unless something of it is wrong. None where the link names nobody."""
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
    """Whether the person unsubscribed after the link was made: an old mail does not bring them back."""
    if subscriber.state is not ConsentState.UNSUBSCRIBED:
        return False
    left = [entry.at for entry in store.history(connection, subscriber.id) if entry.change == ConsentEvent.UNSUBSCRIBED]
    # Tokens count in whole seconds.
    since = left[-1] if left else subscriber.changed_at
    return claim.issued_at is None or claim.issued_at < since.replace(microsecond=0)


PAUSES = ("2w", "1m", "3m")
EACH = "each"
_OFTEN: dict[str | None, str | None] = {"": None, "off": None, EACH: None, MONTHLY: MONTHLY}
KEEP = "keep"  # the pause that there is, on a form that shows it
LONGEST_TEXT = 200  # characters of a name, or of an attribute
_FIELDS = frozenset({"action", "name", "language", "timezone", "topics", "pause", "digest"})


@dataclass(frozen=True, slots=True)
class Choices:
    """Columns with their new values; and by field, the word that says what is wrong: then nothing is saved."""

    columns: Mapping[str, Any]
    wrong: Mapping[str, str]


def editable(config: Config) -> dict[str, AttributeConfig]:
    """The attributes that readers may change, by the name of their field."""
    declared = config.audience.attributes.items()
    return {name: one for name, one in declared if one.editable and name not in _FIELDS}


def read_choices(fields: Fields, config: Config, subscriber: Subscriber) -> Choices:
    """What the fields choose. One that was not sent changes nothing, but the boxes of topics, which send no "no"."""
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
    """Topics that are not offered on the page, such as an operator's tags, are kept."""
    kept = [topic for topic in subscriber.topics if topic not in config.topics or topic in chosen]
    return [*kept, *(topic for topic in config.topics if topic in chosen and topic not in kept)]
