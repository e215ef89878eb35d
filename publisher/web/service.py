"""The parts of the readers' service: pages, metrics, group commit, and the threads for the database."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from markupsafe import Markup
from starlette.responses import HTMLResponse

from publisher.audience.model import Subscriber
from publisher.audience.tokens import Tokens
from publisher.config import Config
from publisher.database import Database, open_database
from publisher.database.failures import despite_conflicts
from publisher.delivery.series import ready_series
from publisher.edition.brand import asked_images
from publisher.edition.footer import footer
from publisher.edition.model import ThemeError
from publisher.edition.theme import Theme
from publisher.language import Locale, Words
from publisher.web.confirmation import ConfirmationMailer
from publisher.web.forms import Limiter
from publisher.web.readers import Readers, Unsubscribe

_COUNTERS = {
    "requests": ("Requests", ("method", "route", "status")),
    "asked": ("Subscribe forms", ("outcome",)),
    "confirmation_mails": ("Confirmation mails", ("outcome",)),
    "changes": ("What readers did", ("change",)),
    "webhooks": ("Requests of providers", ("status",)),
}
"""Help text and label names, by counter."""


class Metrics:
    """Counters of the service in the Prometheus text format.

    Label values come from fixed sets: no address, no token, no arbitrary path.
    """

    def __init__(self) -> None:
        self._numbers = {name: Counter[tuple[str, ...]]() for name in _COUNTERS}
        self._lock = threading.Lock()

    def count(self, name: str, *values: str) -> None:
        """Increment a counter; ``values`` are those of its labels, in order."""
        with self._lock:
            self._numbers[name][values] += 1

    def text(self, subscribers: dict[str, int]) -> str:
        """Return all metrics; ``subscribers``: present numbers by state."""
        lines: list[str] = []
        for name, (about, labels) in _COUNTERS.items():
            with self._lock:
                numbers = sorted(self._numbers[name].items())
            lines += _series(f"publisher_web_{name}_total", about, "counter", labels, numbers)
        now = [((state,), number) for state, number in subscribers.items()]
        lines += _series("publisher_subscribers", "Now in the database", "gauge", ("state",), now)
        return "\n".join(lines) + "\n"


Numbers = Sequence[tuple[tuple[str, ...], int]]


def _series(name: str, about: str, kind: str, labels: tuple[str, ...], numbers: Numbers) -> list[str]:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    for values, number in numbers:
        pairs = ",".join(f'{label}="{_safe(value)}"' for label, value in zip(labels, values, strict=True))
        lines.append(f"{name}{{{pairs}}} {number}")
    return lines


def _safe(value: str) -> str:
    return "".join(c for c in value if c.isascii() and (c.isalnum() or c in "-_ "))[:40]


log = logging.getLogger("publisher.web")

T = TypeVar("T")

MOST = 64  # requests in one transaction
Left = Subscriber | None

_PendingLeave = tuple[Unsubscribe, asyncio.Future[Left]]


class GroupCommit:
    """Commits unsubscriptions in groups: those that arrive during a commit share the next one. For one event loop.

    A commit waits some milliseconds for the disk, and SQLite has one writer: without groups, that wait would bound
    the rate of one-click unsubscriptions, which mail providers send in bursts.
    """

    def __init__(self, commit: Callable[[list[Unsubscribe]], Awaitable[list[Left]]]) -> None:
        self._commit = commit
        self._waiting: list[_PendingLeave] = []
        self._running: asyncio.Task[None] | None = None

    async def leave(self, departure: Unsubscribe) -> Left:
        """Return once the unsubscription is committed. Raises what the commit raised."""
        answer: asyncio.Future[Left] = asyncio.get_running_loop().create_future()
        self._waiting.append((departure, answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._commit_all(batch)

    async def _commit_all(self, batch: list[_PendingLeave]) -> None:
        """Commit all in one transaction; if that fails, each in its own, so that one failure does not affect others."""
        try:
            answers = await self._commit([departure for departure, _ in batch])
        except Exception as error:
            if len(batch) > 1:
                for waiting in batch:
                    await self._commit_all([waiting])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, asked), answer in zip(batch, answers, strict=True):
            if not asked.done():  # the client may have disconnected
                asked.set_result(answer)


@dataclass(frozen=True, slots=True)
class Service:
    """Dependencies of the request handlers."""

    config: Config
    database: Database
    tokens: Tokens
    pages: ServicePages
    readers: Readers
    postman: ConfirmationMailer
    limiter: Limiter
    metrics: Metrics
    together: GroupCommit
    _writer: ThreadPoolExecutor = field(repr=False)
    _reader: ThreadPoolExecutor = field(repr=False)

    @classmethod
    def open(cls, config: Config, *, limiter: Limiter | None = None) -> Service:
        """Open the database and the keys. Raises DatabaseError, UsageError, ThemeError."""
        database, tokens = open_database(config), Tokens.open(config)
        # SQLite: a single writer thread, so that writers queue in order instead of polling for the lock.
        writer = ThreadPoolExecutor(1 if database.dialect == "sqlite" else 8, "write")
        readers, metrics = Readers(database, partial(ready_series, config)), Metrics()

        async def commit(departures: list[Unsubscribe]) -> list[Subscriber | None]:
            step = partial(despite_conflicts, partial(readers.leave, departures))
            return await asyncio.get_running_loop().run_in_executor(writer, step)

        return cls(
            config, database, tokens, ServicePages(config), readers,
            ConfirmationMailer(config, tokens, database, partial(metrics.count, "confirmation_mails")),
            limiter or Limiter(), metrics, GroupCommit(commit), writer, ThreadPoolExecutor(4, "read"),
        )  # fmt: skip

    def close(self) -> None:
        """Finish running work and close the database."""
        self.postman.stop()
        self._writer.shutdown()
        self._reader.shutdown()
        self.database.close()

    async def write(self, step: Callable[..., T], *values: Any) -> T:
        """Run a step that is one transaction in a writer thread; retried after a ConflictError."""
        again = partial(despite_conflicts, partial(step, *values))
        return await asyncio.get_running_loop().run_in_executor(self._writer, again)

    async def read(self, step: Callable[..., T], *values: Any) -> T:
        """Run a step that only reads in a reader thread."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, step, *values)


MESSAGES = {200: "test", 400: "missing", 403: "refused", 410: "invalid", 413: "large", 429: "busy"}
"""Word of the page for an HTTP status (200: link of a test mail); others: ``missing``, or from 500 ``fault``."""

_FORMS = frozenset({"subscribe", "confirm", "unsubscribe", "preferences"})
"""Pages that serve nobody without their form."""

_AREAS = frozenset({"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"})


class ServicePages:
    """Renders ``templates/service``. One instance per service."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._theme = Theme.of(config)
        self._style = self._theme.style("service/style.css", self._theme.brand.base + "assets/")
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        archive = urlsplit(self._theme.brand.base)
        shown = self._theme.brand.logo or asked_images(config)
        pictures = f"data: {archive.scheme}://{archive.netloc}" if shown else "data:"
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src {pictures}; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        """Content-Security-Policy: no script, one style sheet by hash, images of the archive, forms to ourselves."""
        self.words = lru_cache(maxsize=16)(self._words)
        """The words of a language, by default the newsletter's; cached."""
        # Cached, so that each cause is told once an hour, not for each page.
        self._tell = lru_cache(maxsize=64)(lambda fault, _hour: log.error("%s; readers get the built-in page", fault))

    def page(self, name: str, language: str | None = None, /, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a page of the theme."""
        return HTMLResponse(self.html(name, language, **values), status)

    def message(self, word: str, language: str | None = None, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a page that only shows a message; takes ``preferences_link``, ``subscribe_link`` and ``contact``."""
        links: dict[str, Any] = {"preferences_link": None, "subscribe_link": None, "contact": None}
        return self.page("message", language, status=status, word=word, **(links | values))

    def status(self, status: int, language: str | None = None, *, leaving: bool = False) -> HTMLResponse:
        """Render the page for an HTTP error status, or for a link of a test mail (200). If an invalid link was for
        ``leaving``, the page names whom to write to.
        """
        word = MESSAGES.get(status, "fault" if status >= 500 else "missing")
        news, links = self._config.newsletter, dict[str, Any]()
        if status == 410:  # invalid link
            links = {"contact": news.answers or news.sender[1]} if leaving else {"subscribe_link": "../subscribe"}
        return self.message(word, language, status=status, **links)

    def html(self, name: str, language: str | None = None, /, **values: Any) -> str:
        """Return the HTML of a page; the built-in one, so that nobody is kept in, if the newsletter's own fails."""
        template, own = f"service/{name}.html.j2", footer(self._config, self.words(language).words)
        values |= {
            "say": self.words(language), "newsletter": self._config.newsletter, "topics": self._config.topics,
            "style": Markup(self._style),  # noqa: S704 - a style sheet of the theme
            "zones": _zones(), "absolute": lambda path: self._theme.brand.base + path,
            "footer": own.html if own else "",
        }  # fmt: skip
        try:
            html = self._theme.render(template, **values)
            fault = "" if "<form" in html or name not in _FORMS else f"{template} has no form"
        except ThemeError as error:
            fault = f"{error.diagnostic.path}:{error.diagnostic.line} fails"  # its message may hold a reader's data
        if fault:
            self._tell(fault, int(time.monotonic() // 3600))
            return self._theme.shipped.render(template, **values)
        return html

    def _words(self, language: str | None = None) -> Words:
        newsletter = self._config.newsletter
        locale = Locale.of(language or newsletter.language, self._config.labels)
        return Words("service", locale, newsletter=newsletter.name)

    def languages(self, current: str | None) -> list[tuple[str, str]]:
        """Return (tag, own name) of the languages offered: the newsletter's, those with labels, the reader's."""
        tags = dict.fromkeys([self._config.newsletter.language, *self._config.labels, *([current] if current else [])])
        return [(tag, Locale.of(tag, {}).cldr.get_display_name() or tag) for tag in tags] if len(tags) > 1 else []


@cache
def _zones() -> dict[str, list[str]]:
    """Return the IANA time zones of places, by the area that begins their names."""
    found: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        area, _, place = name.partition("/")
        if place and area in _AREAS:
            found.setdefault(area, []).append(name)
    return found
