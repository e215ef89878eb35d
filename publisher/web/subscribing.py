"""``/subscribe``: the form, and the confirmation mail it leads to.

The answer is the same whether or not the address is or was subscribed. It is given once the mail is in the outbox, so
that a crash loses no request, and at a multiple of :data:`BEAT`, so that its timing reveals nothing either.
"""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from publisher.audience.address import AddressError, read_address
from publisher.audience.columns import language_tag, time_zone
from publisher.web.forms import Fields, came_from_us, evidence, network, read_fields
from publisher.web.readers import LONGEST_TEXT, SubscribeRequest
from publisher.web.service import Service

BEAT = 0.25  # seconds; answers are sent at multiples of it, many times what the database takes
HONEYPOT = "website"  # field hidden from people; bots fill it in


async def form(request: Request) -> Response:
    """GET: show the form."""
    service: Service = request.app.state.service
    language = language_tag(request.query_params.get("language", ""))
    return _form(service, language)


async def subscribe(request: Request) -> Response:
    """POST: a form, or JSON ``{"email", "name", "language", "timezone", "topics"}``."""
    service: Service = request.app.state.service
    config = service.config
    welcome = [config.newsletter.url, *([config.service.url] if config.service.url else [])]
    if not came_from_us(request, welcome):
        return service.pages.status(403)
    fields = await read_fields(request)
    language = language_tag(fields.one("language"))
    if not service.limiter.admits(network(request)):
        service.metrics.count("asked", "limited")
        if fields.is_json:
            return JSONResponse({"error": "too many tries"}, 429, headers={"retry-after": "60"})
        response = service.pages.status(429, language)
        response.headers["retry-after"] = "60"
        return response
    if fields.one(HONEYPOT):
        service.metrics.count("asked", "trapped")
        return _asked(service, fields, language)
    try:
        address = read_address(fields.one("email"))
    except AddressError as error:
        service.metrics.count("asked", "invalid")
        if fields.is_json:
            return JSONResponse({"error": str(error)}, 422)
        return _form(service, language, fields, status=422)
    # A form without topics, such as the archive's, subscribes to all of them.
    offered = tuple(config.topics)
    chosen = tuple(topic for topic in offered if topic in fields.many("topics")) or offered
    zone, spoken = time_zone(fields.one("timezone")), language or config.newsletter.language
    wish = SubscribeRequest(address, fields.one("name")[:LONGEST_TEXT], spoken, chosen, zone)
    proof = evidence(request, page="json" if fields.is_json else "form")
    began = time.monotonic()
    await _ask(service, wish, proof)
    await asyncio.sleep(BEAT - (time.monotonic() - began) % BEAT)
    return _asked(service, fields, language)


async def _ask(service: Service, wish: SubscribeRequest, proof: dict[str, str]) -> None:
    if not service.limiter.may_mail(wish.address.mailbox_key):
        service.metrics.count("asked", "limited")
        return
    asked = await service.write(service.readers.ask, wish, proof)
    service.metrics.count("asked", "asked" if asked else "silent")
    if asked:
        service.postman.wake()


def _asked(service: Service, fields: Fields, language: str | None) -> Response:
    return JSONResponse({"status": "asked"}, 202) if fields.is_json else service.pages.message("asked", language)


def _form(service: Service, language: str | None, fields: Fields | None = None, *, status: int = 200) -> Response:
    given = fields or Fields({})
    return service.pages.page(
        "subscribe", language, status=status, wrong=fields is not None, email=given.one("email"),
        name=given.one("name"), timezone=given.one("timezone"),
        chosen=given.many("topics") if fields else tuple(service.config.topics),
    )  # fmt: skip
