"""For machines: ``/healthz``, ``/metrics`` and ``/webhooks/…``."""

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


async def webhook(request: Request) -> Response:
    """A provider's events; there is nothing here until config or environment say whom to believe."""
    name, service = request.path_params["name"], request.app.state.service
    hook = request.app.state.webhooks.get(name)
    if hook is None:
        raise HTTPException(404)
    from publisher.feedback.intake import Received, believe, keep

    # What proves the sender may take seconds to come: the thread that writes is for readers meanwhile.
    found = await run_in_threadpool(believe, hook, await request.body(), dict(request.headers))
    if not isinstance(found, Received):
        notice = found
        found = await service.write(lambda: keep(notice, database=service.database, config=service.config))
    status, reason = found.status, found.reason
    service.metrics.webhooks.add(str(status))
    log.log(20 if status < 400 else 30, "%s: %d %s", name, status, reason)
    told = BackgroundTask(request.app.state.alarms.tell, found.applied) if found.applied else None
    return PlainTextResponse("taken in\n" if status < 400 else f"{reason}\n", status, background=told)
