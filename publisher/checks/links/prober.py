"""Request of one link: HEAD, then GET if HEAD fails; redirects are followed here; time and requests are limited."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import httpx

from publisher import __version__
from publisher.checks.links.network import UNRESOLVED, PrivateAddressError, SafeTransport
from publisher.diagnostics import Sentence, message_of, say

MAX_REDIRECTS = 8
PERMANENT = {301, 308}
REDIRECTS = {301, 302, 303, 307, 308}


class LinkState(StrEnum):
    """State of a link."""

    ALIVE = "alive"
    MOVED = "moved"  # reachable by a permanent redirect (RFC 9110 §15.4.2, §15.4.9)
    DEAD = "dead"  # permanently unreachable: 404, 410, no such host, endless redirects
    UNSURE = "unsure"  # failed, perhaps temporarily: timeout, 5xx, 429, TLS, refused to bots
    PRIVATE = "private"  # leads to an address that readers cannot reach

    @property
    def lasting(self) -> bool:
        """Whether the result is cached for a day; temporary failures are not."""
        return self in {LinkState.ALIVE, LinkState.MOVED, LinkState.DEAD}


@dataclass(frozen=True, slots=True)
class LinkResult:
    """Result for a link. ``detail`` describes it; ``target`` is the new URL if it has moved."""

    state: LinkState
    detail: Sentence = say("the link is alive")  # noqa: RUF009 - immutable
    target: str | None = None


def _unsure(detail: Sentence) -> LinkResult:
    return LinkResult(LinkState.UNSURE, detail)


_GONE = {404: say("not found"), 410: say("gone")}


def of_status(status: int) -> LinkResult:
    """Return the result for a final status code (RFC 9110 §15)."""
    if status < 400:
        return LinkResult(LinkState.ALIVE)
    if status in _GONE:
        return LinkResult(LinkState.DEAD, say("the link answers {status}: {why}", status=status, why=_GONE[status]))
    if status in {401, 402, 403, 406, 451, 999}:  # requires a login or refuses bots; browsers may succeed
        return _unsure(say("the link answers {status}, perhaps only to programs", status=status))
    if status == 429:
        return _unsure(say("the link asks for fewer requests (429)"))
    if status >= 500:
        return _unsure(say("the link answers {status}: the server is in trouble", status=status))
    return LinkResult(LinkState.DEAD, say("the link answers {status}", status=status))


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """Limits in seconds, and in numbers of concurrent requests."""

    timeout: float = 10.0
    total: float = 25.0
    at_once: int = 48
    per_host: int = 4
    longest_wait: float = 5.0  # of a Retry-After; if longer, the link is unsure
    allow_private: bool = False


class Prober:
    """Requests links. One per run; use as an async context manager."""

    def __init__(self, limits: ProbeLimits, agent: str) -> None:
        self._limits = limits
        self._all = asyncio.Semaphore(limits.at_once)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(limits.per_host))
        self._client = httpx.AsyncClient(
            transport=SafeTransport(allow_private=limits.allow_private, max_connections=limits.at_once),
            timeout=limits.timeout,
            headers={"User-Agent": f"publisher/{__version__} link check ({agent})", "Accept": "*/*"},
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def probe(self, url: str) -> LinkResult:
        """Request ``url`` and return the result; never raises because of the link."""
        try:
            async with self._all, asyncio.timeout(self._limits.total):
                return await self._follow(url)
        except TimeoutError:
            return _unsure(say("the link did not answer within {total:g} s", total=self._limits.total))
        except httpx.TimeoutException:
            return _unsure(say("the link did not answer within {timeout:g} s", timeout=self._limits.timeout))
        except PrivateAddressError as error:
            told = say("the link leads nowhere a reader can go: {error}", error=str(error))
            return LinkResult(LinkState.PRIVATE, told)
        except httpx.ConnectError as error:
            return _connection(error)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return _unsure(say("the link did not answer properly ({name})", name=type(error).__name__))

    async def _follow(self, url: str) -> LinkResult:
        """Follow redirects; MOVED if the first ones were permanent."""
        seen, current, moved = {url}, url, None
        permanent = True
        for _ in range(MAX_REDIRECTS):
            response = await self._ask(current)
            location = response.headers.get("location")
            if response.status_code not in REDIRECTS or not location:
                outcome = of_status(response.status_code)
                if moved and outcome.state is LinkState.ALIVE:
                    return LinkResult(LinkState.MOVED, say("the link has moved"), moved)
                return outcome
            current = str(httpx.URL(current).join(location).copy_with(fragment=None))
            permanent = permanent and response.status_code in PERMANENT
            moved = current if permanent else moved
            if current in seen:
                return LinkResult(LinkState.DEAD, say("the link redirects in a circle"))
            if httpx.URL(current).scheme not in {"http", "https"}:
                return LinkResult(LinkState.DEAD, say("the link redirects to something that is not a page"))
            seen.add(current)
        return LinkResult(LinkState.DEAD, say("the link redirects more than {most} times", most=MAX_REDIRECTS))

    async def _ask(self, url: str) -> httpx.Response:
        """Request one URL: HEAD, GET if that fails, and once more after a short Retry-After."""
        async with self._hosts[httpx.URL(url).netloc.decode("ascii")]:
            try:
                response = await self._client.head(url)
            except httpx.RemoteProtocolError:
                response = await self._get(url)
            else:
                if response.status_code >= 400 and response.status_code != 429:
                    response = await self._get(url)
            if response.status_code == 429 and (wait := self._wait(response)) is not None:
                await asyncio.sleep(wait)
                response = await self._get(url)
            return response

    async def _get(self, url: str) -> httpx.Response:
        """GET without reading the body, as only the status is needed."""
        async with self._client.stream("GET", url) as response:
            return response

    def _wait(self, response: httpx.Response) -> float | None:
        """The seconds of a Retry-After (RFC 9110 §10.2.3); None if too long."""
        value = response.headers.get("retry-after", "1")
        seconds = float(value) if value.isdigit() else self._limits.longest_wait + 1
        return seconds if seconds <= self._limits.longest_wait else None


def _connection(error: httpx.ConnectError) -> LinkResult:
    """Distinguish an unknown host from a server that refuses the connection."""
    text = message_of(error.__cause__ or error)  # httpx keeps only its English text
    if text.startswith("there is no host"):
        return LinkResult(LinkState.DEAD, say("the link leads nowhere: {text}", text=text))
    if text == UNRESOLVED:
        return _unsure(say("the link's host cannot be looked up now"))
    if "certificate" in text.lower() or "ssl" in text.lower():
        return _unsure(say("the link has a certificate that browsers refuse"))
    return _unsure(say("the link refuses connections"))
