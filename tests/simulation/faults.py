"""Planted faults: a simulation that finds none of them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch
from zlib import crc32

from sqlalchemy import Connection, insert, update

from publisher.audience import store
from publisher.audience.tables import confirmations
from publisher.database import Database
from publisher.delivery import send, series, settle
from publisher.delivery.candidates import CandidateRule, candidates
from publisher.delivery.freeze import _rows, ongoing
from publisher.delivery.mailings import Mailing, by_id, newest
from publisher.delivery.pace import Pace
from publisher.delivery.states import RecipientState
from publisher.delivery.tables import mailings, recipients
from publisher.mail.message import MailContent
from publisher.web import outbox


@contextmanager
def freeze_outside_its_transaction() -> Iterator[None]:
    """The mailing is committed before its recipients are."""

    def freeze(_config: object, database: Database, letter: MailContent, *_: object) -> Mailing:
        with database.begin() as connection:
            before = newest(connection, letter.slug)
            if there := ongoing(connection, letter):
                return there
            people = connection.exec_driver_sql("SELECT count(*) FROM subscribers").scalar_one()
            moment = {"frozen_at": store.now(), "operator": "going", "note": "", "audience": people}
            of = {name: getattr(letter, name) for name in ("slug", "digest", "commit", "title")}
            sequence = before.sequence + 1 if before else 1
            own = {
                "letter": letter.to_json(),
                "sequence": sequence,
                "reference": f"{crc32(f'{letter.slug}{sequence}'.encode()):08x}",
            }
            key = connection.execute(insert(mailings).values(own | of | moment).returning(mailings.c.id)).scalar_one()
        with database.begin() as connection:
            now = store.now()
            chosen = candidates(connection, letter.slug, CandidateRule(now))
            columns = ["mailing_id", "number", "reference", "variant", "state", "attempts", "reason", "released"]
            connection.execute(insert(recipients).from_select(columns, _rows(key, chosen, now)))
            return by_id(connection, key)

    with patch.object(send, "_freeze", freeze):
        yield


@contextmanager
def token_given_back_twice() -> Iterator[None]:
    """A token for which there was no recipient is returned, and returned again."""

    def give_back(self: Pace, count: int) -> None:
        self.take(-2 * count)

    with patch.object(Pace, "give_back", give_back):
        yield


@contextmanager
def event_that_lowers_a_state() -> Iterator[None]:
    """A delay makes a recipient pending again, whatever the ledger knew."""
    real = settle._advanced

    def risen(row: dict[str, Any], kind: Any, *rest: Any) -> dict[str, Any]:
        if kind == "delivery-delay":
            return {"state": RecipientState.PENDING}
        return real(row, kind, *rest)

    with patch.object(settle, "_advanced", risen):
        yield


@contextmanager
def restore_unnoticed() -> Iterator[None]:
    """Nobody looks at the mark beside the database."""
    with patch.object(send, "refuse_unknown_mail", lambda *_: None):
        yield


@contextmanager
def confirmation_sent_twice() -> Iterator[None]:
    """What a dead process had claimed is mailed again."""
    real = outbox.claim

    def claim(connection: Any, *rest: Any) -> Any:
        dead = confirmations.c.state.in_(("claimed", "uncertain"))
        connection.execute(update(confirmations).where(dead).values(state="pending", due_at=store.now()))
        return real(connection, *rest)

    with patch.object(outbox, "claim", claim):
        yield


@contextmanager
def step_frozen_outside_its_transaction() -> Iterator[None]:
    """The recipients of a step are committed before it is written down that they took it."""
    real = series.write_recipients

    def write_recipients(connection: Connection, *rest: Any) -> None:
        real(connection, *rest)
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with patch.object(series, "write_recipients", write_recipients):
        yield


FAULTS: list[Callable[[], AbstractContextManager[None]]] = [
    freeze_outside_its_transaction,
    token_given_back_twice,
    event_that_lowers_a_state,
    restore_unnoticed,
    confirmation_sent_twice,
    step_frozen_outside_its_transaction,
]
