"""``publisher preview``, ``serve``, ``worker`` and ``lsp``: long-running commands."""

import socket
from datetime import UTC, datetime
from typing import Annotated

import typer

from publisher.cli.frame import app, chosen_slug, config_of, examples, needs_extra, opened
from publisher.cli.output import ignore_closed_output, print_error, remark
from publisher.diagnostics import counted, say
from publisher.errors import DeployError


@app.command(epilog=examples("publisher preview 2024-12-29-ai-weekly"))
def preview(
    context: typer.Context,
    issue: Annotated[str | None, typer.Argument(metavar="ISSUE", help="Opened first; by default, the newest.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port, on 127.0.0.1 only.")] = 8765,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    editor: Annotated[bool, typer.Option("--editor", help="Allow an editor to show it in a frame.")] = False,
) -> int:
    """Preview the finished mail in a browser while you type.

    Follows the files of this repository and shows each issue as email, archive page and plain text, at phone and
    desktop width, light and dark, with every finding beside it. Nothing leaves this machine but a test you ask for.
    """
    import uvicorn

    from publisher.preview import create_app

    slug = chosen_slug(context.obj, issue) if issue else None
    if not _free(port):
        taken = say("port {port} is taken, perhaps by another preview", port=str(port))
        print_error(taken, f"publisher preview --port {port + 1}")
        return 2
    service = create_app(context.obj, port, editor=editor)
    url = f"http://127.0.0.1:{port}/" + (f"#issue={slug}" if slug else "")
    remark(say("Preview at {url}  (Ctrl-C ends it)", url=url))
    if open_browser:
        typer.launch(url)
    uvicorn.run(service, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
    return 0


def _free(port: int) -> bool:
    """Whether the port is not yet in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@app.command(epilog=examples("publisher serve --port 8080"))
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
) -> None:
    """Run the readers' web service: subscribe, confirm, unsubscribe, preferences, and the SNS webhook.

    Readers reach it at service.url of config.yaml, usually through an HTTPS proxy.
    """
    from publisher.web.server import run

    run(config_of(context), host, port)


@app.command(epilog=examples("PUBLISHER_DATABASE_URL=postgresql://db/news publisher worker"))
def worker(
    context: typer.Context,
    slots: Annotated[int, typer.Option(min=1, max=64, help="How many workers may share one mailing.")] = 3,
) -> None:
    """Help send every mailing with pending recipients, until stopped. Start one on each machine.

    publisher send freezes and starts a mailing; workers join within a minute. A worker in a checkout also sends the
    steps of series when they are due. Ctrl-C finishes the calls in flight.
    """
    from publisher.cli.sending import stop_on_signals
    from publisher.delivery import lock
    from publisher.delivery.series import ready_steps
    from publisher.delivery.worker import Duties, work
    from publisher.publishing.history import refuse_other_newsletter
    from publisher.publishing.series import freeze_here
    from publisher.publishing.witness import Witness, refuse_unknown_mail

    def report(line: str) -> None:
        remark(say("worker: {told}", told=line))

    ignore_closed_output()
    with opened(context, mails=True) as (config, database):

        def reconcile() -> None:
            from publisher.cli.events import drain_queue
            from publisher.feedback.apply import Applier
            from publisher.web.confirmation import post

            drain_queue(Applier(database, config), config)
            post(config, database, 30.0)  # confirmation mail that serve could not send

        def refuse(slug: str) -> None:
            refuse_other_newsletter(config, database)
            try:
                refuse_unknown_mail(Witness.open(config), database, slug)
            except DeployError as error:  # a machine that cannot read the archive still sends what was frozen
                report(say("{slug}: the archive cannot be asked: {told}", slug=slug, told=error.message))

        def freeze() -> None:
            refuse_other_newsletter(config, database)
            for mailing in freeze_here(config, database, datetime.now(UTC)):
                report(counted(
                    "{slug} frozen for {n:,} reader in all", "{slug} frozen for {n:,} readers in all", mailing.audience,
                    slug=mailing.slug,
                ))  # fmt: skip
            with database.connect() as connection:
                for step in ready_steps(config):
                    lock.refuse_unknown_mail(database, connection, step.slug)

        here = freeze if (config.root / "series").is_dir() else None
        duties = Duties(slots=slots, tell=report, reconcile=reconcile, freeze=here, refuse=refuse)
        with stop_on_signals(duties.interrupt):
            work(config, database, duties)


@app.command(epilog=examples("publisher lsp --stdio"))
def lsp(
    stdio: Annotated[  # noqa: ARG001 - clients pass it; there is no other transport
        bool, typer.Option("--stdio", help="Use standard input and output, as it always does.")
    ] = False,
) -> int:
    """Run the language server (LSP): findings as you type, completion, explanations, fixes, renaming.

    The newsletter is the nearest config.yaml above a file. docs/editors.md sets up VS Code, Neovim, Helix and Zed.
    """
    with needs_extra("editor", "pygls"):
        from publisher.lsp.server import serve as speak

    return speak()
