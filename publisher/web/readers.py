"""What readers do, as steps in the database. Everything blocks: call it in a thread.

Who holds a link that we signed can read that mailbox: no other proof is asked for, and none is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from publisher.audience import store
from publisher.audience.address import Address
from publisher.audience.model import ConsentEvent, ConsentSource, ConsentState, Subscriber
from publisher.audience.series import enrol, known_series
from publisher.audience.store import Evidence
from publisher.audience.suppressions import Reason, end_silence, release, suppression, welcome_back
from publisher.audience.tokens import TokenPayload
from publisher.database import Database
from publisher.delivery.mailings import links_mailed
from publisher.feedback.store import ClickSums, count_clicks
from publisher.web import outbox
from publisher.web.choices import Choices

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
    """The steps."""

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
        """
        try:
            return self._ask(wish, evidence)
        except IntegrityError:  # on PostgreSQL another machine was asked for the same new address at this moment
            return self._ask(wish, evidence)

    def _ask(self, wish: SubscribeRequest, evidence: Evidence) -> bool:
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
