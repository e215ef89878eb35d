"""Watch files and report changes to subscribers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from publisher.config import Config
from publisher.edition.provenance import part_of, shared_paths
from publisher.errors import PublisherError, UsageError
from publisher.issue.folder import ISSUES, SERIES, files_below
from publisher.preview.workshop import Workshop

log = logging.getLogger(__name__)
Versions = dict[str, int | None]


class _OurFiles(DefaultFilter):
    """Filter for the files that editions are made of, without editors' swap files and our own output."""

    def __init__(self, root: Path, named: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._root, self._named = root, named

    def __call__(self, change: Change, path: str) -> bool:
        """Whether a change of ``path`` is relevant."""
        try:
            inner = Path(path).relative_to(self._root).as_posix()
        except ValueError:
            return False
        ours = inner.partition("/")[0] in {ISSUES, SERIES} or part_of(inner, self._named()) is not None
        return ours and super().__call__(change, path)


class Changes:
    """Watcher of a repository. Each subscriber has a queue of slugs with new versions, None while one is being made."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._queues: set[asyncio.Queue[Versions]] = set()
        self._wake = asyncio.Event()

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[Versions]]:
        """A queue of changes, open during the block."""
        queue: asyncio.Queue[Versions] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    async def warm(self) -> None:
        """Render the newest issues, so that the list has their titles and findings; then read all, whenever needed."""
        await self._look(await asyncio.to_thread(self._workshop.slugs))
        while True:
            self._wake.clear()
            with suppress(PublisherError, OSError):  # the next change may resolve it
                while (slugs := await asyncio.to_thread(self._workshop.read)) is None:
                    pass
                await self._look(slugs)
            await self._wake.wait()

    async def watch(self) -> None:
        """Watch until cancelled; changed issues are rendered again even if no page shows them."""
        async for paths in changed_files(self._workshop.root, lambda: self._workshop.config):
            slugs = await asyncio.to_thread(self._workshop.changed, paths)
            await self._look(sorted(slugs, reverse=True))
            self._wake.set()

    async def _look(self, slugs: Sequence[str]) -> None:
        self._tell(dict.fromkeys(slugs))
        for slug in slugs[:12]:
            with suppress(UsageError):  # deleted in the meantime
                view = await asyncio.to_thread(self._workshop.view, slug)
                self._tell({slug: view.version})

    def _tell(self, versions: Versions) -> None:
        for queue in self._queues if versions else ():
            queue.put_nowait(versions)


async def changed_files(root: Path, config: Callable[[], Config | None]) -> AsyncIterator[set[Path]]:
    """Yield, without end, the changed files of issues and series, config.yaml, and the files that the current
    ``config()`` names.

    Waits 10 ms for further events: an editor's save is several operations.
    """

    def named() -> Sequence[str]:
        now = config()
        return (*shared_paths(now), *now.checks.rules) if now else ("config.yaml",)

    files = _OurFiles(root, named)
    try:
        async for batch in awatch(root, watch_filter=files, debounce=120, step=10, ignore_permission_denied=True):
            yield {Path(path) for _, path in batch}
    except Exception as error:
        # A file name that is not UTF-8 stops the watcher; without polling, editors would see an outdated mail.
        log.warning("files are looked at once a second: %r", error)
    before = await asyncio.to_thread(_state, root, named())
    while True:
        await asyncio.sleep(1)
        now = await asyncio.to_thread(_state, root, named())
        if changed := before ^ now:
            yield {Path(path) for path, _ in changed}
        before = now


def _state(root: Path, named: Iterable[str]) -> set[tuple[str, int]]:
    """Every file with its modification time in nanoseconds."""
    places = (str(root / name) for name in (ISSUES, SERIES, *named))
    found = set()
    for path in (path for place in places for path, _ in files_below(place)):
        with suppress(OSError):
            found.add((path, Path(path).stat().st_mtime_ns))
    return found
