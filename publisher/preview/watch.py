"""Files that change, told to whoever looks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from publisher.preview.workshop import Workshop


class _OurFiles(DefaultFilter):
    """What an edition is made of; editors' swap files and our own output are not."""

    def __init__(self, root: Path, theme: str) -> None:
        super().__init__()
        self._root = root
        self._rooms = {"issues", "config.yaml", Path(theme).parts[0]}

    def __call__(self, change: Change, path: str) -> bool:
        """Whether a change of ``path`` matters."""
        try:
            parts = Path(path).relative_to(self._root).parts
        except ValueError:
            return False
        return bool(parts) and parts[0] in self._rooms and super().__call__(change, path)


class Changes:
    """Watches a repository; each subscriber has a queue of lists of slugs."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._queues: set[asyncio.Queue[list[str]]] = set()

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[list[str]]]:
        """A queue for as long as somebody listens."""
        queue: asyncio.Queue[list[str]] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    async def warm(self, newest: int = 12) -> None:
        """Look at the newest issues ahead of being asked, so that the list knows their titles and findings."""
        for slug in (await asyncio.to_thread(self._workshop.slugs))[:newest]:
            if self._workshop.known(slug) is None:
                await asyncio.to_thread(self._workshop.view, slug)
                self._tell([slug])

    async def watch(self) -> None:
        """Watch until cancelled. Waits 30 ms for a burst to end: an editor's save is several operations."""
        workshop = self._workshop
        files = _OurFiles(workshop.root, workshop.config.templates)
        async for batch in awatch(workshop.root, watch_filter=files, debounce=120, step=30):
            slugs = await asyncio.to_thread(workshop.changed, {Path(path) for _, path in batch})
            self._tell(slugs)

    def _tell(self, slugs: list[str]) -> None:
        for queue in self._queues:
            queue.put_nowait(slugs)
