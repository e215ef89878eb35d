"""The readers' pages, in the newsletter's theme and the reader's language."""

from __future__ import annotations

import base64
import hashlib
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from markupsafe import Markup
from starlette.responses import HTMLResponse

from publisher.config import Config
from publisher.edition.footer import footer
from publisher.edition.theme import Theme
from publisher.edition.theme_images import asked_images
from publisher.language import Locale, Words

MESSAGES = {200: "test", 400: "missing", 403: "refused", 410: "invalid", 413: "large", 429: "busy"}
"""What a page says for an HTTP status (200: a test mail's link); else that something is missing, or our fault (500)."""

_AREAS = frozenset({"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"})


class ServicePages:
    """Renders ``templates/service``. One for the life of the service."""

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
        """Content-Security-Policy: no script, one style sheet by its hash, the archive's pictures, our own forms."""
        self.words = lru_cache(maxsize=16)(self._words)
        """The words of a language; the newsletter's where none is given."""

    def page(self, name: str, language: str | None = None, /, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page of the theme."""
        return HTMLResponse(self.html(name, language, **values), status)

    def message(self, word: str, language: str | None = None, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page that only says something; ``preferences_link`` and ``subscribe_link`` may be given."""
        links: dict[str, Any] = {"preferences_link": None, "subscribe_link": None}
        return self.page("message", language, status=status, word=word, **(links | values))

    def status(self, status: int, language: str | None = None) -> HTMLResponse:
        """The page of an HTTP status that is no success, or of a test."""
        word = MESSAGES.get(status, "fault" if status >= 500 else "missing")
        anew = "../subscribe" if status == 410 else None  # an old link
        return self.message(word, language, status=status, subscribe_link=anew)

    def html(self, name: str, language: str | None = None, /, **values: Any) -> str:
        """The text of a page."""
        return self._theme.render(
            f"service/{name}.html.j2",
            say=self.words(language),
            newsletter=self._config.newsletter,
            style=Markup(self._style),  # noqa: S704 - the theme's own
            topics=self._config.topics,
            zones=_zones(),
            absolute=lambda path: self._theme.brand.base + path,
            footer=own.html if (own := footer(self._config, self.words(language).words)) else "",
            **values,
        )

    def _words(self, language: str | None = None) -> Words:
        newsletter = self._config.newsletter
        locale = Locale.of(language or newsletter.language, self._config.labels)
        return Words("service", locale, newsletter=newsletter.name)

    def languages(self, current: str | None) -> list[tuple[str, str]]:
        """Languages to choose from, each in its own words: the newsletter's, those with labels, the reader's."""
        tags = dict.fromkeys([self._config.newsletter.language, *self._config.labels, *([current] if current else [])])
        return [(tag, Locale.of(tag, {}).cldr.get_display_name() or tag) for tag in tags] if len(tags) > 1 else []


@cache
def _zones() -> dict[str, list[str]]:
    """The IANA time zones of places, by the part of the world that begins their names."""
    found: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        area, _, place = name.partition("/")
        if place and area in _AREAS:
            found.setdefault(area, []).append(name)
    return found
