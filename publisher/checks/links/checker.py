"""Converts links to diagnostics at the places where they are written; results are cached for a day."""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from publisher.checks.context import Context
from publisher.checks.ignores import Ignore, hidden, ignores_of
from publisher.checks.links.prober import LinkResult, LinkState, ProbeLimits, Prober
from publisher.checks.parts import Link
from publisher.config import Config
from publisher.diagnostics import Diagnostic, Severity, define, in_order, say
from publisher.diagnostics.catalogue import with_levels
from publisher.documents.atomic import write_file
from publisher.issue.links import fault_of_link
from publisher.issue.load import read_issue
from publisher.issue.personal import address_with_defaults

DEAD_LINK = define("dead-link", Severity.ERROR)
UNSURE_LINK = define("unsure-link", Severity.WARNING)
MOVED_LINK = define("moved-link", Severity.WARNING)
PRIVATE_LINK = define("private-link", Severity.ERROR)
INSECURE_LINK = define("insecure-link", Severity.WARNING)

DAY = 86_400.0
_ENTRIES = TypeAdapter(dict[str, tuple[float, LinkResult]])


class LinkCache:
    """Results of the last day by URL, in a JSON file; empty if that cannot be read."""

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self._path, self._now = path, now
        try:
            found = _ENTRIES.validate_json(path.read_bytes())
        except (OSError, ValueError):
            found = {}
        self._entries = {url: entry for url, entry in found.items() if 0 <= now() - entry[0] < DAY}

    def get(self, url: str) -> LinkResult | None:
        """The cached result for a URL, or None."""
        entry = self._entries.get(url)
        return entry[1] if entry else None

    def put(self, url: str, outcome: LinkResult) -> None:
        """Store a result if it is lasting."""
        if outcome.state.lasting:
            self._entries[url] = (self._now(), outcome)

    def save(self) -> None:
        """Write the file atomically; write errors are ignored."""
        with suppress(OSError):
            write_file(self._path, _ENTRIES.dump_json(self._entries), 0o600)


def check_all_links(
    config: Config, slugs: Iterable[str], progress: Callable[[int, int], None] | None = None
) -> list[Diagnostic]:
    """Check all links of the issues ``slugs``, as far as these can be read; one finding per occurrence."""
    links, ignores = list[Link](), list[Ignore]()
    for reading in (read_issue(config, slug) for slug in slugs):
        links += Context(config, reading.partial).links if reading.partial is not None else ()
        ignores += ignores_of(reading)
    attributes = config.audience.attributes
    found = check_links(
        [replace(link, url=address_with_defaults(link.url, attributes)) for link in links],
        cache=config.root / ".publisher" / "cache" / "links.json",
        agent=config.newsletter.url,
        limits=ProbeLimits(allow_private=config.checks.allow_private_links),
        progress=progress,
    )
    silent = hidden(ignores, found)
    return in_order(with_levels(config.checks.levels, [finding for finding in found if finding not in silent]))


def check_links(
    links: Iterable[Link],
    *,
    cache: Path,
    agent: str,
    limits: ProbeLimits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Diagnostic]:
    """Request every http(s) link once, concurrently, and report each occurrence that is dead, moved or unsure.

    ``cache`` is a JSON file with results of one day; ``agent`` identifies the client (the newsletter's URL);
    ``progress(done, total)`` is called per result. Never raises because of a link.
    """
    places: dict[str, list[Link]] = {}
    for link in links:
        url = link.url.partition("#")[0]
        if not fault_of_link(url, frozenset({"http", "https"})):  # invalid URLs have their own finding
            places.setdefault(url, []).append(link)
    known = LinkCache(cache)
    outcomes = asyncio.run(_probe_all(list(places), known, limits or ProbeLimits(), agent, progress))
    known.save()
    told = (_diagnose(link, *outcomes[url]) for url, written in places.items() for link in written)
    return [finding for finding in told if finding]


async def _probe_all(
    urls: list[str], known: LinkCache, limits: ProbeLimits, agent: str, progress: Callable[[int, int], None] | None
) -> dict[str, tuple[LinkResult, bool]]:
    """The result for each URL, and, for live http URLs, whether https works as well."""
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
            """Whether the host supports https; one that times out is tried once, not for each link."""
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
    return dict(zip(urls, results, strict=True))


def _https(url: str) -> str | None:
    """The same URL with https; None if it has a port, which serves a single protocol."""
    parts = urlsplit(url)
    return f"https{url[4:]}" if parts.scheme == "http" and ":" not in parts.netloc.rpartition("]")[2] else None


_TOLD = {
    LinkState.DEAD: (DEAD_LINK, say("link to where the page lives now")),
    LinkState.PRIVATE: (PRIVATE_LINK, say("link to the public page")),
    LinkState.UNSURE: (UNSURE_LINK, say("open it in a browser to see")),
}


def _diagnose(link: Link, outcome: LinkResult, secure: bool) -> Diagnostic | None:
    """The finding for one link, or None."""
    if outcome.state in _TOLD:
        code, advice = _TOLD[outcome.state]
        return code.at(link.place, outcome.detail, help=advice)
    if outcome.state is LinkState.MOVED:
        advice = say("write {words}", words=outcome.target or "")
        return MOVED_LINK.at(link.place, say("the link has permanently moved"), help=advice)
    if secure:
        advice = say("write {words}", words="https://" + link.url.removeprefix("http://"))
        return INSECURE_LINK.at(link.place, say("the link is http where https answers"), help=advice)
    return None
