"""For machines: ``/healthz``, ``/metrics`` and ``/webhooks/sns``."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from publisher.audience import store
from publisher.errors import DatabaseError
from publisher.web.forms import is_near
from publisher.web.service import Service, log

_PASSED_ON = frozenset({"x-forwarded-for", "x-real-ip", "forwarded", "via"})


async def health(request: Request) -> Response:
    """200 where the service can do its work: the database answers."""
    service: Service = request.app.state.service
    try:
        await service.read(service.readers.alive)
    except DatabaseError as error:
        log.error("unhealthy: %s", error.message)
        return PlainTextResponse("the database does not answer\n", 503)
    return PlainTextResponse("ok\n")


async def metrics(request: Request) -> Response:
    """Numbers, for this machine and its private network: how many readers there are is nobody else's business.

    Nothing for what a proxy passes on: it may be near itself, and pass on anybody's.
    """
    service: Service = request.app.state.service
    if not is_near(request) or not _PASSED_ON.isdisjoint(request.headers.keys()):
        raise HTTPException(404)

    def count() -> dict[str, int]:
        with service.database.connect() as connection:
            found = store.counts(connection)
        return {
            "pending": found.pending,
            "confirmed": found.confirmed,
            "unsubscribed": found.unsubscribed,
            "suppressed": found.suppressed,
        }

    numbers = await service.read(count)
    text = service.metrics.text({("publisher_subscribers", "state"): numbers})
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


async def sns(request: Request) -> Response:
    """A message of Amazon SNS; there is nothing here until ``service.sns_topics`` names whom to believe."""
    service: Service = request.app.state.service
    if not service.config.service.sns_topics:
        raise HTTPException(404)
    from publisher.feedback.intake import Received, believe, keep

    body, certificates, config = await request.body(), request.app.state.certificates, service.config
    # The certificate may take seconds to come: the thread that writes is for readers meanwhile.
    found = await run_in_threadpool(believe, body, config=config, certificates=certificates)
    if not isinstance(found, Received):
        message = found
        found = await service.write(lambda: keep(message, database=service.database, config=config))
    status, reason = found.status, found.reason
    service.metrics.webhooks.add(str(status))
    log.log(20 if status < 400 else 30, "SNS: %d %s", status, reason)
    told = BackgroundTask(request.app.state.alarms.tell, found.applied) if found.applied else None
    return PlainTextResponse("taken in\n" if status < 400 else f"{reason}\n", status, background=told)
