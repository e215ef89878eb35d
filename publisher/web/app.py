"""The readers' service as an ASGI application: routes, error pages, and the checks around every request."""

import hmac
import ipaddress
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publisher.audience.tokens import Purpose
from publisher.errors import DatabaseError
from publisher.providers import providers
from publisher.web import links, operations, subscribing
from publisher.web.clicks import ClickCounter, follow
from publisher.web.service import Service

log = logging.getLogger("publisher.web")


def create_app(service: Service) -> ASGIApp:
    """Return the application; the end of its lifespan closes the service."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.postman.start()
        yield
        await app.state.clicks.flush()
        service.close()

    async def index(_: Request) -> Response:
        # Works whether or not a proxy strips the path of service.url, and whether or not it ends in a slash.
        return RedirectResponse(f"{urlsplit(service.config.service.url or '/').path}subscribe", 302)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        leaving = route_of(request.url.path) in {Purpose.UNSUBSCRIBE, Purpose.PREFERENCES}
        response = service.pages.status(error.status_code, leaving=leaving)
        response.headers.update(error.headers or {})
        if error.status_code == 405:  # Starlette names the methods of the first route with this path
            here = (route for route in app.routes if route.matches(request.scope)[0] is not Match.NONE)
            allowed = {method for route in here if isinstance(route, Route) for method in route.methods or ()}
            response.headers["allow"] = ", ".join(sorted(allowed))
        return response

    async def database_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, DatabaseError)
        log.error("%s (%s)", error.message, error.help)
        response = service.pages.status(503)
        response.headers["retry-after"] = "60"
        return response

    def page(status: int) -> Callable[[Request, Exception], Response]:
        return lambda _request, _error: service.pages.status(status)

    app = Starlette(
        routes=[
            Route("/", index, methods=["GET"]),
            Route("/subscribe", subscribing.form, methods=["GET"]),
            Route("/subscribe", subscribing.subscribe, methods=["POST"]),
            Route("/confirm/{token}", partial(links.show_button, purpose=Purpose.CONFIRM), methods=["GET"]),
            Route("/confirm/{token}", links.confirm, methods=["POST"]),
            Route("/unsubscribe/{token}", links.show_unsubscribe, methods=["GET"]),
            Route("/unsubscribe/{token}", links.unsubscribe, methods=["POST"]),
            Route("/preferences/{token}", links.show_preferences, methods=["GET"]),
            Route("/preferences/{token}", links.preferences, methods=["POST"]),
            Route("/keep/{token}", partial(links.show_button, purpose=Purpose.KEEP), methods=["GET"]),
            Route("/keep/{token}", links.keep, methods=["POST"]),
            Route("/r/{slug:path}/{number}", follow, methods=["GET"]),
            Route("/webhooks/{name}", operations.webhook, methods=["POST"]),
            Route("/healthz", operations.health, methods=["GET"]),
            Route("/metrics", operations.metrics, methods=["GET"]),
        ],
        exception_handlers={
            HTTPException: http_error,
            DatabaseError: database_error,
            ClientDisconnect: page(400),  # for the metrics: the client has disconnected
            Exception: page(500),
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # redirects would use the request's Host header
    app.state.service = service
    app.state.clicks = ClickCounter(lambda sums: service.write(service.readers.count, sums))
    app.state.alarms = operations.Alarms(service.config, service.database)
    found = [provider.webhook() for provider in providers(service.config)]
    app.state.webhooks = {webhook.name: webhook for webhook in found if webhook}
    limits = {f"/webhooks/{webhook.name}": webhook.limit for webhook in app.state.webhooks.values()}
    return ServiceGuard(app, service, limits)


BODY_LIMIT = 64 * 1024  # bytes of a form's body

_SECRET, _VIEWER = b"x-publisher-origin", b"x-publisher-viewer"
"""Headers that the edge adds (deploy/aws/service.yaml), replacing any that the viewer sent."""

_HEADERS = {
    "server": "publisher",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
    # Not no-referrer: browsers would send Origin: null from our forms. https://fetch.spec.whatwg.org/#origin-header
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class ServiceGuard:
    """ASGI middleware around the whole application: body limits, security headers, request metrics."""

    def __init__(self, app: ASGIApp, service: Service, limits: Mapping[str, int]) -> None:
        """``limits``: maximum bytes of a body, by path; :data:`BODY_LIMIT` for other paths."""
        url = urlsplit(service.config.service.url or "")
        self._app, self._pages, self._metrics, self._prefix = app, service.pages, service.metrics, url.path.rstrip("/")
        self._limits = limits
        # Secret shared with the CDN in front; a request that carries it may name its viewer's address.
        self._edge = os.environ.get("PUBLISHER_ORIGIN_SECRET", "").encode()
        headers = _HEADERS | {"content-security-policy": self._pages.policy}
        if url.scheme == "https":  # the public URL uses HTTPS
            headers["strict-transport-security"] = "max-age=31536000"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._viewed(scope)
        path: str = scope["path"]
        if self._prefix and f"{path}/".startswith(self._prefix + "/"):
            path = path.removeprefix(self._prefix) or "/"
            scope = {**scope, "path": path, "raw_path": path.encode("utf-8", "surrogateescape"), "root_path": ""}
        if path.endswith("/") and route_of(path) not in {"", "other"}:
            # A trailing slash was added by a mail program or by hand. A one-click POST must not be redirected (RFC
            # 8058); a GET is, by a relative URL, because the links of the page are relative too.
            path = path[:-1]
            scope = {**scope, "path": path, "raw_path": path.encode("utf-8", "surrogateescape")}
            if scope["method"] in {"GET", "HEAD"}:
                asked = scope["query_string"].decode("ascii", "replace")
                there = f"../{quote(path.rpartition('/')[2], safe='')}"
                away = RedirectResponse(f"{there}?{asked}" if asked else there, 308)
                await away(scope, receive, self._safely(scope, send))
                return
        limit = self._limits.get(path, BODY_LIMIT)
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413)
            return message

        safely, declared = self._safely(scope, send), Headers(scope=scope).get("content-length", "")
        if declared.isdigit() and len(declared) < 19 and int(declared) > limit:
            refusal = self._pages.status(413)
            refusal.headers["connection"] = "close"
            await refusal(scope, receive, safely)
            return
        await self._app(scope, bounded, safely)

    def _viewed(self, scope: Scope) -> Scope:
        """Return the scope with the viewer's address, if the edge sent it, for rate limits and evidence."""
        said = {name: value for name, value in scope["headers"] if name in {_SECRET, _VIEWER}}
        if not self._edge or not hmac.compare_digest(said.get(_SECRET, b""), self._edge):
            return scope
        try:
            viewer = str(ipaddress.ip_address(said.get(_VIEWER, b"").decode("ascii")))
        except ValueError:
            return scope
        kept = [(name, value) for name, value in scope["headers"] if name not in {_SECRET, _VIEWER}]
        return {**scope, "client": (viewer, 0), "headers": kept}

    def _safely(self, scope: Scope, send: Send) -> Send:
        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in self._headers if h[0] not in present)]
                method = scope["method"] if scope["method"] in {"GET", "HEAD", "POST"} else "other"
                self._metrics.count("requests", method, route_of(scope["path"]), str(message["status"]))
            await send(message)

        return safely


def route_of(path: str) -> str:
    """Return the first part of a known path, otherwise ``other``: no token or arbitrary path enters the metrics."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in _ROUTES else "other"


_ROUTES = {"", "subscribe", "confirm", "unsubscribe", "preferences", "keep", "r", "webhooks", "healthz", "metrics"}
