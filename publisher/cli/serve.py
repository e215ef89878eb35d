"""``publisher serve`` and ``worker``: what runs until it is stopped."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.frame import app, config_of, examples, opened, tell


@app.command(epilog=examples("publisher serve --port 8080"))
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
) -> None:
    """Serve the readers: subscribe, confirm, unsubscribe, preferences, and the SNS webhook.

    Readers reach it at service.url of config.yaml, usually through a proxy that speaks HTTPS.
    """
    from publisher.web.server import run

    run(config_of(context), host, port)


@app.command(epilog=examples("PUBLISHER_DATABASE_URL=postgresql://db/news publisher worker"))
def worker(
    context: typer.Context,
    slots: Annotated[int, typer.Option("--slots", min=1, max=64, help="Workers that may share one mailing.")] = 3,
) -> None:
    """Help to send every mailing that has somebody pending, until stopped. Start one on each machine.

    publisher send freezes a mailing and begins it; workers join within a minute. Ctrl-C finishes the calls in flight.
    """
    from publisher.delivery.worker import Duties, work
    from publisher.errors import DeployError
    from publisher.publishing.witness import Witness, refuse_forgetful

    def report(line: str) -> None:
        tell(f"worker: {line}")

    with opened(context, mails=True) as (config, database):

        def reconcile() -> None:
            from publisher.cli.events import drain_queue
            from publisher.feedback.apply import Applier
            from publisher.web.confirmation import post

            drain_queue(Applier(database, config), config)
            post(config, database, 30.0)  # confirmation mail that serve could not send

        def refuse(slug: str) -> None:
            try:
                refuse_forgetful(Witness.open(config), database, slug)
            except DeployError as error:  # a machine that may not look into the archive carries on what was frozen
                report(f"{slug}: the archive cannot be asked: {error.message}")

        work(config, database, Duties(slots=slots, tell=report, reconcile=reconcile, refuse=refuse))
