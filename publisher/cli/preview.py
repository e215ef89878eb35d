"""``publisher preview``: the editors' live preview."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from publisher.cli.frame import app, chosen_slug, complain, error_console, examples


@app.command(epilog=examples("publisher preview 2024-12-29-ai-weekly"))
def preview(
    context: typer.Context,
    issue: Annotated[str | None, typer.Argument(help="The issue to open first; the newest if not given.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to serve it, on 127.0.0.1 only.")] = 8765,
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser on it.")] = False,
) -> int:
    """See the finished mail while you type.

    Follows the files of this repository and shows each issue as email, archive page and plain text, at phone and
    desktop width, light and dark, with every finding beside it. Nothing leaves this machine but a test you ask for.
    """
    import uvicorn

    from publisher.preview import create_app

    slug = chosen_slug(context.obj, issue) if issue else None
    if not _free(port):
        complain(f"port {port} is taken, perhaps by another preview", f"publisher preview --port {port + 1}")
        return 2
    service = create_app(context.obj, port)
    url = f"http://127.0.0.1:{port}/" + (f"#issue={slug}" if slug else "")
    error_console.print(f"Preview at [link={url}]{url}[/link]  (Ctrl-C ends it)")
    if open_browser:
        typer.launch(url)
    uvicorn.run(service, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
    return 0


def _free(port: int) -> bool:
    """Whether nobody listens on the port yet."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
