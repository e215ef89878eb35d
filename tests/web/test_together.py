"""Readers who leave at once share a commit; each is answered, and a failure of one does not affect the others."""

from __future__ import annotations

import asyncio
import socket

import pytest

from publisher.audience.model import ConsentSource
from publisher.web.readers import Unsubscribe
from publisher.web.server import listen
from publisher.web.service import MOST, GroupCommit


def departure(name: str) -> Unsubscribe:
    return Unsubscribe(name, ConsentSource.ONE_CLICK, {})


def test_who_comes_during_a_commit_shares_the_next() -> None:
    commits: list[list[str]] = []

    async def commit(batch: list[Unsubscribe]) -> list[None]:
        commits.append([one.reference for one in batch])
        await asyncio.sleep(0.01)
        return [None] * len(batch)

    async def run() -> None:
        together = GroupCommit(commit)
        await asyncio.gather(*(together.leave(departure(str(n))) for n in range(MOST + 10)))
        await together.leave(departure("late"))

    _in_a_loop(run())
    assert sorted(name for batch in commits for name in batch) == sorted([*map(str, range(MOST + 10)), "late"])
    assert max(map(len, commits)) <= MOST
    assert len(commits) <= 4


def test_one_that_fails_fails_alone() -> None:
    async def commit(batch: list[Unsubscribe]) -> list[None]:
        if any(one.reference == "bad" for one in batch):
            raise ValueError("bad")
        return [None] * len(batch)

    async def run() -> list[object]:
        together = GroupCommit(commit)
        names = ("a", "bad", "b")
        return await asyncio.gather(*(together.leave(departure(n)) for n in names), return_exceptions=True)

    results = _in_a_loop(run())
    assert results[0] is None
    assert isinstance(results[1], ValueError)
    assert results[2] is None


def test_who_hangs_up_holds_up_nobody() -> None:
    async def commit(batch: list[Unsubscribe]) -> list[None]:
        await asyncio.sleep(0.01)
        return [None] * len(batch)

    async def run() -> None:
        together = GroupCommit(commit)
        gone = asyncio.create_task(together.leave(departure("gone")))
        await asyncio.sleep(0)
        gone.cancel()
        await together.leave(departure("stays"))
        with pytest.raises(asyncio.CancelledError):
            await gone

    _in_a_loop(run())


def _in_a_loop(coroutine):  # type: ignore[no-untyped-def]
    """Run in a thread: the browser's fixture keeps an event loop in the main one."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # what asyncio looks at before it sets TCP_NODELAY
