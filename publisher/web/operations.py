"""Endpoints for machines (``/healthz``, ``/metrics``, ``/webhooks/…``), and alarms of the service."""

import time
from collections.abc import Callable

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from publisher.audience import store
from publisher.config import Config
from publisher.database import Database
from publisher.delivery import folding
from publisher.delivery.mailings import was_mailed
from publisher.delivery.tripwires import Tripped, alert
from publisher.errors import DatabaseError
from publisher.feedback.apply import Applied, tripped_by
from publisher.web.forms import is_near
from publisher.web.service import Service, log

AGAIN = 3600.0  # seconds before the same tripwire of an issue is reported again: events come in thousands

_PASSED_ON = frozenset({"x-forwarded-for", "x-real-ip", "forwarded", "via"})


async def health(request: Request) -> Response:
    """Return 200 if the database answers, otherwise 503."""
    service: Service = request.app.state.service
    try:
        await service.read(service.readers.alive)
    except DatabaseError as error:
        log.error("unhealthy: %s", error.message)
        return PlainTextResponse("the database does not answer\n", 503)
    return PlainTextResponse("ok\n")


async def metrics(request: Request) -> Response:
    """Return metrics to this machine and its private network only: the number of subscribers is confidential.

    Requests passed on by a proxy get 404: the proxy may be near while its client is not.
    """
    service: Service = request.app.state.service
    if not is_near(request) or not _PASSED_ON.isdisjoint(request.headers.keys()):
        raise HTTPException(404)

    def count() -> dict[str, int]:
        with service.database.connect() as connection:
            return store.counts(connection)

    text = service.metrics.text(await service.read(count))
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


async def webhook(request: Request) -> Response:
    """Take in a provider's events; 404 until config or environment say whose events to accept."""
    name, service = request.path_params["name"], request.app.state.service
    hook = request.app.state.webhooks.get(name)
    if hook is None:
        raise HTTPException(404)
    from publisher.feedback.intake import Received, believe, keep

    # Verifying the sender may fetch a certificate for seconds: do not block the thread that writes.
    found = await run_in_threadpool(believe, hook, await request.body(), dict(request.headers))
    if not isinstance(found, Received):
        notice = found
        found = await service.write(lambda: keep(notice, database=service.database, config=service.config))
    status, reason = found.status, found.reason
    service.metrics.count("webhooks", str(status))
    kinds = found.applied.events.items() if found.applied else ()
    said = ", ".join([reason, *(f"{n} {kind}" for kind, n in kinds)])
    log.log(20 if status < 400 else 30, "%s: %d %s", name, status, said)
    told = BackgroundTask(request.app.state.alarms.tell, found.applied) if found.applied else None
    return PlainTextResponse("taken in\n" if status < 400 else f"{reason}\n", status, background=told)


class Alarms:
    """Reports tripwires set off by events and links to the alert webhook and the log. For one thread at a time."""

    def __init__(self, config: Config, database: Database) -> None:
        self._config, self._database = config, database
        self._told: dict[tuple[str, str], float] = {}

    def tell(self, applied: Applied) -> None:
        """Report what these events set off, once the provider has its answer, which a slow alert must not delay."""
        self._post_alarm(lambda: tripped_by(self._database, applied))

    def unknown_link(self, reference: str) -> None:
        """Report a link with our signature for an unknown subscriber, unless the ledger knows them (erased)."""
        message = "a reader left by a link of ours that this database knows nobody for, and may still be mailed"
        advice = "is this the newsletter's own database? After a move or a restore, bring over what the old one knows"

        def find() -> list[Tripped]:
            with self._database.connect() as connection:
                known = was_mailed(connection, reference) or any(folding.all_of(connection, reference))
            return [] if known else [Tripped("unknown-link", "", message, advice, stops=False)]

        self._post_alarm(find)

    def _post_alarm(self, find: Callable[[], list[Tripped]]) -> None:
        now = time.monotonic()
        try:
            tripped = find()
        except DatabaseError as error:
            log.error("%s (%s)", error.message, error.help)
            return
        fresh = [t for t in tripped if now - self._told.get((t.name, t.issue), float("-inf")) >= AGAIN]
        for trip in fresh:
            self._told[trip.name, trip.issue] = now
            log.error("%s: %s; %s", trip.name, trip.message, trip.help)
        if note := alert(self._config, fresh):
            log.warning("%s", note)
