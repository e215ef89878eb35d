"""Links in, diagnostics out: each at the link that an editor wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from publisher.checks.links.cache import LinkCache
from publisher.checks.links.outcome import LinkResult, LinkState
from publisher.checks.links.prober import ProbeLimits, Prober
from publisher.checks.parts import Link
from publisher.diagnostics import Diagnostic, Severity, define, say

DEAD_LINK = define("dead-link", Severity.ERROR)
UNSURE_LINK = define("unsure-link", Severity.WARNING)
MOVED_LINK = define("moved-link", Severity.WARNING)
PRIVATE_LINK = define("private-link", Severity.ERROR)
INSECURE_LINK = define("insecure-link", Severity.WARNING)


def check_links(
    links: Iterable[Link],
    *,
    cache: Path,
    agent: str,
    limits: ProbeLimits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Diagnostic]:
    """Ask for every http(s) link once, concurrently, and report each place where one is dead, moved or in doubt.

    ``cache`` is a JSON file of a day's answers; ``agent`` tells a server who asks (the newsletter's URL);
    ``progress(done, total)`` is called as answers come. Never raises for anything a link can do.
    """
    places: dict[str, list[Link]] = {}
    for link in links:
        url = urldefrag(link.url).url
        if urlsplit(url).scheme in {"http", "https"}:
            places.setdefault(url, []).append(link)
    known = LinkCache(cache)
    outcomes, secure = asyncio.run(_probe_all(list(places), known, limits or ProbeLimits(), agent, progress))
    known.save()
    return [
        finding
        for url, written in places.items()
        for link in written
        if (finding := _diagnose(link, outcomes[url], secure.get(url, False)))
    ]


async def _probe_all(
    urls: list[str],
    known: LinkCache,
    limits: ProbeLimits,
    agent: str,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, LinkResult], dict[str, bool]]:
    """The outcome of each URL, and for those over http whether https answers as well."""
    done = 0

    async with Prober(limits, agent) as prober:

        async def outcome(url: str) -> LinkResult:
            found = known.get(url)
            if found is None:
                found = await prober.probe(url)
                known.put(url, found)
            return found

        hosts: dict[str, asyncio.Task[LinkResult]] = {}

        async def answers_https(https: str) -> bool:
            """Whether the host answers over https at all: one that hangs is waited for once, not at each link."""
            host = urlsplit(https).netloc
            if host not in hosts:
                hosts[host] = asyncio.create_task(outcome(https))
            return (await hosts[host]).state is not LinkState.UNSURE

        async def one(url: str) -> tuple[LinkResult, bool]:
            nonlocal done
            found, secure = await outcome(url), False
            if found.state is LinkState.ALIVE and (https := _https(url)) and await answers_https(https):
                secure = (await outcome(https)).state is LinkState.ALIVE
            done += 1
            if progress:
                progress(done, len(urls))
            return found, secure

        results = await asyncio.gather(*(one(url) for url in urls))
    return (
        {url: result[0] for url, result in zip(urls, results, strict=True)},
        {url: result[1] for url, result in zip(urls, results, strict=True)},
    )


def _https(url: str) -> str | None:
    """The same address over https; none where it names a port, behind which no second protocol listens."""
    parts = urlsplit(url)
    return f"https{url[4:]}" if parts.scheme == "http" and ":" not in parts.netloc.rpartition("]")[2] else None


def _diagnose(link: Link, outcome: LinkResult, secure: bool) -> Diagnostic | None:
    """The finding at one link."""
    match outcome.state:
        case LinkState.DEAD:
            return DEAD_LINK.at(link.place, outcome.detail, help=say("link to where the page lives now"))
        case LinkState.PRIVATE:
            return PRIVATE_LINK.at(link.place, outcome.detail, help=say("link to the public page"))
        case LinkState.UNSURE:
            return UNSURE_LINK.at(link.place, outcome.detail, help=say("open it in a browser to see"))
        case LinkState.MOVED:
            return MOVED_LINK.at(
                link.place, say("the link has permanently moved"), help=say("write {words}", words=outcome.target or "")
            )
        case LinkState.ALIVE:
            if secure:
                https = "https://" + link.url.removeprefix("http://")
                return INSECURE_LINK.at(
                    link.place, say("the link is http where https answers"), help=say("write {words}", words=https)
                )
    return None
