"""The readers' service: its routes, and what a failure looks like to a reader."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from publisher.errors import DatabaseError
from publisher.providers import providers
from publisher.web import links, operations, subscribing
from publisher.web.clicks import ClickCounter, follow
from publisher.web.guard import ServiceGuard
from publisher.web.service import Service

log = logging.getLogger("publisher.web")


def create_app(service: Service) -> ASGIApp:
    """The application, closed with its lifespan."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.postman.start()
        yield
        await app.state.clicks.flush()
        service.close()

    async def index(_: Request) -> Response:
        # Whether or not a proxy takes the path of service.url away, and whether or not it ends in a slash.
        return RedirectResponse(f"{urlsplit(service.config.service.url or '/').path}subscribe", 302)

    async def http_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = service.pages.status(error.status_code)
        response.headers.update(error.headers or {})
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
            Route("/confirm/{token}", links.show_confirm, methods=["GET"]),
            Route("/confirm/{token}", links.confirm, methods=["POST"]),
            Route("/unsubscribe/{token}", links.show_unsubscribe, methods=["GET"]),
            Route("/unsubscribe/{token}", links.unsubscribe, methods=["POST"]),
            Route("/preferences/{token}", links.show_preferences, methods=["GET"]),
            Route("/preferences/{token}", links.preferences, methods=["POST"]),
            Route("/keep/{token}", links.show_keep, methods=["GET"]),
            Route("/keep/{token}", links.keep, methods=["POST"]),
            Route("/r/{slug:path}/{number}", follow, methods=["GET"]),
            Route("/webhooks/{name}", operations.webhook, methods=["POST"]),
            Route("/healthz", operations.health, methods=["GET"]),
            Route("/metrics", operations.metrics, methods=["GET"]),
        ],
        exception_handlers={
            HTTPException: http_error,
            DatabaseError: database_error,
            ClientDisconnect: page(400),  # for the count: whoever asked has hung up
            Exception: page(500),
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # it would send readers to whatever host a request names
    app.state.service = service
    app.state.clicks = ClickCounter(lambda sums: service.write(service.readers.count, sums))
    app.state.alarms = operations.Alarms(service.config, service.database)
    found = [provider.webhook() for provider in providers(service.config)]
    app.state.webhooks = {webhook.name: webhook for webhook in found if webhook}
    url = urlsplit(service.config.service.url or "")
    return ServiceGuard(
        app,
        pages=service.pages,
        metrics=service.metrics,
        secure=url.scheme == "https",
        prefix=url.path,
        limits=[(f"/webhooks/{webhook.name}", webhook.limit) for webhook in app.state.webhooks.values()],
        edge=os.environ.get("PUBLISHER_ORIGIN_SECRET", ""),
    )
