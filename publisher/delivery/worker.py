"""The worker: Procrastinate on the same PostgreSQL is the control plane, the ledger's batches are the data plane.

A job ``drain`` is one worker's share of one mailing; it claims recipients from the ledger like any sender. The
queue may therefore lose, repeat or delay jobs without second copies. One periodic job finds mailings with pending
recipients and defers drain jobs; another removes jobs of dead workers, which block their successors, and makes the
claims of their senders uncertain.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, or_, select, text

from publisher.config.model import Config
from publisher.database import Database
from publisher.database.failures import explain
from publisher.delivery import mailings
from publisher.delivery.ledger import Ledger
from publisher.delivery.lock import refuse_unknown_mail
from publisher.delivery.send import Options, Sent, drain
from publisher.delivery.sender import Interrupt
from publisher.delivery.states import Operator, RecipientState, word
from publisher.delivery.tables import WAITS, literally, recipients
from publisher.delivery.tables import mailings as mailings_table
from publisher.diagnostics import say
from publisher.errors import DatabaseError, PublisherError, UsageError
from publisher.mail.message import compose
from publisher.providers import open_transport

EVERY_MINUTE = "* * * * *"
STALLED_SECONDS = 90.0
AGAIN_SECONDS = 10  # after which a worker that lost the database tries again
_LOCK = 0x7075626D  # any constant: starting workers wait for this lock to create Procrastinate's tables


@dataclass(frozen=True, slots=True)
class Duties:
    """Duties of a worker besides sending, and its callbacks. ``reconcile`` reads pending input such as events;
    ``freeze``, on a machine with a checkout, freezes the subscribers due for a step of a series.

    ``refuse`` raises PublisherError for an issue whose mailing went further than the ledger knows.
    """

    slots: int = 3
    reconcile: Callable[[], object] | None = None
    freeze: Callable[[], object] | None = None
    refuse: Callable[[str], None] = lambda _slug: None
    tell: Callable[[str], None] = lambda _line: None
    interrupt: Interrupt = field(default_factory=Interrupt)


def work(config: Config, database: Database, duties: Duties) -> None:
    """Work until ``duties.interrupt`` is requested: once finishes the calls in flight, twice abandons them.

    A worker that has begun outlives a restart of the database.

    Raises UsageError on SQLite, DatabaseError if Procrastinate is not installed.
    """
    if database.dialect != "postgresql":
        advice = say("set PUBLISHER_DATABASE_URL=postgresql://… (docs/scaling.md), or use publisher send")
        message = say("a worker shares its mailings through PostgreSQL, and the database is SQLite")
        raise UsageError(message, help=advice)
    ready = False
    while not duties.interrupt.count:
        try:
            asyncio.run(_work(_app(config, database, duties), database, duties))
        except DatabaseError:
            if not ready:
                raise
        if not duties.interrupt.count:
            ready = True
            duties.tell(say("the database cannot be reached; trying again in {n} seconds", n=AGAIN_SECONDS))
            for _ in range(AGAIN_SECONDS * 5):
                if not duties.interrupt.count:
                    time.sleep(0.2)
    duties.tell(say("stopped"))


async def _work(app: Any, database: Database, duties: Duties) -> None:
    """Work until interrupted, or until Procrastinate loses the database. Raises DatabaseError if it is not reached."""
    from procrastinate.exceptions import ConnectorException
    from psycopg import Error

    loop = asyncio.get_running_loop()
    try:
        async with app.open_async():
            await asyncio.to_thread(_make_tables, app, database)
            await loop.run_in_executor(None, app.tasks["watch"].func)
            working = asyncio.create_task(app.run_worker_async(
                concurrency=2, install_signal_handlers=False, fetch_job_polling_interval=1.0,
                stalled_worker_timeout=STALLED_SECONDS, delete_jobs="always",  # the ledger records the results
            ))  # fmt: skip
            duties.tell("ready")
            while not working.done() and not duties.interrupt.count:
                await asyncio.wait({working}, timeout=0.2)
            working.cancel()  # the jobs still end in order; a second signal interrupts their senders
            # Without the database Procrastinate ends by itself, with an exception or without.
            with suppress(asyncio.CancelledError, ConnectorException):
                await working
    except (ConnectorException, Error) as error:
        raise explain(error, database.engine.url) from error


def _app(config: Config, database: Database, duties: Duties) -> Any:
    """Return the Procrastinate app with its four tasks."""
    try:
        import procrastinate
        from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
        from procrastinate.jobs import Status
    except ImportError as error:
        advice = "pip install 'newsletter-publisher[postgres]'"
        raise DatabaseError(say("a worker needs procrastinate"), help=advice) from error
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    # without kwargs Procrastinate 3.2 cannot listen beside psycopg-pool 3.3
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, kwargs={}))

    @app.task(name="drain", queue="drain")
    def drain_(mailing_id: int, slot: int) -> None:
        sent = _drain(config, database, mailing_id, duties)
        if sent is not None:
            told = say("{ending}; {n:,} pending", ending=word(sent.ending.value), n=sent.account.pending)
            duties.tell(say("{slug}: {told} (slot {n})", slug=sent.mailing.slug, told=told, n=slot))

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="watch", queue="watch", queueing_lock="watch", pass_context=False)
    def watch(timestamp: int = 0) -> None:  # noqa: ARG001 - Procrastinate passes it by this name
        if duties.freeze is not None:
            try:
                duties.freeze()
            except PublisherError as error:
                duties.tell(say("series: {told}", told=error.message))
        for mailing_id in _waiting(database):
            for slot in range(duties.slots):
                name = f"drain-{mailing_id}-{slot}"
                with suppress(AlreadyEnqueued):
                    app.configure_task("drain", lock=name, queueing_lock=name).defer(mailing_id=mailing_id, slot=slot)

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="reap", queue="watch", queueing_lock="reap")
    async def reap(timestamp: int) -> None:  # noqa: ARG001
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            with suppress(ConnectorException):  # another worker has ended it in the meantime
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        # Jobs of an older version, which kept them.
        await app.job_manager.delete_old_jobs(nb_hours=1, include_failed=True, include_cancelled=True)
        await asyncio.to_thread(_recover, database)

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="reconcile", queue="watch", queueing_lock="reconcile")
    def reconcile(timestamp: int) -> None:  # noqa: ARG001
        if duties.reconcile is not None:
            duties.reconcile()

    return app


def _drain(config: Config, database: Database, mailing_id: int, duties: Duties) -> Sent | None:
    """Run one job: this machine's share of the mailing, from the ledger alone; no checkout is needed."""
    if duties.interrupt.count:
        return None
    with database.connect() as connection:
        mailing = mailings.by_id(connection, mailing_id)
        letter = mailings.letter_of(connection, mailing_id)
    if mailing.operator != Operator.GOING:
        return None
    options = Options(interrupt=duties.interrupt)
    try:
        with database.connect() as connection:
            refuse_unknown_mail(database, connection, mailing.slug)
        duties.refuse(mailing.slug)
        with closing(open_transport(config)) as transport:
            quota = transport.open(compose(config, letter))
            return drain(config, database, mailing, letter, transport, quota, options, frozen=False, alone=False)
    except PublisherError as error:
        # The next watch job tries again; until then the operator sees the reason.
        duties.tell(say("{slug}: {told}", slug=mailing.slug, told=error.message))
        return None


def _with(state: RecipientState) -> Select[Any]:
    """Select the ids of mailings that have a recipient in this state, in order."""
    r, m = recipients.c, mailings_table.c
    of_mailing = select(r.number).where(r.mailing_id == m.id)
    free = of_mailing.where(r.state == literally(state), r.held == 0).exists()
    woken = of_mailing.where(WAITS, r.not_before <= datetime.now(UTC)).exists()  # held until a sender frees them
    return select(m.id).where(or_(free, woken) if state is RecipientState.PENDING else free).order_by(m.id)


def _waiting(database: Database) -> list[int]:
    """Return the ids of mailings that are not stopped and have pending recipients."""
    with database.connect() as connection:
        going = _with(RecipientState.PENDING).where(mailings_table.c.operator == Operator.GOING)
        return list(connection.execute(going).scalars())


def _recover(database: Database) -> None:
    """Make the claims of senders with an expired lease uncertain, in every mailing."""
    with database.connect() as connection:
        found = connection.execute(_with(RecipientState.CLAIMED)).scalars().all()
        held = [mailings.by_id(connection, key) for key in found]
    for mailing in held:
        Ledger(database, mailing).recover(alone=False)


def _make_tables(app: Any, database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if connection.scalar(text("SELECT to_regclass('procrastinate_jobs')")) is None:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute(app.schema_manager.get_schema(), prepare=False)
