"""Steps of readers that meet each other, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.database import Database
from publisher.web import outbox
from publisher.web.readers import Readers, SubscribeRequest
from tests.audience.conftest import config, database

__all__ = ["config", "database"]


def test_many_who_ask_at_once_for_one_address_get_one_mail(database: Database) -> None:
    readers = Readers(database)
    wish = SubscribeRequest(read_address("ann@example.com"), "", None, ())
    for _ in range(2):  # when the address is new, and when it is known
        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(lambda _: readers.ask(wish, {}), range(6))) == 1
        with database.begin() as connection:
            assert store.counts(connection)["pending"] == outbox.pending(connection) == 1
            ann = store.find(connection, wish.address)
            assert ann is not None
            store.asked(connection, ann.id, None)
