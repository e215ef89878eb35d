"""``publisher worker``: one sending worker of several, on PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker", epilog="Example: PUBLISHER_DATABASE_URL=postgresql://db/news publisher worker")(worker)


def worker(
    context: typer.Context,
    slots: Annotated[int, typer.Option("--slots", min=1, max=64, help="Workers that may share one mailing.")] = 3,
) -> None:
    """Help to send every mailing that has somebody pending, until stopped. Start one on each machine.

    publisher send freezes a mailing and begins it; workers join within a minute. Ctrl-C finishes the calls in flight.
    """
    from publisher.cli.console import error_console
    from publisher.config import load_config
    from publisher.config.placeholders import refuse_placeholders
    from publisher.database import open_database
    from publisher.delivery.worker import Duties, work
    from publisher.errors import DeployError
    from publisher.publishing.witness import Witness, refuse_forgetful

    def tell(line: str) -> None:
        error_console.print(f"worker: {line}", markup=False)

    config = load_config(context.obj)
    refuse_placeholders(config)
    database = open_database(config)

    def reconcile() -> None:
        from publisher.cli.events import drain_any_queue
        from publisher.feedback.apply import Applier
        from publisher.web.confirmation import post

        drain_any_queue(Applier(database, config), config)
        post(config, database, 30.0)  # confirmation mail that serve could not send

    def refuse(slug: str) -> None:
        try:
            refuse_forgetful(Witness.open(config), database, slug)
        except DeployError as error:  # a machine that may not look into the archive carries on what was frozen
            tell(f"{slug}: the archive cannot be asked: {error.message}")

    try:
        work(config, database, Duties(slots=slots, tell=tell, reconcile=reconcile, refuse=refuse))
    finally:
        database.close()
