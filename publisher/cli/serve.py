"""``publisher serve``: the readers' web service."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve", epilog="Example: publisher serve --port 8080")(serve)


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
) -> None:
    """Serve the readers: subscribe, confirm, unsubscribe, preferences, and the SNS webhook.

    Readers reach it at service.url of config.yaml, usually through a proxy that speaks HTTPS.
    """
    from publisher.config import load_config
    from publisher.web.server import run

    run(load_config(context.obj), host, port)
