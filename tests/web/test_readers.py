"""Simultaneous requests of one reader, on both databases."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.model import ConsentSource, ConsentState
from publisher.audience.tokens import TokenPayload
from publisher.config.model import Config
from publisher.database import Database
from publisher.web import outbox
from publisher.web.readers import Choices, SubscribeRequest, Unsubscribe
from publisher.web.service import Service
from tests.audience.conftest import config, database

__all__ = ["config", "database"]


WISH = SubscribeRequest(read_address("ann@example.com"), "", None, ())


def test_many_who_ask_at_once_for_one_address_get_one_mail(config: Config, database: Database) -> None:
    service = Service.open(config)

    async def six() -> list[bool]:
        return await asyncio.gather(*(service.write(service.readers.ask, WISH, {}) for _ in range(6)))

    for _ in range(2):  # when the address is new, and when it is known
        assert sum(_in_a_loop(six)) == 1
        with database.begin() as connection:
            assert store.counts(connection)["pending"] == outbox.pending(connection) == 1
            ann = store.find(connection, WISH.address)
            assert ann is not None
            store.asked(connection, ann.id, None)
    service.close()


@pytest.mark.postgres
@pytest.mark.parametrize("step", ["ask", "confirm", "keep", "leave", "stay", "prefer"])
@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_whoever_meets_another_machine_at_the_same_rows_is_served_all_the_same(
    step: str, state: str, config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail program that is told 503 after one click may never ask again."""
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    service = Service.open(config)
    readers, find, failed = service.readers, store.find, list[str]()
    with service.database.begin() as connection:
        was = ConsentState.PENDING if step == "confirm" else ConsentState.CONFIRMED
        ann = store.add(connection, WISH.address, how=ConsentSource.COMMAND, state=was)
        if step == "stay":
            store.unsubscribe(connection, ann, ConsentSource.LINK)

    def fails_once(connection: Connection, whom: Any) -> Any:
        if not failed:
            failed.append(state)
            connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '{state}'; END $$"))
        return find(connection, whom)

    monkeypatch.setattr(store, "find", fails_once)
    name, renamed = ann.reference, Choices({"name": "Ann"}, {})
    done = {
        "ask": lambda: service.write(readers.ask, WISH, {}),
        "confirm": lambda: service.write(readers.confirm, TokenPayload(name, None, datetime.now(UTC)), {}),
        "keep": lambda: service.write(readers.keep, name, {}),
        "leave": lambda: service.together.leave(Unsubscribe(name, ConsentSource.ONE_CLICK, {})),
        "stay": lambda: service.write(readers.stay, name, {}),
        "prefer": lambda: service.write(readers.prefer, name, lambda _: renamed, {}),
    }[step]
    assert _in_a_loop(done)
    assert failed == [state]
    with service.database.connect() as connection:
        history = [entry.change for entry in store.history(connection, ann.id)]
        now = find(connection, name)
    assert now
    assert len(history) == (1 if step == "ask" else 3 if step == "stay" else 2)
    assert now.state is (
        ConsentState.UNSUBSCRIBED if step == "leave" else ConsentState.CONFIRMED if step != "ask" else was
    )
    service.close()


def _in_a_loop(coroutine: Any) -> Any:
    """Run in a thread: the browser's fixture keeps an event loop in the main one."""

    async def awaited() -> Any:
        return await coroutine()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, awaited()).result()
