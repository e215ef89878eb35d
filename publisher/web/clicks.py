"""``/r/<issue>/<number>``: redirect a counted link of the mail, and count the click without the person.

Only sums by link and day are stored, people and machines apart. Who clicked is kept in memory only, for as long as it
takes to recognise a scanner that follows one link after another: ``BURST`` links of an issue within ``SECONDS``.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from string import punctuation
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from publisher.errors import DatabaseError
from publisher.feedback.apply import is_machine
from publisher.feedback.store import ClickSums
from publisher.web.forms import network
from publisher.web.service import Service, log

BURST, SECONDS = 5, 3.0
_FEW, _LONGEST = 1_000, 50  # clients, and clicks per client, that are always kept
_PREFETCH = ("purpose", "sec-purpose", "x-purpose", "x-moz")


async def follow(request: Request) -> Response:
    """Redirect (302) to a link's target; only GET counts. Raises HTTPException 404: no such link in the mail."""
    service: Service = request.app.state.service
    slug, number = request.path_params["slug"], request.path_params["number"]
    known = re.fullmatch("[1-9][0-9]{0,5}", number) and slug.isprintable()  # PostgreSQL takes no NUL
    target = await service.read(service.readers.link, slug, int(number)) if known else None
    if target is None:
        raise HTTPException(404)
    answer = Response(status_code=302, headers={"location": quote(target, safe=punctuation)})
    if request.method == "GET" and service.config.newsletter.tracking == "clicks":
        agent = request.headers.get("user-agent", "")
        ahead = any("prefetch" in request.headers.get(name, "").lower() for name in _PREFETCH)
        client, machine = (network(request), agent), ahead or is_machine(agent)
        request.app.state.clicks.add(client, slug, int(number), machine=machine)
        answer.background = BackgroundTask(request.app.state.clicks.flush)
    return answer


class ClickCounter:
    """Counts clicks in memory during a commit; the next commit writes the sums. For one event loop."""

    def __init__(self, write: Callable[[ClickSums], Awaitable[None]]) -> None:
        self._write = write
        self._sums: ClickSums = Counter()
        self._recent: dict[tuple[tuple[str, str], str], list[tuple[float, int, bool]]] = {}
        self._most = _FEW
        self._running: asyncio.Task[None] | None = None

    def add(self, client: tuple[str, str], slug: str, number: int, *, machine: bool) -> None:
        """Count a click. If it completes a burst, the earlier clicks of the burst are recounted as a machine's."""
        now, day = time.monotonic(), datetime.now(UTC).date().isoformat()
        if len(self._recent) > self._most:
            self._recent = {key: old for key, old in self._recent.items() if now - old[-1][0] < SECONDS}
            self._most = max(_FEW, 2 * len(self._recent))  # amortises the clean-up
        recent = [one for one in self._recent.get((client, slug), ()) if now - one[0] < SECONDS]
        burst = len({number, *(seen for _, seen, _ in recent)}) >= BURST
        if burst:
            for seen in (seen for _, seen, counted in recent if not counted):
                self._sums[slug, seen, day, False] -= 1
                self._sums[slug, seen, day, True] += 1
        recent = [(at, seen, counted or burst) for at, seen, counted in recent]
        self._recent[client, slug] = [*recent[-_LONGEST:], (now, number, machine or burst)]
        self._sums[slug, number, day, machine or burst] += 1

    async def flush(self) -> None:
        """Write the counted sums."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._write_all())
        await self._running

    async def _write_all(self) -> None:
        while self._sums:
            sums, self._sums = self._sums, Counter()
            try:
                await self._write(sums)
            except DatabaseError as error:
                log.error("%d clicks are not counted: %s", sums.total(), error.message)
